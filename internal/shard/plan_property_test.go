// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

const universe = 28 // digests that properties draw from

func drawLimits(t *rapid.T) Limits {
	return Limits{
		MaxEntries: rapid.IntRange(1, 12).Draw(t, "maxEntries"),
		MaxBytes:   rapid.SampledFrom([]int{300, 1000, 2500, DefaultMaxBytes}).Draw(t, "maxBytes"),
	}
}

// drawEntry draws one of several forms of an artifact, of different sizes.
func drawEntry(t *rapid.T, i int) v1alpha1.ArtifactEntry {
	e := entry(i)
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 1:
		e.Tags = []string{"latest"}
	case 2:
		e.Tags = []string{strings.Repeat("v", rapid.IntRange(1, 600).Draw(t, "length"))}
	case 3:
		e.Annotations = map[string]v1alpha1.AnnotationValue{"b": "<&>", "a": "ä"}
	}
	return e
}

func drawDesired(t *rapid.T, label string) []v1alpha1.ArtifactEntry {
	order := rapid.Permutation(slices.Collect(ints(universe))).Draw(t, label)
	var desired []v1alpha1.ArtifactEntry
	for _, i := range order[:rapid.IntRange(0, universe).Draw(t, "count")] {
		desired = append(desired, drawEntry(t, i))
	}
	return desired
}

func ints(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// drawCluster draws lists in any state that an operator, an earlier version of
// it, or a hand can have left them in.
func drawCluster(t *rapid.T) cluster {
	lists := cluster{}
	for range rapid.IntRange(0, 6).Draw(t, "lists") {
		name := testNamer.Name(rapid.IntRange(0, 12).Draw(t, "index"))
		if rapid.IntRange(0, 6).Draw(t, "misnamed") == 0 {
			name = rapid.SampledFrom([]string{"mine", "production-0", testNamer.Name(1) + "0x", testNamer.Name(0) + "0"}).Draw(t, "name")
		}
		var held []v1alpha1.ArtifactEntry
		for range rapid.IntRange(0, 14).Draw(t, "entries") {
			held = append(held, drawEntry(t, rapid.IntRange(0, universe+5).Draw(t, "entry")))
		}
		lists.put(name, held)
	}
	return lists
}

// settle plans and applies, and fails unless that leads to the desired entries
// and leaves nothing to be done.
func settle(t *rapid.T, lists cluster, desired []v1alpha1.ArtifactEntry, limits Limits) Changes {
	changes := Plan(testNamer, desired, lists.existing(), limits)
	checkChanges(t, changes)
	lists.apply(t, changes)
	lists.check(t, desired, limits)
	if again := Plan(testNamer, desired, lists.existing(), limits); !again.Empty() || again.Unchanged != len(lists) {
		t.Fatalf("planned again, of %d lists %d unchanged:\n%s", len(lists), again.Unchanged, again)
	}
	return changes
}

func checkChanges(t *rapid.T, c Changes) {
	seen := map[string]bool{}
	for _, phase := range phases(c) {
		last := -1
		for _, w := range phase {
			if seen[w.list.Name] {
				t.Fatalf("%s is written twice:\n%s", w.list.Name, c)
			}
			seen[w.list.Name] = true
			if index, ok := testNamer.Index(w.list.Name); ok {
				if index <= last {
					t.Fatalf("not sorted:\n%s", c)
				}
				last = index
			} else if !slices.Contains(c.Misnamed, w.list.Name) {
				t.Fatalf("%s is neither the namer's nor misnamed:\n%s", w.list.Name, c)
			}
			if w.verb != "delete" && (w.list.Hash != HashEntries(w.list.Entries) || w.list.Reason == "") {
				t.Fatalf("list without its hash or reason:\n%s", c)
			}
		}
	}
}

func TestPlanLeadsToTheDesiredEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, desired, limits := drawCluster(t), drawDesired(t, "desired"), drawLimits(t)
		existing := lists.existing()
		before := asJSON(existing) + asJSON(desired)
		first := Plan(testNamer, desired, existing, limits)
		slices.Reverse(existing)
		if second := Plan(testNamer, desired, existing, limits); asJSON(first) != asJSON(second) {
			t.Fatalf("another order of the lists, another plan:\n%s\n%s", first, second)
		}
		slices.Reverse(existing)
		if asJSON(existing)+asJSON(desired) != before {
			t.Fatalf("Plan has changed its arguments")
		}
		settle(t, lists, desired, limits)
		var total Hash
		for name := range lists {
			total = total.Add(HashEntries(lists.get(name)))
		}
		if total != HashEntries(desired) {
			t.Fatalf("the lists' hashes add up to %s, not to %s", total, HashEntries(desired))
		}
	})
}

// A crash can end the writes anywhere, also where those of a phase go side by
// side. No wanted entry that was there is ever missing, and the next plan, be it
// for the same entries or for others, ends well.
func TestPlanSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, desired, limits := drawCluster(t), drawDesired(t, "desired"), drawLimits(t)
		kept := lists.digests()
		var writes []write
		for i, phase := range phases(Plan(testNamer, desired, lists.existing(), limits)) {
			if len(phase) > 0 {
				writes = append(writes, rapid.Permutation(phase).Draw(t, fmt.Sprintf("order of phase %d", i))...)
			}
		}
		var other []v1alpha1.ArtifactEntry
		if rapid.Bool().Draw(t, "other entries after the crash") {
			other = drawDesired(t, "other")
		} else {
			other = desired
		}
		for n := range len(writes) + 1 {
			if n > 0 {
				lists.do(t, writes[n-1])
			}
			found := lists.digests()
			for _, e := range desired {
				if kept[e.Digest] > 0 && found[e.Digest] == 0 {
					t.Fatalf("after %d of %d writes %s is missing", n, len(writes), e.Digest)
				}
			}
			settle(t, maps.Clone(lists), other, limits)
		}
	})
}

// drawSettled draws lists that are as they should be.
func drawSettled(t *rapid.T) (cluster, []v1alpha1.ArtifactEntry, Limits) {
	lists, desired, limits := drawCluster(t), drawDesired(t, "desired"), drawLimits(t)
	settle(t, lists, desired, limits)
	return lists, desired, limits
}

func TestPlanOnePushIsOneWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, desired, limits := drawSettled(t)
		at := rapid.IntRange(0, len(desired)).Draw(t, "at") // an old id may become visible late
		desired = slices.Insert(desired, at, drawEntry(t, universe))
		c := settle(t, lists, desired, limits)
		if len(c.Create)+len(c.Update) != 1 || len(c.Delete) != 0 {
			t.Fatalf("not one write:\n%s", c)
		}
	})
}

func TestPlanOneChangeIsOneWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, desired, limits := drawSettled(t)
		if len(desired) == 0 {
			return
		}
		at := rapid.IntRange(0, len(desired)-1).Draw(t, "at")
		desired[at].SizeBytes++ // of as many digits as before
		c := settle(t, lists, desired, limits)
		if len(c.Update) != 1 || len(c.Create)+len(c.Delete) != 0 || c.Update[0].Reason != "1 changed" {
			t.Fatalf("not one update:\n%s", c)
		}
	})
}

func TestPlanOneDeleteIsOneWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, desired, limits := drawSettled(t)
		if len(desired) == 0 {
			return
		}
		at := rapid.IntRange(0, len(desired)-1).Draw(t, "at")
		c := settle(t, lists, slices.Delete(desired, at, at+1), limits)
		if len(c.Update)+len(c.Delete) != 1 || len(c.Create) != 0 {
			t.Fatalf("not one write:\n%s", c)
		}
	})
}
