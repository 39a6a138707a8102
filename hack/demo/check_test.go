// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferencesThatLast(t *testing.T) {
	first := &differ{"first", []string{"a", "b", "c"}}
	second := (&differ{"second", []string{"b", "c", "d"}}).also(first)
	third := (&differ{"third", []string{"a", "d"}}).also(second)
	if diff := cmp.Diff(&differ{"second", []string{"b", "c"}}, second, cmp.AllowUnexported(differ{})); diff != "" || second.none() {
		t.Errorf("after two comparisons: %s", diff)
	}
	if !third.none() {
		t.Errorf("after three comparisons %v lasts", third.differences)
	}
}

func TestMisstated(t *testing.T) {
	inv := inventory(1, "Complete=True Succeeded all")
	want := []string{"status.artifacts is absent, and the lists hold 7", "status.artifactLists is absent, and there are 2"}
	if diff := cmp.Diff(want, misstated(inv, 7, 2)); diff != "" {
		t.Errorf("without numbers: %s", diff)
	}
	inv.Status.Artifacts, inv.Status.ArtifactLists = new(int64(7)), new(int32(2))
	if got := misstated(inv, 7, 2); got != nil {
		t.Errorf("all well, and %v", got)
	}
	inv.Status.Conditions[0] = condition("Complete=False PartialFailure a lacks b")
	want = []string{
		"the inventory is not complete: its condition Complete is False, PartialFailure: a lacks b",
		"status.artifacts is 7, and the lists hold 8", "status.artifactLists is 2, and there are 3",
	}
	if diff := cmp.Diff(want, misstated(inv, 8, 3)); diff != "" {
		t.Errorf("other numbers: %s", diff)
	}
}
