// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
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

func TestAccounts(t *testing.T) {
	t.Parallel()
	registry := harbortest.Recorded()
	public := []string{"0numeric", "bulk", "library", "platform_core"}
	for _, c := range []struct {
		name, user, password string
		projects             []string // as the spec has them
		sees                 []string // nil: all
	}{
		{name: "administrator", user: "admin", password: "Harbor12345"},
		{name: "system-robot-with-system-scope", user: "robot$inventory-sys", password: "secret"},
		{name: "project-robot-naming-its-project", user: "robot$team-a+ci", password: "secret", projects: []string{"team-a"}, sees: []string{"team-a"}},
		{name: "project-robot", user: "robot$team-a+ci", password: "secret", sees: append(slices.Clone(public), "team-a")},
		{name: "guest", user: "gwen", password: "Guest12345", sees: append(slices.Clone(public), "team-a")},
		{name: "anonymous", sees: public},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, registry)
			if c.user != "" {
				w.putSecret("robot", c.user, c.password)
			}
			w.inventory(c.name, func(s *v1alpha1.HarborInventorySpec) {
				s.Projects = projects(c.projects)
				if c.user == "" {
					s.Harbor.CredentialsSecretRef = nil
				}
			})
			w.condition(c.name, "Ready=True Succeeded", "Complete=True")
			w.equal(w.held(c.sees...), w.shown(c.name))
		})
	}
}

func projects(names []string) []v1alpha1.ProjectPattern {
	var list []v1alpha1.ProjectPattern
	for _, n := range names {
		list = append(list, v1alpha1.ProjectPattern(n))
	}
	return list
}

func repositories(names []string) []v1alpha1.RepositoryPattern {
	var list []v1alpha1.RepositoryPattern
	for _, n := range names {
		list = append(list, v1alpha1.RepositoryPattern(n))
	}
	return list
}

// The rows of what the replaced library selects by project, repository and q,
// and patterns beside them.
func TestSelection(t *testing.T) {
	t.Parallel()
	registry := harbortest.Recorded()
	all := func(string) bool { return true }
	in := func(names ...string) func(string) bool {
		return func(r string) bool { return slices.Contains(names, r) }
	}
	for _, c := range []struct {
		name                            string
		projects, repositories, exclude []string
		query                           string
		shows                           func(repository string) bool
		tagged                          func(tags []string) bool
		notFound                        []string
	}{
		{name: "everything", shows: all},
		{name: "one-project", projects: []string{"library"}, shows: func(r string) bool { return strings.HasPrefix(r, "library/") }},
		{name: "two-projects", projects: []string{"library", "data.science"}, shows: func(r string) bool {
			return strings.HasPrefix(r, "library/") || strings.HasPrefix(r, "data.science/")
		}},
		{name: "full-name", repositories: []string{"library/nginx"}, shows: in("library/nginx")},
		{name: "full-name-nested", repositories: []string{"team-a/backend/services/payment/v2"}, shows: in("team-a/backend/services/payment/v2")},
		{name: "bare-name", repositories: []string{"alpine"}, shows: in("library/alpine", "data.science/alpine")},
		{name: "bare-name-with-slash", repositories: []string{"a/b/c"}, shows: in("data.science/a/b/c")},
		{name: "bare-name-within-projects", projects: []string{"library"}, repositories: []string{"alpine"}, shows: in("library/alpine")},
		{name: "intersection-empty", projects: []string{"library"}, repositories: []string{"team-a/signed"}, shows: in(), notFound: []string{"team-a/signed"}},
		{name: "unknown-names", projects: []string{"library", "nosuch"}, repositories: []string{"nginx", "nothere"}, shows: in("library/nginx"), notFound: []string{"nosuch", "nothere"}},
		{name: "project-pattern", projects: []string{"team-*", "0*"}, shows: func(r string) bool {
			return strings.HasPrefix(r, "team-") || strings.HasPrefix(r, "0numeric/")
		}},
		{name: "repository-pattern", repositories: []string{"team-a/svc-0[1-3]"}, shows: in("team-a/svc-01", "team-a/svc-02", "team-a/svc-03")},
		{name: "exclude", projects: []string{"library"}, exclude: []string{"library/a*", "hello"}, shows: func(r string) bool {
			return strings.HasPrefix(r, "library/") && r != "library/alpine" && r != "library/hello"
		}},
		{name: "pattern-matches-nothing", projects: []string{"library", "zzz-*"}, shows: func(r string) bool { return strings.HasPrefix(r, "library/") }, notFound: []string{"zzz-*"}},
		{name: "query-one-tag", projects: []string{"team-a"}, query: "tags=latest", shows: func(r string) bool { return strings.HasPrefix(r, "team-a/") },
			tagged: func(tags []string) bool { return slices.Contains(tags, "latest") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, registry)
			w.inventory(c.name, func(s *v1alpha1.HarborInventorySpec) {
				s.Projects, s.Repositories, s.ExcludeRepositories = projects(c.projects), repositories(c.repositories), repositories(c.exclude)
				s.Artifacts.Query = c.query
			})
			inv := w.condition(c.name, "Ready=True Succeeded")
			want := []string{}
			artifacts, _ := registry.Listed()
			for _, a := range artifacts {
				if c.shows(a.Repository) && (c.tagged == nil || c.tagged(a.Tags)) {
					want = append(want, line(a.Repository, a.Digest, a.Tags))
				}
			}
			slices.Sort(want)
			w.equal(want, w.shown(c.name))
			w.equal(c.notFound, inv.Status.NotFound)
			complete := "Complete=True"
			if len(c.notFound) > 0 {
				complete = "Complete=False SelectionNotFound"
			}
			if !slices.Contains(conditions(inv), complete) {
				t.Errorf("not %s: %v", complete, conditions(inv))
			}
		})
	}
}

