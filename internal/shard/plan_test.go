// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// world is a repository in Harbor and its lists in the cluster.
type world struct {
	artifacts []v1alpha1.ArtifactEntry // in Harbor
	lists     cluster
	limits    Limits
	rewrite   string // a list whose metadata is wrong
}

func (w *world) push(from, to int) { w.artifacts = append(w.artifacts, entries(from, to)...) }

func (w *world) remove(from, to int) {
	gone := map[string]bool{}
	for _, e := range entries(from, to) {
		gone[e.Digest] = true
	}
	w.artifacts = slices.DeleteFunc(w.artifacts, func(e v1alpha1.ArtifactEntry) bool { return gone[e.Digest] })
}

func (w *world) retag(i int, tags ...string) {
	for at := range w.artifacts {
		if w.artifacts[at].Digest == entry(i).Digest {
			w.artifacts[at].Tags = tags
		}
	}
}

func (w *world) plan() Changes {
	existing := w.lists.existing()
	for i := range existing {
		existing[i].Rewrite = existing[i].Name == w.rewrite
	}
	w.rewrite = ""
	return Plan(testNamer, w.artifacts, existing, w.limits)
}

const (
	list0 = "production-3d6726de3c3211b8-0"
	list1 = "production-3d6726de3c3211b8-1"
	list2 = "production-3d6726de3c3211b8-2"
	list3 = "production-3d6726de3c3211b8-3"
	list4 = "production-3d6726de3c3211b8-4"
)

