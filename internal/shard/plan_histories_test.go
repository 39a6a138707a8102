// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// histories is the number of lives of a repository that the fill is promised for.
const histories = 10_000

// light is a cluster that keeps entries as they are: thousands of histories need
// no JSON to tell what they are about.
type light map[string][]v1alpha1.ArtifactEntry

func (l light) existing() []Existing {
	var all []Existing
	for name, held := range l {
		all = append(all, Existing{Name: name, Entries: held})
	}
	return all
}

func (l light) apply(c Changes) {
	for _, list := range slices.Concat(c.Create, c.Update) {
		l[list.Name] = list.Entries
	}
	for _, name := range c.Delete {
		delete(l, name)
	}
}

// full is the number of lists that are more than three quarters full, by the
// greater of their shares of the two limits.
func (l light) full(limits Limits, sizes map[string]int) int {
	n := 0
	for _, held := range l {
		bytes := 1 // the bracket at the end
		for i := range held {
			bytes += sizes[held[i].Digest] + 1
		}
		if max(float64(len(held))/float64(limits.MaxEntries), float64(bytes)/float64(limits.MaxBytes)) > 0.75 {
			n++
		}
	}
	return n
}

// The stated share, over 10,000 random histories of pushes and deletes: whenever
// a list is created, all others but one are more than three quarters full; and
// there are never more than 1 + 4/3 P lists, where P is the greatest value that
// entries/MaxEntries + bytes/MaxBytes ever had.
func TestPlanFillOverTenThousandHistories(t *testing.T) {
	t.Parallel()
	s := newScale()
	tags := []string{"v", strings.Repeat("v", 50), strings.Repeat("v", 400)}
	for seed := range uint64(histories) {
		random := rand.New(rand.NewPCG(seed, 0))
		limits := Limits{MaxEntries: 1 + random.IntN(25), MaxBytes: []int{4000, 8000, DefaultMaxBytes}[random.IntN(3)]}
		lists, sizes, pushed, peak := light{}, map[string]int{}, 0, 0.
		var desired []v1alpha1.ArtifactEntry
		for sync := range 2 + random.IntN(4) {
			for range random.IntN(12) {
				e := entry(pushed, tags[random.IntN(len(tags))])
				desired, sizes[e.Digest] = append(desired, e), s.weigh(&e).size
				pushed++
			}
			for range min(len(desired), random.IntN(9)) {
				at := random.IntN(len(desired))
				desired = slices.Delete(desired, at, at+1)
			}
			c := Plan(testNamer, desired, lists.existing(), limits)
			lists.apply(c)
			bytes, held := 1, 0
			for i := range desired {
				bytes += sizes[desired[i].Digest] + 1
			}
			for _, entries := range lists {
				held += len(entries)
			}
			peak = max(peak, float64(len(desired))/float64(limits.MaxEntries)+float64(bytes)/float64(limits.MaxBytes))
			switch most := 1 + 4./3*peak; {
			case held != len(desired):
				t.Fatalf("history %d, sync %d: %d entries in the lists, %d desired", seed, sync, held, len(desired))
			case float64(len(lists)) > most:
				t.Fatalf("history %d, sync %d: %d lists, more than %.1f", seed, sync, len(lists), most)
			case len(c.Create) > 0 && lists.full(limits, sizes) < len(lists)-1:
				t.Fatalf("history %d, sync %d: of %d lists %d are more than three quarters full", seed, sync, len(lists), lists.full(limits, sizes))
			}
		}
	}
}
