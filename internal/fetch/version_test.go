// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import "testing"

func TestStampsTellChanges(t *testing.T) {
	for version, want := range map[string]bool{
		"v2.16.0-c50c7ddd6e": true,
		"v2.15.2":            true,
		"2.15.10":            true,
		"v3.0.0":             true,
		"v2.16":              true,
		"v2.15.1-deadbeef":   false,
		"v2.15":              false,
		"v2.9.5":             false,
		"v1.10.0":            false,
		"v2.15.x":            false,
		"dev":                false,
		"":                   false,
		"x2.16.0":            false,
	} {
		if got := StampsTellChanges(version); got != want {
			t.Errorf("%q: %t, want %t", version, got, want)
		}
	}
}
