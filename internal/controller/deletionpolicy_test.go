// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func orphan(s *v1alpha1.HarborInventorySpec) {
	s.Output.DeletionPolicy = v1alpha1.DeletionPolicyOrphan
}

func withInventory(s *v1alpha1.HarborInventorySpec) {
	s.Output.DeletionPolicy = v1alpha1.DeletionPolicyDelete
}

// change edits the spec of an inventory and does not wait.
func (w *world) change(name string, change func(*v1alpha1.HarborInventorySpec)) {
	w.Helper()
	inv := w.get(name)
	before := inv.DeepCopy()
	change(&inv.Spec)
	if err := kube.Patch(w.Context(), inv, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) remove(name string) {
	w.Helper()
	if err := kube.Delete(w.Context(), w.get(name)); err != nil {
		w.Fatal(err)
	}
}

// without waits until the garbage collector has taken every list of an inventory.
func (w *world) without(name string) {
	w.Helper()
	eventually(w.T, func() string {
		if n := len(w.lists(name)); n > 0 {
			return fmt.Sprintf("%d lists are left of %s", n, name)
		}
		return ""
	})
}

// collected waits until the garbage collector has come past what was deleted
// before: it has taken the lists of an inventory that was deleted after that.
func (w *world) collected() {
	w.Helper()
	w.inventory("collected")
	w.condition("collected", "Ready=True")
	w.remove("collected")
	w.without("collected")
}

func (w *world) owners(name string, policy v1alpha1.DeletionPolicy) {
	w.Helper()
	if wrong := w.misowned(name, policy); wrong != "" {
		w.Error(wrong)
	}
}

func (w *world) misowned(name string, policy v1alpha1.DeletionPolicy) string {
	w.Helper()
	lists := w.lists(name)
	if len(lists) == 0 {
		return name + " has no lists"
	}
	for i := range lists {
		l := &lists[i]
		mark := l.Annotations[v1alpha1.AnnotationDeletionPolicy]
		switch policy {
		case v1alpha1.DeletionPolicyOrphan:
			if len(l.OwnerReferences) > 0 || mark != "Orphan" {
				return fmt.Sprintf("list %s has the owners %v and is marked %q", l.Name, l.OwnerReferences, mark)
			}
		default:
			if !metav1.IsControlledBy(l, w.get(name)) || mark != "" {
				return fmt.Sprintf("list %s has the owners %v and is marked %q", l.Name, l.OwnerReferences, mark)
			}
		}
	}
	return ""
}

func TestOrphanedListsOutliveTheirInventory(t *testing.T) {
	t.Parallel()
	w := synced(t, small(), orphan)
	w.owners("all", v1alpha1.DeletionPolicyOrphan)
	shown := w.shown("all")
	writes := w.record()
	w.request("all")
	w.remove("all")
	w.collected()
	w.stillShown(shown)
	w.writtenEach(writes, "all", 0)
}

// A new inventory of the same name takes the lists over as they are.
func TestOrphanedListsAreTakenOver(t *testing.T) {
	t.Parallel()
	for policy, c := range map[v1alpha1.DeletionPolicy]struct {
		change func(*v1alpha1.HarborInventorySpec)
		writes int // to each list
	}{
		v1alpha1.DeletionPolicyOrphan: {orphan, 0},
		v1alpha1.DeletionPolicyDelete: {withInventory, 1},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := synced(t, small(), orphan)
			w.remove("all")
			w.collected()
			before := w.lists("all")
			writes := w.record()
			w.inventory("all", c.change)
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.request("all")
			w.equal(w.held(), w.shown("all"))
			w.owners("all", policy)
			w.writtenEach(writes, "all", c.writes)
			for i, l := range w.lists("all") {
				if l.UID != before[i].UID || l.Generation != before[i].Generation {
					t.Errorf("list %s was made or filled anew", l.Name)
				}
			}
			// What Harbor lost meanwhile, and what is not selected any more, goes.
			must(w.registry.DeleteRepository("team/tools/cli"))
			w.request("all")
			w.equal(w.held(), w.shown("all"))
			w.remove("all")
			if policy == v1alpha1.DeletionPolicyDelete {
				w.without("all")
			}
		})
	}
}

