// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// What a changed spec no longer selects goes with the first sync that comes to
// its end, and not before.
func TestNarrowedSelectionKeepsAllUntilASyncEnds(t *testing.T) {
	t.Parallel()
	narrow := func(s *v1alpha1.HarborInventorySpec) { s.Projects = projects([]string{"team"}) }
	for name, c := range map[string]struct {
		fault harbortest.Rule
		state string
	}{
		"Harbor is down":                    {harbortest.Rule{Fault: harbortest.CoreDown()}, "Ready=False HarborUnavailable"},
		"Harbor goes down in mid-sync":      {harbortest.Rule{Skip: 4, Fault: harbortest.CoreDown()}, "Ready=False HarborUnavailable"},
		"Harbor takes us for anonymous":     {harbortest.Rule{Fault: harbortest.Anonymous()}, "Ready=False AuthenticationFailed"},
		"so it does at the end of the sync": {harbortest.Rule{Class: harbortest.ClassSystemInfo, Skip: 1, Fault: harbortest.Anonymous()}, "Ready=False AuthenticationFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			all := w.shown("all")
			w.harbor.Inject(c.fault)
			w.change("all", narrow)
			w.condition("all", c.state)
			w.stillShown(all)
			w.request("all")
			w.condition("all", c.state)
			w.stillShown(all)
			w.harbor.ClearFaults()
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.equal(w.held("team"), w.shown("all"))
		})
	}
}

// The spec is evidence enough for what it leaves out, whatever becomes of what
// it still selects.
func TestNarrowedSelectionWithAFailureInWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := synced(t, small())
	kept := w.held("team")
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.InternalError()})
	w.change("all", func(s *v1alpha1.HarborInventorySpec) {
		s.ExcludeRepositories = repositories([]string{"library/nginx"})
	})
	w.condition("all", "Ready=True PartialFailure", "Complete=False PartialFailure")
	w.equal(kept, w.shown("all"))
}

// A list whose annotation was edited is not taken for one of a repository that
// is gone, or not selected, while its own cannot be read.
func TestEditedAnnotationIsNoEvidence(t *testing.T) {
	t.Parallel()
	for _, annotation := range []string{"", "team/gone", "elsewhere/app", "library/nginx"} {
		t.Run("annotation "+strings.ReplaceAll(annotation, "/", " "), func(t *testing.T) {
			t.Parallel()
			w := synced(t, small(), func(s *v1alpha1.HarborInventorySpec) { s.Projects = projects([]string{"library", "team"}) })
			all := w.shown("all")
			w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.InternalError()})
			for _, l := range w.lists("all") {
				if l.Repository == "team/app" {
					l.Annotations[v1alpha1.AnnotationRepository] = annotation
					must(save(&l))
				}
			}
			w.request("all")
			w.condition("all", "Complete=False PartialFailure")
			w.stillShown(all)
			w.harbor.ClearFaults()
			w.request("all")
			w.condition("all", "Complete=True")
			w.stillShown(all)
		})
	}
}

// Inventories over the same repositories, in one namespace and in two: whatever
// becomes of the others, one keeps its lists, and they are not even written.
func TestInventoriesOverTheSameRepositories(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	elsewhere := newWorld(t, w.registry)
	names := []string{"one", "one-more", "narrowed", "deleted", "orphaned"}
	for _, name := range names {
		w.inventory(name)
	}
	w.change("orphaned", orphan)
	elsewhere.inventory("one")
	for _, name := range names {
		w.condition(name, "Ready=True Succeeded", "Complete=True")
	}
	elsewhere.condition("one", "Ready=True Succeeded", "Complete=True")
	all := w.held()
	writes := w.record()
	w.change("narrowed", func(s *v1alpha1.HarborInventorySpec) { s.Repositories = repositories([]string{"nginx"}) })
	w.condition("narrowed", "Ready=True Succeeded", "Complete=True")
	w.remove("deleted")
	w.without("deleted")
	w.remove("orphaned")
	elsewhere.remove("one")
	elsewhere.without("one")
	for _, name := range []string{"one", "one-more"} {
		w.request(name)
		w.equal(all, w.shown(name))
		w.writtenEach(writes, name, 0)
	}
	w.equal(all, w.shown("orphaned"))
	if shown := w.shown("narrowed"); len(shown) != 3 || slices.ContainsFunc(shown, func(l string) bool { return !strings.HasPrefix(l, "library/nginx@") }) {
		t.Errorf("the narrowed inventory shows %v", shown)
	}
}

// A list that somebody gives to another inventory, which exists, comes back: the
// other one neither takes it nor deletes it.
func TestListMovedToAnotherInventory(t *testing.T) {
	t.Parallel()
	for _, policy := range []v1alpha1.DeletionPolicy{v1alpha1.DeletionPolicyDelete, v1alpha1.DeletionPolicyOrphan} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := synced(t, small(), func(s *v1alpha1.HarborInventorySpec) { s.Output.DeletionPolicy = policy })
			w.inventory("other", func(s *v1alpha1.HarborInventorySpec) { s.Output.DeletionPolicy = policy })
			w.condition("other", "Ready=True")
			lists := w.lists("all")
			for i := range lists {
				lists[i].Labels[v1alpha1.LabelInventory] = "other"
				must(save(&lists[i]))
			}
			w.request("other")
			w.request("all")
			w.equal(w.held(), w.shown("all"))
			w.equal(w.held(), w.shown("other"))
			w.owners("all", policy)
			w.owners("other", policy)
			for i, l := range w.lists("all") {
				if l.UID != lists[i].UID {
					t.Errorf("list %s was deleted and made again", l.Name)
				}
			}
		})
	}
}