// Whatever Harbor does, the next sync shows it, and writes nothing besides.
func TestChangesAreShown(t *testing.T) {
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

// Edits and deletions by hand are put right by the next sync.
func TestHandEditsArePutRight(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*testing.T, *v1alpha1.ArtifactList){
		"entry removed": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.Artifacts = l.Artifacts[1:]
			save(t, l)
		},
		"tag invented": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.Artifacts[0].Tags = []string{"invented"}
			save(t, l)
		},
		"hash edited": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.Annotations[v1alpha1.AnnotationContentHash] = "nonsense"
			save(t, l)
		},
		"annotations removed": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.Annotations = nil
			save(t, l)
		},
		"labels removed": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.Labels = nil
			save(t, l)
		},
		"owner removed": func(t *testing.T, l *v1alpha1.ArtifactList) {
			l.OwnerReferences = nil
			save(t, l)
		},
		"list deleted": func(t *testing.T, l *v1alpha1.ArtifactList) {
			if err := kube.Delete(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			w.inventory("all")
			inv := w.condition("all", "Ready=True")
			for _, l := range w.lists("all") {
				if l.Repository == "team/app" {
					edit(t, &l)
				}
			}
			w.request("all")
			w.equal(w.held(), w.shown("all"))
			for _, l := range w.lists("all") {
				if len(l.OwnerReferences) != 1 || l.OwnerReferences[0].UID != inv.UID || l.Annotations[v1alpha1.AnnotationContentHash] == "nonsense" {
					t.Errorf("list %s: owners %v, annotations %v", l.Name, l.OwnerReferences, l.Annotations)
				}
			}
			before := w.versions("all")
			w.request("all")
			if n := differences(before, w.versions("all")); n > 0 {
				t.Errorf("%d lists were written once more", n)
			}
		})
	}
}

func save(t *testing.T, l *v1alpha1.ArtifactList) {
	t.Helper()
	if err := kube.Update(t.Context(), l); err != nil {
		t.Fatal(err)
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

// Filters on artifacts, those of the replaced library among them.
func TestArtifactFilters(t *testing.T) {
	t.Parallel()
	registry := harbortest.Recorded()
	artifacts, _ := registry.Listed()
	newest := map[string]string{}
	for _, a := range artifacts { // sorted by id; no two of the recorded ones were pushed at one instant
		newest[a.Repository] = a.Digest
	}
	latest := int32(1)
	for _, c := range []struct {
		name   string
		filter v1alpha1.ArtifactFilter
		shows  func(harbortest.ListedArtifact) bool
	}{
		{
			"one tag", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Include: []v1alpha1.Expression{"^latest$"}}, Untagged: v1alpha1.UntaggedExclude},
			func(a harbortest.ListedArtifact) bool { return slices.Contains(a.Tags, "latest") },
		},
		{
			"untagged only", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly},
			func(a harbortest.ListedArtifact) bool { return len(a.Tags) == 0 },
		},
		{
			"charts", v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CHART"}},
			func(a harbortest.ListedArtifact) bool { return a.Type == "CHART" },
		},
		{
			"label", v1alpha1.ArtifactFilter{Labels: []v1alpha1.LabelName{"approved"}},
			func(a harbortest.ListedArtifact) bool { return slices.Contains(a.Labels, "approved") },
		},
		{
			"newest of each repository", v1alpha1.ArtifactFilter{Latest: &latest},
			func(a harbortest.ListedArtifact) bool { return newest[a.Repository] == a.Digest },
		},
		{
			"query with a plus, over several pages", v1alpha1.ArtifactFilter{Query: "manifest_media_type=application/vnd.oci.image.manifest.v1+json"},
			// Every artifact of bulk/many is of that type; were the plus lost, none would match.
			func(a harbortest.ListedArtifact) bool { return a.Repository == "bulk/many" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, registry)
			name := "filtered"
			w.inventory(name, func(s *v1alpha1.HarborInventorySpec) {
				s.Artifacts = c.filter
				if c.filter.Query != "" {
					s.Projects = projects([]string{"bulk"})
				}
			})
			w.condition(name, "Ready=True Succeeded", "Complete=True")
			want := []string{}
			for _, a := range artifacts {
				if c.shows(a) {
					want = append(want, line(a.Repository, a.Digest, a.Tags))
				}
			}
			slices.Sort(want)
			w.equal(want, w.shown(name))
		})
	}
}
