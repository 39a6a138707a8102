// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"regexp"
	"strconv"
)

var versionNumbers = regexp.MustCompile(`^v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:\D|$)`)

// VersionAtLeast tells whether [SystemInfo].Version is this one or a later one.
// A version that cannot be read counts as an old one; a missing patch level as 0.
func VersionAtLeast(version string, major, minor, patch int) bool {
	m := versionNumbers.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	for i, want := range []int{major, minor, patch} {
		if n, _ := strconv.Atoi(m[i+1]); n != want { // nine digits at most, or none
			return n > want
		}
	}
	return true
}
