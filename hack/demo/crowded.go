// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// crowded returns the repository with most artifacts that are tagged, the
// first in alphabetical order of several; "" if there is none.
func crowded(held []testbed.Artifact) string {
	tagged := map[string]int{}
	for _, a := range held {
		if len(a.Tags) > 0 {
			tagged[a.Repository]++
		}
	}
	repositories := slices.SortedFunc(maps.Keys(tagged), func(a, b string) int {
		return cmp.Or(cmp.Compare(tagged[b], tagged[a]), cmp.Compare(a, b))
	})
	if len(repositories) == 0 {
		return ""
	}
	return repositories[0]
}
