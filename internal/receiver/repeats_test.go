// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

func TestRepeats(t *testing.T) {
	event := func(change func(*harbor.Event)) harbor.Event {
		e := harbor.Event{
			Type: harbor.EventPush, OccurredAt: "1795393193", Project: "a", Repositories: []string{"a/b"},
			Artifacts: []harbor.EventArtifact{{Digest: "sha256:1", Tag: "v1"}},
		}
		change(&e)
		return e
	}
	same := func(*harbor.Event) {}
	withID := func(e *harbor.Event) { e.ID = "3f6a" }
	for _, tt := range []struct {
		about         string
		first, second func(*harbor.Event)
		after         time.Duration
		want          novelty
	}{
		{"sent again after 30 s", same, same, 30 * time.Second, repeated},
		{"equal within the second: it may be another", same, same, time.Second, ambiguous},
		{"with an id it is not", withID, withID, 0, repeated},
		{"sent again after the window", same, same, 11 * time.Minute, fresh},
		{"another tag", same, func(e *harbor.Event) { e.Artifacts[0].Tag = "v2" }, time.Minute, fresh},
		{"another digest", same, func(e *harbor.Event) { e.Artifacts[0].Digest = "sha256:2" }, time.Minute, fresh},
		{"another type", same, func(e *harbor.Event) { e.Type = harbor.EventDelete }, time.Minute, fresh},
		{"another time", same, func(e *harbor.Event) { e.OccurredAt = "1795393194" }, time.Minute, fresh},
		{"another repository", same, func(e *harbor.Event) { e.Repositories = []string{"a/c"} }, time.Minute, fresh},
		{"another id", withID, func(e *harbor.Event) { e.ID = "9dba" }, time.Minute, fresh},
	} {
		t.Run(tt.about, func(t *testing.T) {
			r := newRepeats(Limits{}.orDefaults())
			inventory := Name{"ns", "inv"}
			if got := r.look(start, inventory, event(tt.first)); got != fresh {
				t.Errorf("the first: %v", got)
			}
			r.remember(start, inventory, event(tt.first))
			if got := r.look(start.Add(tt.after), inventory, event(tt.second)); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if r.look(start.Add(tt.after), Name{"ns", "other"}, event(tt.second)) != fresh {
				t.Error("another inventory has events of its own")
			}
		})
	}
}

func TestGenerations(t *testing.T) {
	g := newGenerations[int, int](10)
	for i := range 1000 {
		g.put(i, i)
		if n := len(g.young) + len(g.old); n > 10 {
			t.Fatalf("holds %d", n)
		}
		for last := max(0, i-4); last <= i; last++ {
			if v, ok := g.get(last); !ok || v != last {
				t.Fatalf("after %d: %d is gone", i, last)
			}
		}
	}
	if _, ok := g.get(0); ok {
		t.Error("0 is still there")
	}
	g.remove(999)
	if _, ok := g.get(999); ok {
		t.Error("999 was removed")
	}
}
