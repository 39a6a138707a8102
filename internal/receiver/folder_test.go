// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

var start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// pushed is a hint for a push to a repository of the project p.
func pushed(repository, digest string) Hint {
	h := Hint{Inventory: Name{"ns", "inv"}, Project: "p", Repository: "p/" + repository, Kinds: Pushed, Events: 1, Received: start}
	if digest != "" {
		h.Artifacts = []Artifact{{Digest: digest}}
	}
	return h
}

// TestFolder tells stories: hints that are added at a time, and those that are
// taken. quiet is 100 ms, longest 1 s, bound 3.
func TestFolder(t *testing.T) {
	scan := &harbor.ScanOverview{Status: "Success", Total: 3}
	with := func(h Hint, change func(*Hint)) Hint { change(&h); return h }
	type step struct {
		at   int
		add  *Hint
		want []Hint
	}
	add := func(at int, h Hint) step { return step{at: at, add: &h} }
	take := func(at int, want ...Hint) step { return step{at: at, want: want} }
	for _, tt := range []struct {
		about string
		steps []step
	}{
		{"one, after the quiet time", []step{
			add(0, pushed("a", "1")), take(99), take(100, pushed("a", "1")), take(5000),
		}},
		{"an index and its children are one", []step{
			add(0, pushed("a", "2")), add(60, pushed("a", "1")), add(120, pushed("a", "3")), take(219),
			take(220, with(pushed("a", ""), func(h *Hint) {
				h.Artifacts, h.Events = []Artifact{{Digest: "1"}, {Digest: "2"}, {Digest: "3"}}, 3
			})),
		}},
		{"a repository that is never quiet", []step{
			add(0, pushed("a", "1")), add(90, pushed("a", "1")), add(180, pushed("a", "1")), add(270, pushed("a", "1")),
			add(360, pushed("a", "1")), add(450, pushed("a", "1")), add(540, pushed("a", "1")), add(630, pushed("a", "1")),
			add(720, pushed("a", "1")), add(810, pushed("a", "1")), add(900, pushed("a", "1")), add(990, pushed("a", "1")),
			take(999), take(1000, with(pushed("a", "1"), func(h *Hint) { h.Events = 12 })),
		}},
		{"repositories do not wait for each other", []step{
			add(0, pushed("b", "1")), add(50, pushed("a", "1")), take(100, pushed("b", "1")), take(150, pushed("a", "1")),
		}},
		{"sorted", []step{
			add(0, pushed("b", "1")), add(0, pushed("a", "1")), take(100, pushed("a", "1"), pushed("b", "1")),
		}},
		{"the whole repository takes in its artifacts", []step{
			add(0, pushed("a", "1")), add(0, pushed("a", "")), take(100, with(pushed("a", ""), func(h *Hint) { h.Events = 2 })),
		}},
		{"kinds, the first reception, the last scan", []step{
			add(0, with(pushed("a", "1"), func(h *Hint) { h.Received = at(7) })),
			add(1, with(pushed("a", "1"), func(h *Hint) {
				h.Kinds, h.Artifacts, h.Received = Scanned, []Artifact{{Digest: "1", Kinds: Scanned, Scan: scan}}, at(3)
			})),
			add(2, with(pushed("a", "1"), func(h *Hint) {
				h.Kinds, h.Artifacts, h.Received = Deleted, []Artifact{{Digest: "1", Kinds: Deleted}}, at(9)
			})),
			take(102, with(pushed("a", ""), func(h *Hint) {
				h.Kinds, h.Received, h.Events = Pushed|Scanned|Deleted, at(3), 3
				h.Artifacts = []Artifact{{Digest: "1", Kinds: Scanned | Deleted, Scan: scan}}
			})),
		}},
		{"too many are the whole project, no later than the first", []step{
			add(0, pushed("a", "1")), add(10, pushed("b", "1")), add(20, pushed("c", "1")), add(90, pushed("d", "1")), add(91, pushed("e", "1")),
			take(190), take(191, with(pushed("", ""), func(h *Hint) { h.Repository, h.Events = "", 5 })),
		}},
		{"too many projects are everything", []step{
			add(0, with(pushed("a", ""), func(h *Hint) { h.Project, h.Repository = "q", "q/a" })),
			add(0, with(pushed("a", ""), func(h *Hint) { h.Project, h.Repository = "r", "r/a" })),
			add(0, with(pushed("a", ""), func(h *Hint) { h.Project, h.Repository = "s", "s/a" })),
			add(0, pushed("a", "")),
			take(100, with(pushed("", ""), func(h *Hint) { h.Project, h.Repository, h.Events = "", "", 4 })),
		}},
		{"inventories have bounds of their own", []step{
			add(0, pushed("a", "")), add(0, pushed("b", "")), add(0, pushed("c", "")),
			add(0, with(pushed("a", ""), func(h *Hint) { h.Inventory.Name = "other" })),
			take(100, pushed("a", ""), pushed("b", ""), pushed("c", ""), with(pushed("a", ""), func(h *Hint) { h.Inventory.Name = "other" })),
		}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			f := newFolder(Limits{Quiet: 100 * time.Millisecond, Longest: time.Second, Repositories: 3})
			for i, s := range tt.steps {
				if s.add != nil {
					f.add(at(s.at), *s.add)
				} else if diff := cmp.Diff(s.want, f.take(at(s.at))); diff != "" {
					t.Errorf("step %d, at %d ms (-want +got)\n%s", i, s.at, diff)
				}
			}
			if n := f.waiting(); n != 0 || !f.next.IsZero() {
				t.Errorf("%d are left, next %v", n, f.next)
			}
		})
	}
}

