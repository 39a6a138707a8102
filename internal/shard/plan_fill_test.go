// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// fillOf is the greater of a list's shares of the two limits.
func (c cluster) fillOf(name string, limits Limits) float64 {
	return math.Max(float64(len(c.get(name)))/float64(limits.MaxEntries), float64(len(c[name]))/float64(limits.MaxBytes))
}

// history is a repository through many syncs, within limits that no single
// entry takes a quarter of.
type history struct {
	lists   cluster
	desired []v1alpha1.ArtifactEntry
	limits  Limits
	pushed  int
	peak    float64 // greatest value of entries/MaxEntries + bytes/MaxBytes
}

func drawHistory(t *rapid.T) *history {
	return &history{lists: cluster{}, limits: Limits{
		MaxEntries: rapid.IntRange(1, 25).Draw(t, "maxEntries"),
		MaxBytes:   rapid.SampledFrom([]int{4000, 8000, DefaultMaxBytes}).Draw(t, "maxBytes"),
	}}
}

func (h *history) push(t *rapid.T) {
	for range rapid.IntRange(1, 25).Draw(t, "pushed") {
		tag := strings.Repeat("v", rapid.SampledFrom([]int{1, 50, 400}).Draw(t, "length"))
		h.desired = append(h.desired, entry(h.pushed, tag))
		h.pushed++
	}
}

func (h *history) remove(t *rapid.T) {
	for range min(len(h.desired), rapid.IntRange(1, 25).Draw(t, "removed")) {
		at := rapid.IntRange(0, len(h.desired)-1).Draw(t, "at")
		h.desired = slices.Delete(h.desired, at, at+1)
	}
}

// sync settles the lists and checks that a list was created only where every
// other one is more than three quarters full.
func (h *history) sync(t *rapid.T) Changes {
	c := settle(t, h.lists, h.desired, h.limits)
	peak := float64(len(h.desired))/float64(h.limits.MaxEntries) + float64(len(asJSON(h.desired)))/float64(h.limits.MaxBytes)
	h.peak = math.Max(h.peak, peak)
	if len(c.Create) > 0 {
		h.checkAllButOneFull(t)
	}
	return c
}

func (h *history) checkAllButOneFull(t *rapid.T) {
	others := 0
	for name := range h.lists {
		if h.lists.fillOf(name, h.limits) <= 0.75 {
			others++
		}
	}
	if others > 1 {
		t.Fatalf("%d of %d lists are at most three quarters full", others, len(h.lists))
	}
}

func TestPlanFillOverHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		for range rapid.IntRange(1, 6).Draw(t, "syncs") {
			if rapid.Bool().Draw(t, "push") {
				h.push(t)
			}
			if rapid.Bool().Draw(t, "remove") {
				h.remove(t)
			}
			h.sync(t)
			if most := 1 + 4./3*h.peak; float64(len(h.lists)) > most {
				t.Fatalf("%d lists, more than %.1f", len(h.lists), most)
			}
		}
	})
}

// Of lists that only ever grew, all but one are more than three quarters full,
// and a push writes few of them.
func TestPlanFillAndWritesUnderPushes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		h.limits.MaxBytes = DefaultMaxBytes
		for range rapid.IntRange(1, 6).Draw(t, "syncs") {
			before := len(h.desired)
			h.push(t)
			c := h.sync(t)
			h.checkAllButOneFull(t)
			pushed := len(h.desired) - before
			if most := 1 + 4*float64(pushed)/float64(h.limits.MaxEntries); float64(len(c.Create)+len(c.Update)) > most {
				t.Fatalf("%d pushed, more than %.1f writes:\n%s", pushed, most, c)
			}
		}
	})
}

// After any deletes too, a push writes few lists.
func TestPlanWritesAfterDeletes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		h.limits.MaxBytes = DefaultMaxBytes
		for range rapid.IntRange(1, 5).Draw(t, "syncs") {
			h.push(t)
			h.remove(t)
			h.sync(t)
		}
		before := len(h.desired)
		h.push(t)
		c := h.sync(t)
		pushed := len(h.desired) - before
		if most := 1 + 4*float64(pushed)/float64(h.limits.MaxEntries); float64(len(c.Create)+len(c.Update)) > most {
			t.Fatalf("%d pushed, more than %.1f writes:\n%s", pushed, most, c)
		}
	})
}
