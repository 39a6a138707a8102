// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// bin is a list while it is being packed.
type bin struct {
	index   int
	had     []v1alpha1.ArtifactEntry // as it stands
	rewrite bool                     // asked for from outside
	created bool

	holds []int // positions in desired
	bytes int   // of holds as a JSON array, without one of its two brackets; see put

	// What is being done to it, in entries.
	added, removed, changed, movedHere, movedAway, duplicates int
	reordered                                                 bool
}

// put adds an entry of so many bytes.
func (b *bin) put(at, size int) {
	b.holds = append(b.holds, at)
	b.bytes += size + 1 // and the comma or bracket before it; the bracket at the end is in takes
}

// fits tells whether one more entry of so many bytes is within the limits. An
// empty list takes any one entry: there is no better place for it.
func (b *bin) fits(size int, limits Limits) bool {
	return len(b.holds) == 0 || b.takes(1, size+1, limits)
}

// takes tells whether so many entries more are within the limits. Bytes are
// those of the entries and one more for each.
func (b *bin) takes(entries, bytes int, limits Limits) bool {
	return len(b.holds)+entries <= limits.MaxEntries && b.bytes+bytes+1 <= limits.MaxBytes
}

// roomy tells whether at least a quarter of both limits is free.
func (b *bin) roomy(limits Limits) bool {
	return roomyShare*(limits.MaxEntries-len(b.holds)) >= limits.MaxEntries &&
		roomyShare*(limits.MaxBytes-b.bytes-1) >= limits.MaxBytes
}

// written tells whether the list is written, or deleted, whatever else happens.
func (b *bin) written() bool {
	return b.created || b.rewrite || b.reordered || len(b.holds) == 0 ||
		b.added+b.removed+b.changed+b.movedHere+b.movedAway+b.duplicates > 0
}

// reason tells a person what is being done.
func (b *bin) reason() string {
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{
		{b.added, "added"},
		{b.removed, "removed"},
		{b.changed, "changed"},
		{b.movedHere, "moved here"},
		{b.movedAway, "moved away"},
		{b.duplicates, "duplicate removed"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	if b.reordered {
		parts = append(parts, "order restored")
	}
	if len(parts) == 0 {
		parts = append(parts, "metadata restored")
	}
	return strings.Join(parts, ", ")
}