// The policy of an inventory can be changed at any time, also while nothing can
// be read: each list is written once, and its content is left alone.
func TestDeletionPolicyIsSwitched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*world)
		change func(*v1alpha1.HarborInventorySpec)
		state  string
	}{
		"while Harbor answers": {func(*world) {}, func(*v1alpha1.HarborInventorySpec) {}, "Ready=True Succeeded"},
		"while Harbor is down": {
			func(w *world) { w.harbor.Inject(harbortest.Rule{Fault: harbortest.CoreDown()}) },
			func(*v1alpha1.HarborInventorySpec) {}, "Ready=False HarborUnavailable",
		},
		"without the Secret": {
			func(w *world) { w.deleteSecret("robot") },
			func(*v1alpha1.HarborInventorySpec) {}, "Ready=False SecretNotFound",
		},
		"while suspended": {
			func(*world) {},
			func(s *v1alpha1.HarborInventorySpec) { s.Suspend = true }, "Ready=True Suspended",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			w.owners("all", v1alpha1.DeletionPolicyDelete)
			shown := w.shown("all")
			c.before(w)
			writes := w.record()
			w.change("all", func(s *v1alpha1.HarborInventorySpec) { orphan(s); c.change(s) })
			w.condition("all", c.state)
			w.owners("all", v1alpha1.DeletionPolicyOrphan)
			w.writtenEach(writes, "all", 1)
			w.change("all", withInventory)
			w.condition("all", c.state)
			w.owners("all", v1alpha1.DeletionPolicyDelete)
			w.writtenEach(writes, "all", 2)
			w.change("all", orphan)
			w.condition("all", c.state)
			w.remove("all")
			w.harbor.ClearFaults()
			w.putSecret("robot", robot, w.secret)
			w.collected()
			w.stillShown(shown)
			for _, l := range w.lists("all") {
				if l.Generation != 1 {
					t.Errorf("the content of list %s was written anew", l.Name)
				}
			}
		})
	}
}

// What others make of the ownership is put right.
func TestOwnershipOfOrphanedListsIsPutRight(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*v1alpha1.ArtifactList, *v1alpha1.HarborInventory){
		"owner invented": func(l *v1alpha1.ArtifactList, inv *v1alpha1.HarborInventory) {
			l.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(inv, v1alpha1.GroupVersion.WithKind("HarborInventory"))}
		},
		"mark removed": func(l *v1alpha1.ArtifactList, _ *v1alpha1.HarborInventory) {
			delete(l.Annotations, v1alpha1.AnnotationDeletionPolicy)
		},
		"labels removed": func(l *v1alpha1.ArtifactList, _ *v1alpha1.HarborInventory) { l.Labels = nil },
		"labels removed, repository edited": func(l *v1alpha1.ArtifactList, _ *v1alpha1.HarborInventory) {
			l.Labels, l.Repository = nil, "library/nginx"
		},
		"moved to another inventory": func(l *v1alpha1.ArtifactList, _ *v1alpha1.HarborInventory) {
			l.Labels[v1alpha1.LabelInventory] = "other"
		},
		"moved, repository edited": func(l *v1alpha1.ArtifactList, _ *v1alpha1.HarborInventory) {
			l.Labels[v1alpha1.LabelInventory], l.Repository = "other", "library/nginx"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small(), orphan)
			for _, l := range w.lists("all") {
				if l.Repository == "team/app" {
					edit(&l, w.get("all"))
					must(save(&l))
				}
			}
			eventually(t, func() string {
				if diff := cmp.Diff(w.held(), w.shown("all")); diff != "" {
					return diff
				}
				return w.misowned("all", v1alpha1.DeletionPolicyOrphan)
			})
		})
	}
}
