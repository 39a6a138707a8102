// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// Somebody who edits lists again and again makes the pauses between repairs grow.
func TestRepairPauses(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		every time.Duration // an edit comes after the last one was put right
		want  []time.Duration
	}{
		{"now and then", time.Hour, []time.Duration{0, 0, 0}},
		{"all the time", 0, []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second, 10 * time.Minute, 10 * time.Minute}},
		{"a pause long enough to forget", 30 * time.Second, []time.Duration{0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r repair
			var got []time.Duration
			now := start
			for range c.want {
				r = r.next(now)
				got = append(got, r.at.Sub(now))
				if again := r.next(now); again != r && r.at.After(now) {
					t.Errorf("another edit before the repair makes it %v, not %v", again, r)
				}
				now = r.at.Add(c.every)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever is hinted at is read or waits, unless everything is to be read.
func TestNoHintIsLost(t *testing.T) {
	name := types.NamespacedName{Namespace: "default", Name: "production"}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		h := newHints()
		open := map[string]bool{}
		repository := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("library/r%d", rapid.IntRange(0, 20).Draw(t, "repository"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				_, waiting := h.waiting(name)
				for r := range open {
					if !waiting[r] {
						t.Fatalf("%s does not wait", r)
					}
				}
				if pause := h.pause(name, now); (pause > 0) != (len(waiting) > 0) || pause > lastRepairPause {
					t.Fatalf("%d wait, the pause is %s", len(waiting), pause)
				}
			},
			"hint": func(t *rapid.T) {
				r := repository.Draw(t, "r")
				h.repository(name, r, named{}, byAuditLog, now)
				open[r] = true
			},
			"edit": func(t *rapid.T) {
				r := repository.Draw(t, "r")
				h.edited(name, r, now)
				open[r] = true
			},
			"read": func(t *rapid.T) {
				var failed []hint
				for _, taken := range h.take(name, now) {
					r := taken.repository
					if !open[r] {
						t.Fatalf("%s was not hinted at", r)
					}
					if rapid.Bool().Draw(t, "fails") {
						failed = append(failed, taken)
					} else {
						delete(open, r)
					}
				}
				h.settled(name, failed, now)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "for")))
			},
		})
	})
}

// What is urgent comes first, and of what is as urgent, what came first; not more
// at a time than lets something more urgent wait for long.
func TestHintsInTurn(t *testing.T) {
	name := types.NamespacedName{Namespace: "default", Name: "production"}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h := newHints()
	for i := range maxTaken + 2 {
		h.repository(name, fmt.Sprintf("library/r%d", maxTaken+2-i), named{}, byAuditLog, now)
	}
	h.edited(name, "library/edited", now)
	h.repository(name, "library/later", named{}, byWebhook, now.Add(time.Second))
	h.repository(name, "library/pushed", named{}, byWebhook, now)
	h.repository(name, "library/r1", named{}, byWebhook, now)
	first := h.take(name, now)
	want := []string{"library/r1", "library/pushed", "library/edited", fmt.Sprintf("library/r%d", maxTaken+2), fmt.Sprintf("library/r%d", maxTaken+1)}
	if !slices.Equal(repositories(first)[:len(want)], want) || len(first) != maxTaken || first[0].by != byWebhook {
		t.Errorf("took %d: %v", len(first), first)
	}
	if pause := h.pause(name, now); pause != time.Millisecond {
		t.Errorf("the others wait for %s", pause)
	}
	if rest := h.take(name, now); len(rest) != 4 || rest[3].repository != "library/r2" {
		t.Errorf("then took %v", rest)
	}
	if pause := h.pause(name, now); pause != time.Second {
		t.Errorf("the last one waits for %s", pause)
	}
}

func TestTooManyHints(t *testing.T) {
	name := types.NamespacedName{Namespace: "default", Name: "production"}
	h := newHints()
	for i := range maxHintedRepositories + 1 {
		h.repository(name, fmt.Sprintf("library/r%d", i), named{}, byWebhook, time.Unix(0, 0))
	}
	wider, waiting := h.waiting(name)
	if wider != scopeAll || len(waiting) > 0 {
		t.Errorf("scope %d, %d repositories", wider, len(waiting))
	}
	h.begun(name, scopeChanged)
	if wider, _ := h.waiting(name); wider != scopeAll {
		t.Error("a sync of less settles it")
	}
	h.begun(name, scopeAll)
	if wider, _ := h.waiting(name); wider != scopeNone {
		t.Error("a sync of everything does not settle it")
	}
}