// TestPlanNarrative tells the life of one repository: each step changes
// something, and the plan that follows is applied before the next step.
func TestPlanNarrative(t *testing.T) {
	w := &world{lists: cluster{}, limits: Limits{MaxEntries: 100}}
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"100 artifacts are pushed", func() { w.push(0, 100) }, `
create list 0 of library/nginx: 100 added
`}, {"nothing happens", func() {}, `
no changes
`}, {"one more is pushed: the list is full", func() { w.push(100, 101) }, `
create list 1 of library/nginx: 1 added
`}, {"one more is pushed: one write", func() { w.push(101, 102) }, `
update list 1 of library/nginx: 1 added
`}, {"250 are pushed at once", func() { w.push(102, 352) }, `
create list 2 of library/nginx: 100 added
create list 3 of library/nginx: 52 added
update list 1 of library/nginx: 98 added
`}, {"one is deleted and one is pushed: it takes the place", func() { w.remove(7, 8); w.push(352, 353) }, `
update list 0 of library/nginx: 1 added, 1 removed
`}, {"one gets another tag", func() { w.retag(205, "v1") }, `
update list 2 of library/nginx: 1 changed
`}, {"one is deleted, one is changed, one is pushed: two writes, not three", func() { w.remove(8, 9); w.retag(310, "v2"); w.push(353, 354) }, `
update list 0 of library/nginx: 1 added, 1 removed
update list 3 of library/nginx: 1 changed
`}, {"a list's artifacts are all deleted", func() { w.remove(100, 200) }, `
delete list 1 of library/nginx: emptied
`}, {"49 are pushed: list 3 has room for 48 only and yet takes what it can", func() { w.push(354, 403) }, `
create list 1 of library/nginx: 1 added
update list 3 of library/nginx: 48 added
`}, {"ten are deleted from list 2", func() { w.remove(200, 210) }, `
update list 2 of library/nginx: 10 removed
`}, {"120 are pushed: ten free places are too few to open list 2 for them", func() { w.push(403, 523) }, `
create list 4 of library/nginx: 21 added
update list 1 of library/nginx: 99 added
`}, {"ten are pushed: list 2 takes them all", func() { w.push(523, 533) }, `
update list 2 of library/nginx: 10 added
`}, {"the limit is lowered to 60", func() { w.limits.MaxEntries = 60 }, `
create list 5 of library/nginx: 60 moved here
create list 6 of library/nginx: 60 moved here
create list 7 of library/nginx: 40 moved here
update list 0 of library/nginx: 40 moved away
update list 1 of library/nginx: 40 moved away
update list 2 of library/nginx: 40 moved away
update list 3 of library/nginx: 40 moved away
`}, {"the limit is raised again: nothing is moved back", func() { w.limits.MaxEntries = 100 }, `
no changes
`}, {"somebody takes an entry out of list 4, which is seen by its content hash", func() {
			w.edit(list4, func(e []v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry { return e[1:] })
			w.rewrite = list4
		}, `
update list 4 of library/nginx: 1 added
`}, {"somebody edits an entry", func() {
			w.edit(list0, func(e []v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry { e[3].Tags = []string{"mine"}; return e })
		}, `
update list 0 of library/nginx: 1 changed
`}, {"somebody turns a list round", func() { w.edit(list0, reversed) }, `
update list 0 of library/nginx: order restored
`}, {"somebody empties a list", func() { w.edit(list4, func([]v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry { return nil }) }, `
update list 4 of library/nginx: 21 added
`}, {"somebody deletes a list", func() { delete(w.lists, list4) }, `
update list 0 of library/nginx: 21 added
`}, {"somebody copies list 1 under the name of a list that is not there", func() { w.lists[list4] = w.lists[list1] }, `
delete list 4 of library/nginx: emptied
`}, {"somebody adds an entry of list 0 to list 2, and one that Harbor does not have", func() {
			w.edit(list2, func(e []v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry {
				return append(e, entry(0), entry(9999))
			})
		}, `
update list 2 of library/nginx: 1 removed, 1 duplicate removed
`}, {"somebody renames a list: its entries are new, and one list takes them all", func() { w.lists["mine"] = w.lists[list3]; delete(w.lists, list3) }, `
update list 7 of library/nginx: 60 added
delete mine: not a name of this repository's lists
`}, {"somebody removes the content hash of a list", func() { w.rewrite = list1 }, `
update list 1 of library/nginx: metadata restored
`}, {"Harbor has nothing any more", func() { w.artifacts = nil }, `
delete list 0 of library/nginx: emptied
delete list 1 of library/nginx: emptied
delete list 2 of library/nginx: emptied
delete list 5 of library/nginx: emptied
delete list 6 of library/nginx: emptied
delete list 7 of library/nginx: emptied
`},
	} {
		step.do()
		changes := w.plan()
		if diff := cmp.Diff(strings.TrimPrefix(step.want, "\n"), changes.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
		w.lists.apply(t, changes)
		w.lists.check(t, w.artifacts, Limits{MaxEntries: w.limits.MaxEntries, MaxBytes: DefaultMaxBytes})
		if again := w.plan(); !again.Empty() || again.Unchanged != len(w.lists) {
			t.Errorf("%s: planned again:\n%s", step.what, again)
		}
	}
}

func (w *world) edit(name string, change func([]v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry) {
	w.lists.put(name, change(w.lists.get(name)))
}

func reversed(e []v1alpha1.ArtifactEntry) []v1alpha1.ArtifactEntry {
	slices.Reverse(e)
	return e
}

func TestPlanBytes(t *testing.T) {
	big := func(i, kilobytes int) v1alpha1.ArtifactEntry {
		return entry(i, strings.Repeat("t", kilobytes<<10))
	}
	for _, test := range []struct {
		name     string
		desired  []v1alpha1.ArtifactEntry
		existing []Existing
		want     string
	}{
		{
			name:    "three entries of 64 KiB fill a list, as four and the brackets exceed 256 KiB",
			desired: []v1alpha1.ArtifactEntry{big(0, 64), big(1, 64), big(2, 64), big(3, 64)},
			want: "create list 0 of library/nginx: 3 added\n" +
				"create list 1 of library/nginx: 1 added\n",
		}, {
			name:     "an entry grows: the last ones move",
			desired:  []v1alpha1.ArtifactEntry{big(0, 200), big(1, 20), big(2, 40), big(3, 1)},
			existing: []Existing{{Name: list0, Entries: []v1alpha1.ArtifactEntry{big(0, 100), big(1, 20), big(2, 40), big(3, 1)}}},
			want: "create list 1 of library/nginx: 2 moved here\n" +
				"update list 0 of library/nginx: 1 changed, 2 moved away\n",
		}, {
			name:    "an entry that moves out of a full list stays where a higher list has it already",
			desired: []v1alpha1.ArtifactEntry{big(0, 200), big(1, 100)},
			existing: []Existing{
				{Name: list0, Entries: []v1alpha1.ArtifactEntry{big(0, 200), big(1, 100)}},
				{Name: list1, Entries: []v1alpha1.ArtifactEntry{big(1, 100)}},
			},
			want: "update list 0 of library/nginx: 1 moved away\n",
		}, {
			name:    "an entry over the limit gets a list of its own",
			desired: []v1alpha1.ArtifactEntry{big(0, 300), big(1, 1)},
			want: "create list 0 of library/nginx: 1 added\n" +
				"create list 1 of library/nginx: 1 added\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			changes := Plan(testNamer, test.desired, test.existing, Limits{})
			if diff := cmp.Diff(test.want, changes.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A list may be exactly as large as the limit on bytes, and no larger.
func TestPlanBytesToTheByte(t *testing.T) {
	desired := entries(0, 5)
	size := len(asJSON(desired))
	if c := Plan(testNamer, desired, nil, Limits{MaxBytes: size}); len(c.Create) != 1 {
		t.Errorf("%d bytes, limit %d:\n%s", size, size, c)
	}
	if c := Plan(testNamer, desired, nil, Limits{MaxBytes: size - 1}); len(c.Create) != 2 {
		t.Errorf("%d bytes, limit %d:\n%s", size, size-1, c)
	}
	whole := []Existing{{Name: list0, Entries: entries(0, 4)}}
	if c := Plan(testNamer, desired, whole, Limits{MaxBytes: size}); len(c.Update) != 1 || len(c.Create) != 0 {
		t.Errorf("one more makes %d bytes, limit %d:\n%s", size, size, c)
	}
	if c := Plan(testNamer, desired, whole, Limits{MaxBytes: size - 1}); len(c.Update) != 0 || len(c.Create) != 1 {
		t.Errorf("one more makes %d bytes, limit %d:\n%s", size, size-1, c)
	}
}

// Two lists are over their limits and could take what the other one loses. If
// they did, one of the two updates would lose an entry for a while.
func TestPlanNeverSwapsEntriesBetweenUpdates(t *testing.T) {
	sized := func(i, bytes int) v1alpha1.ArtifactEntry { return entry(i, strings.Repeat("t", bytes)) }
	desired := []v1alpha1.ArtifactEntry{sized(0, 3000), sized(1, 1500), sized(2, 4000), sized(3, 700)}
	existing := []Existing{
		{Name: list0, Entries: []v1alpha1.ArtifactEntry{sized(0, 1000), sized(1, 1500)}},
		{Name: list1, Entries: []v1alpha1.ArtifactEntry{sized(2, 1000), sized(3, 700)}},
	}
	want := `create list 2 of library/nginx: 2 moved here
update list 0 of library/nginx: 1 changed, 1 moved away
update list 1 of library/nginx: 1 changed, 1 moved away
`
	if diff := cmp.Diff(want, Plan(testNamer, desired, existing, Limits{MaxBytes: 5000}).String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Desired entries with one digest: the first counts.
func TestPlanDesiredTwice(t *testing.T) {
	desired := []v1alpha1.ArtifactEntry{entry(0, "first"), entry(1), entry(0, "second")}
	lists := cluster{}
	lists.apply(t, Plan(testNamer, desired, nil, Limits{}))
	lists.check(t, desired[:2], Limits{MaxEntries: 100, MaxBytes: DefaultMaxBytes})
	if again := Plan(testNamer, desired, lists.existing(), Limits{}); !again.Empty() {
		t.Errorf("planned again:\n%s", again)
	}
}

// The order of the existing lists is by index, not by letter: 2 before 10.
func TestPlanSortsByIndex(t *testing.T) {
	var existing []Existing
	for _, name := range []string{"zebra", testNamer.Name(10), "ant", testNamer.Name(2)} {
		existing = append(existing, Existing{Name: name, Entries: entries(0, 1)})
	}
	changes := Plan(testNamer, nil, existing, Limits{})
	want := []string{testNamer.Name(2), testNamer.Name(10), "ant", "zebra"}
	if diff := cmp.Diff(want, changes.Delete); diff != "" {
		t.Errorf("Delete (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ant", "zebra"}, changes.Misnamed); diff != "" {
		t.Errorf("Misnamed (-want +got):\n%s", diff)
	}
}
