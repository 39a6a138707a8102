// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"
	"time"
)

// The waits of real use would only make the tests slow.
func init() {
	authenticationWaits = []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond}
}

// Bounds that tests state their figures with.
const (
	SingleReads           = singleReads
	UnansweredBeforeCheck = unansweredBeforeCheck
	PublicListings        = publicListings
)

// SetPageSize makes listings use smaller pages until the test ends, so that few
// artifacts fill many.
func SetPageSize(t *testing.T, size int) {
	t.Helper()
	before := pageSize
	pageSize = size
	t.Cleanup(func() { pageSize = before })
}