// TestFolderLosesNothing: in any history, every hint that was added is covered
// by one that is taken no earlier than it was added and no later than the
// longest wait after it, its events are counted once, and no more wait than the
// bound.
func TestFolderLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Quiet: 100 * time.Millisecond, Longest: time.Second, Repositories: rapid.IntRange(1, 6).Draw(t, "bound")}
		f := newFolder(limits)
		type open struct {
			hint Hint
			at   time.Time
		}
		var waiting []open
		added, taken, now := 0, 0, start
		// settle takes the hints out of waiting that those taken cover.
		settle := func(hints []Hint) {
			for _, h := range hints {
				taken += h.Events
				var left []open
				for _, o := range waiting {
					if !covers(h, o.hint) {
						left = append(left, o)
					}
				}
				waiting = left
			}
			for _, o := range waiting {
				if now.Sub(o.at) >= limits.Longest {
					t.Fatalf("%+v waits since %v", o.hint, now.Sub(o.at))
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 40, 99, 100, 250}).Draw(t, "pause")) * time.Millisecond)
			// The queue sleeps until next: nothing is due before it.
			for !f.next.IsZero() && !f.next.After(now) {
				then := now
				now = f.next
				settle(f.take(now))
				now = then
			}
			h := Hint{
				Inventory: Name{"ns", rapid.SampledFrom([]string{"x", "y"}).Draw(t, "inventory")},
				Project:   rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "project"),
				Kinds:     Pushed, Events: 1, Received: now,
			}
			if rapid.IntRange(0, 9).Draw(t, "whole project") > 0 {
				h.Repository = h.Project + "/" + rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "repository")
				for i := range rapid.IntRange(0, 2).Draw(t, "artifacts") {
					h.Artifacts = withArtifact(h.Artifacts, Artifact{Digest: fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "digest"), i)})
				}
			}
			f.add(now, h)
			added++
			waiting = append(waiting, open{h, now})
			for name, entries := range f.inventories {
				if len(entries) > limits.Repositories {
					t.Fatalf("%d hints of %v wait, the bound is %d", len(entries), name, limits.Repositories)
				}
			}
		}
		settle(f.rest())
		if len(waiting) > 0 || added != taken {
			t.Fatalf("%d events added, %d taken, never covered: %+v", added, taken, waiting)
		}
	})
}

// covers tells whether h asks for all that other does.
func covers(h, other Hint) bool {
	switch {
	case h.Inventory != other.Inventory, h.Received.After(other.Received), h.Kinds&other.Kinds != other.Kinds:
		return false
	case h.Project == "":
		return true
	case h.Repository == "":
		return h.Project == other.Project
	case h.Repository != other.Repository:
		return false
	case len(h.Artifacts) == 0:
		return true
	}
	named := map[string]bool{}
	for _, a := range h.Artifacts {
		named[a.Digest] = true
	}
	for _, a := range other.Artifacts {
		if !named[a.Digest] {
			return false
		}
	}
	return len(other.Artifacts) > 0
}
