// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func TestRecordedRegistryIsShownExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harbortest.Recorded())
	w.inventory("all")
	inv := w.condition("all", "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	if len(inv.Status.Conditions) != 2 {
		t.Errorf("conditions %v: only Ready and Complete should be there", conditions(inv))
	}
	if got, want := int(*inv.Status.Artifacts), len(w.held()); got != want {
		t.Errorf("status.artifacts %d, Harbor lists %d", got, want)
	}
	if got, want := int(*inv.Status.ArtifactLists), len(w.lists("all")); got != want {
		t.Errorf("status.artifactLists %d, there are %d", got, want)
	}
	if inv.Status.HarborVersion != harbortest.Latest.String() {
		t.Errorf("harborVersion %q", inv.Status.HarborVersion)
	}
	for _, l := range w.lists("all") {
		if l.Labels[v1alpha1.LabelInventory] != "all" || len(l.OwnerReferences) != 1 || l.OwnerReferences[0].UID != inv.UID {
			t.Errorf("list %s has labels %v and owners %v", l.Name, l.Labels, l.OwnerReferences)
		}
	}
}

// Whatever Harbor does, the next sync shows it, and writes nothing besides.
func TestChangesAreShown(t *testing.T) { //nolint:tparallel // each step builds on the one before
	t.Parallel()
	w := newWorld(t, small())
	reg := w.registry
	w.inventory("all")
	w.condition("all", "Ready=True", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	digest := func(repository, tag string) string {
		artifacts, _ := reg.Listed()
		for _, a := range artifacts {
			if a.Repository == repository && slices.Contains(a.Tags, tag) {
				return a.Digest
			}
		}
		t.Fatalf("no %s:%s", repository, tag)
		return ""
	}
	for _, step := range []struct {
		name   string
		change func()
		writes int // lists whose resourceVersion changes, come or go
	}{
		{"nothing", func() {}, 0},
		{"push", func() { reg.Push("library/nginx", harbortest.Image{Tags: []string{"1.3"}}) }, 1},
		{"tag moves to another artifact", func() { reg.Push("library/nginx", harbortest.Image{Tags: []string{"1.0"}}) }, 1},
		{"tag added by API", func() { must(reg.AddTag("team/app", digest("team/app", "1.1"), "stable")) }, 1},
		{"tag removed by API", func() { must(reg.DeleteTag("team/app", "stable")) }, 1},
		{"pull", func() { must(reg.Pull("team/app", "1.1")) }, 0},
		{"artifact deleted", func() { must(reg.DeleteArtifact("team/app", "1.2")) }, 1},
		{"index with children", func() {
			reg.PushIndex("team/app", harbortest.Index{Image: harbortest.Image{Tags: []string{"multi"}}, Children: []harbortest.Child{{}, {Platform: harbortest.Platform{OS: "linux", Architecture: "arm64"}}}})
		}, 1},
		{"signature", func() { reg.PushAccessory("team/app", "1.1", harbortest.Accessory{}) }, 0},
		{"new repository", func() { reg.Push("team/new", harbortest.Image{Tags: []string{"1"}}) }, 1},
		{"repository emptied", func() { must(reg.DeleteArtifact("team/new", "1")) }, 1},
		{"repository deleted", func() { must(reg.DeleteRepository("team/tools/cli")) }, 1},
		{"repository made again", func() { reg.Push("team/tools/cli", harbortest.Image{Tags: []string{"latest"}}) }, 1},
		{"project emptied and deleted", func() {
			for _, r := range []string{"team/app", "team/new", "team/tools/cli"} {
				must(reg.DeleteRepository(r))
			}
			must(reg.DeleteProject("team"))
		}, 2},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := w.versions("all")
			step.change()
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Complete=True") {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			w.equal(w.held(), w.shown("all"))
			if got := differences(before, w.versions("all")); got != step.writes {
				t.Errorf("%d lists written, want %d", got, step.writes)
			}
		})
	}
}

// versions returns the resource versions of an inventory's lists.
func (w *world) versions(name string) map[string]string {
	versions := map[string]string{}
	for _, l := range w.lists(name) {
		versions[l.Name] = l.ResourceVersion
	}
	return versions
}

func differences(before, after map[string]string) int {
	n := 0
	for name, version := range after {
		if before[name] != version {
			n++
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			n++
		}
	}
	return n
}

func TestSpecChangesAreFollowed(t *testing.T) {
	t.Parallel()
	reg := small()
	for i := range 12 {
		reg.Push("library/nginx", harbortest.Image{Tags: []string{fmt.Sprintf("2.%d", i)}})
	}
	w := newWorld(t, reg)
	w.inventory("all")
	w.condition("all", "Ready=True")
	change := func(change func(*v1alpha1.HarborInventorySpec)) {
		t.Helper()
		inv := w.get("all")
		before := inv.DeepCopy()
		change(&inv.Spec)
		if err := kube.Patch(t.Context(), inv, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
		w.condition("all", "Ready=True Succeeded", "Complete=True")
	}

	n := int32(5)
	change(func(s *v1alpha1.HarborInventorySpec) { s.Output.MaxArtifactsPerList = &n })
	w.equal(w.held(), w.shown("all"))
	for _, l := range w.lists("all") {
		if len(l.Artifacts) > 5 || int(l.ArtifactCount) != len(l.Artifacts) {
			t.Errorf("list %s holds %d artifacts and says %d", l.Name, len(l.Artifacts), l.ArtifactCount)
		}
	}

	change(func(s *v1alpha1.HarborInventorySpec) { s.Projects = projects([]string{"team"}) })
	w.equal(w.held("team"), w.shown("all"))

	change(func(s *v1alpha1.HarborInventorySpec) {
		s.Output = v1alpha1.Output{Mode: v1alpha1.OutputStatus}
	})
	if lists := w.lists("all"); len(lists) > 0 {
		t.Errorf("%d lists are left in output.mode Status", len(lists))
	}
	var lines []string
	for _, e := range w.get("all").Status.ArtifactEntries {
		lines = append(lines, line(e.Repository, e.Digest, e.Tags))
	}
	slices.Sort(lines)
	w.equal(w.held("team"), lines)

	change(func(s *v1alpha1.HarborInventorySpec) { s.Output.Mode = v1alpha1.OutputArtifactLists })
	w.equal(w.held("team"), w.shown("all"))
	if entries := w.get("all").Status.ArtifactEntries; len(entries) > 0 {
		t.Errorf("%d entries are left in the status", len(entries))
	}
}

func TestTwoInventoriesOfOneRegistry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("one")
	w.inventory("two", func(s *v1alpha1.HarborInventorySpec) { s.Projects = projects([]string{"team"}) })
	w.condition("one", "Complete=True")
	w.condition("two", "Complete=True")
	must(w.registry.DeleteArtifact("team/app", "1.0"))
	w.request("one")
	w.request("two")
	w.equal(w.held(), w.shown("one"))
	w.equal(w.held("team"), w.shown("two"))
	if err := kube.Delete(t.Context(), w.get("two")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if n := len(w.lists("two")); n > 0 {
			return fmt.Sprintf("%d lists are left of a deleted inventory", n)
		}
		return ""
	})
	w.request("one")
	w.equal(w.held(), w.shown("one"))
}
