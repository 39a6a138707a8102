// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"regexp"
	"strconv"
)

var versionNumbers = regexp.MustCompile(`^v?(\d+)\.(\d+)(?:\.(\d+))?`)

// StampsTellChanges tells whether a repository's update_time moves on every
// change of its artifacts and tags: from Harbor 2.15.2 on. An unknown version
// counts as old.
func StampsTellChanges(version string) bool {
	m := versionNumbers.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits only; a missing patch level counts as 0
	}
	switch {
	case n[0] != 2:
		return n[0] > 2
	case n[1] != 15:
		return n[1] > 15
	default:
		return n[2] >= 2
	}
}
