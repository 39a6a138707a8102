// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// While Harbor's database is short of connections, valid credentials get 401,
// public projects only, 500, and 200 without tags, at random.
func TestDatabaseShortOfConnections(t *testing.T) {
	t.Parallel()
	include := func(s *v1alpha1.HarborInventorySpec) {
		s.Include = []v1alpha1.Detail{v1alpha1.DetailLabels, v1alpha1.DetailAccessories}
	}
	t.Run("after a good sync", func(t *testing.T) {
		t.Parallel()
		w := synced(t, harbortest.Recorded(), include)
		before, details := w.shown("all"), w.details("all")
		remove := w.harbor.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.TypicalShortage)})
		for range 3 {
			w.request("all")
			w.stillShown(before)
			w.equal(details, w.details("all"))
		}
		remove()
		w.condition("all", "Ready=True Succeeded", "Complete=True")
		w.stillShown(before)
		w.equal(details, w.details("all"))
	})
	t.Run("at the first sync", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, harbortest.Recorded())
		remove := w.harbor.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.TypicalShortage)})
		w.inventory("all")
		eventually(t, func() string {
			if inv := w.get("all"); inv.Status.NextSyncTime == nil {
				return "no sync has ended: " + messages(inv)
			}
			return ""
		})
		held := w.held()
		for _, shown := range w.shown("all") {
			if !slices.Contains(held, shown) {
				t.Errorf("untrue: %s", shown)
			}
		}
		remove()
		w.condition("all", "Ready=True Succeeded", "Complete=True")
		w.equal(w.held(), w.shown("all"))
	})
}

// details renders labels and accessories of each artifact.
func (w *world) details(name string) []string {
	w.Helper()
	var lines []string
	for _, l := range w.lists(name) {
		for _, a := range l.Artifacts {
			lines = append(lines, fmt.Sprintf("%s@%s labels %v accessories %v", l.Repository, a.Digest, a.Labels, a.Accessories))
		}
	}
	slices.Sort(lines)
	return lines
}

// A 200 that lacks tags is not believed, be it the first or a later sync.
func TestPartialAnswers(t *testing.T) {
	t.Parallel()
	drop := harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.2})}
	for _, name := range []string{"first sync", "later sync"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, harbortest.Recorded())
			if name == "later sync" {
				w.inventory("all")
				w.condition("all", "Complete=True")
			}
			w.harbor.Inject(drop)
			if name == "first sync" {
				w.inventory("all")
			} else {
				w.request("all")
			}
			eventually(t, func() string {
				if inv := w.get("all"); inv.Status.NextSyncTime == nil {
					return messages(inv)
				}
				return ""
			})
			held, shown := w.held(), w.shown("all")
			for _, s := range shown {
				if !slices.Contains(held, s) {
					t.Errorf("untrue: %s", s)
				}
			}
			if inv := w.get("all"); slices.Contains(conditions(inv), "Complete=True") && len(shown) != len(held) {
				t.Errorf("said to be complete with %d of %d artifacts", len(shown), len(held))
			}
			w.harbor.ClearFaults()
			w.request("all")
			w.condition("all", "Complete=True")
			w.equal(held, w.shown("all"))
		})
	}
}
