// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"math"
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

// test is what testing.TB and rapid.T have in common.
type test interface {
	Helper()
	Cleanup(func())
}

// SetPageSize makes listings use smaller pages until the test ends, so that few
// artifacts fill many.
func SetPageSize(t test, size int) {
	t.Helper()
	before := pageSize
	pageSize = size
	t.Cleanup(func() { pageSize = before })
}

// NeverWide makes every repository be read by its own listing until the test ends.
func NeverWide(t test) { t.Helper(); setWideSaves(t, math.MaxInt) }

// EagerlyWide makes a wide tile need to save one request only, until the test ends.
func EagerlyWide(t test) { t.Helper(); setWideSaves(t, 1) }

func setWideSaves(t test, saves int) {
	t.Helper()
	before := wideSaves
	wideSaves = saves
	t.Cleanup(func() { wideSaves = before })
}
