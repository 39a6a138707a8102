// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shard spreads the entries of one repository over ArtifactLists.
//
// [Plan] takes the entries as they should be and the lists as they stand, and
// returns the [Changes] that lead from one to the other. It is pure: it knows no
// client, no clock and no metric.
package shard

import (
	"fmt"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// DefaultMaxBytes is the greatest size of a list's entries as a JSON array where
// no other is given: 256 KiB, a sixth of what etcd takes in one request.
const DefaultMaxBytes = 256 << 10

// Limits of one list.
type Limits struct {
	// MaxEntries in a list; zero or less means v1alpha1.DefaultArtifactsPerList.
	MaxEntries int
	// MaxBytes of the entries as a JSON array; zero or less means DefaultMaxBytes.
	// An entry that is larger by itself still gets a list, of its own.
	MaxBytes int
}

// Existing is a list that stands in the cluster.
type Existing struct {
	Name    string
	Entries []v1alpha1.ArtifactEntry

	// Rewrite asks for the list to be written even if its entries are right: where
	// a label is not, or the content hash beside them is not that of Entries.
	// Otherwise a wrong hash would stay, and tell of a change for ever.
	Rewrite bool
}

// List is a list to be written.
type List struct {
	Name string
	// Entries in the order of the desired ones, with which they share memory:
	// read only.
	Entries []v1alpha1.ArtifactEntry
	// Hash of Entries.
	Hash Hash
	// Reason for the write, for a person: "1 added, 1 removed, 2 changed".
	Reason string
}

// Changes lead from the lists that stand to the desired entries.
//
// They are to be applied in three phases: everything in Create, then everything
// in Update, then everything in Delete. Within a phase the order does not
// matter, and writes may go side by side. Whenever this ends early, each entry
// that is wanted and was there is still in a list, perhaps in two, and the next
// Plan finishes the work.
//
// Each slice is sorted by the index in the names; names that the Namer does not
// make come last, alphabetically.
type Changes struct {
	Create, Update []List
	Delete         []string

	// Misnamed holds those names of Delete that the Namer does not make.
	Misnamed []string

	// Unchanged is the number of lists that stay as they are.
	Unchanged int

	// Hash is that of the desired entries, and of what the lists hold together
	// when the changes are made.
	Hash Hash

	namer Namer
}

// Empty tells whether there is nothing to write.
func (c Changes) Empty() bool { return len(c.Create)+len(c.Update)+len(c.Delete) == 0 }

// String returns one line for each change, in the order in which they are to be
// applied, each ended by a newline; or "no changes" and a newline. A line is
// like "update list 2 of library/nginx: 1 added, 1 removed".
func (c Changes) String() string {
	if c.Empty() {
		return "no changes\n"
	}
	var text strings.Builder
	for _, list := range c.Create {
		fmt.Fprintf(&text, "create %s: %s\n", c.namer.describe(list.Name), list.Reason)
	}
	for _, list := range c.Update {
		fmt.Fprintf(&text, "update %s: %s\n", c.namer.describe(list.Name), list.Reason)
	}
	misnamed := make(map[string]bool, len(c.Misnamed))
	for _, name := range c.Misnamed {
		misnamed[name] = true
	}
	for _, name := range c.Delete {
		reason := "emptied"
		if misnamed[name] {
			reason = "not a name of this repository's lists"
		}
		fmt.Fprintf(&text, "delete %s: %s\n", c.namer.describe(name), reason)
	}
	return text.String()
}

// Plan returns the changes that make the lists of one repository hold exactly
// the desired entries, each in one list, with few writes. Packing is sticky: an
// entry stays in the list that it is in, and nothing is rebalanced (the model is
// k8s.io/endpointslice, reconcileByPortMapping). An entry is known by its digest.
//
//  1. Weigh the desired entries: hash and size of each. Of two with one digest
//     the first counts.
//  2. Sort the lists by index. Lists with a name that is not the namer's are
//     deleted; what they hold counts as new.
//  3. Keep: each list, lowest first, keeps the desired entries that it holds and
//     that no lower list keeps, in their desired form and order, up to the
//     limits. What is beyond them (the last entries) is released. Released
//     entries that a higher list holds too are kept there.
//  4. Move: released entries that no list keeps go into lists that are created,
//     under the lowest free indexes.
//  5. Fill: new entries go into lists that are written anyway, lowest first; then
//     into lists with room; then into lists that are created.
//  6. Lists that keep nothing and got nothing are deleted.
//
// What becomes of an entry, by where it is:
//
//	desired  in a list                  becomes
//	yes      none                       added, step 5
//	yes      one                        kept there; replaced if it differs
//	yes      several                    kept in the lowest, removed from the others
//	yes      one that is over a limit   moved into a created list, step 4
//	yes      only a misnamed one        added, step 5
//	no       any                        removed
//
// Writes: one pushed artifact is one write, and so is one that changed, unless
// it grew and pushes others over the limit. A list that would not be written
// otherwise takes all of the new entries that are left, or at least a quarter of
// a limit: so r pushed entries need at most 1 + 4r/MaxEntries writes of such
// lists (as long as the limit on bytes plays no part).
//
// Safety: an entry moves only from a list that is updated to one that is
// created, or from a list that is deleted to one that is created or updated.
// The phases of [Changes] therefore never leave it without a list.
//
// Fill: let a list's fill be the greater of its shares of the two limits. Step 5
// creates a list only where every other one is more than three quarters full,
// given entries smaller than a quarter of MaxBytes. So of lists that only ever
// grew, all but one are. In general there are never more than 1 + 4/3 x P lists,
// where P is the greatest value that entries/MaxEntries + bytes/MaxBytes ever
// had for the repository, and one list more for each plan that had to move
// entries. Without rebalancing no share of the present content can be promised:
// deletes that leave one entry in each list leave all of the lists standing.
//
// Time and memory are linear in the entries, besides sorting the lists.
func Plan(namer Namer, desired []v1alpha1.ArtifactEntry, existing []Existing, limits Limits) Changes {
	p := newPacking(namer, desired, limits) // 1. Weigh.
	p.sort(existing)                        // 2. Sort.
	p.keep()                                // 3. Keep.
	p.move()                                // 4. Move.
	p.fill()                                // 5. Fill.
	return p.changes()                      // 6. Delete what is empty.
}
