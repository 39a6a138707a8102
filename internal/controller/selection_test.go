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

// recordedSecret takes the place of the robots' own, which is a word of every text.
const recordedSecret = "rec0rded-passw0rd"

func TestAccounts(t *testing.T) {
	t.Parallel()
	registry := harbortest.Recorded()
	for _, name := range []string{"robot$inventory-sys", "robot$team-a+ci"} {
		must(registry.SetSecret(name, recordedSecret))
	}
	public := []string{"0numeric", "bulk", "library", "platform_core"}
	for _, c := range []struct {
		name, user, password string
		projects             []string // as the spec has them
		sees                 []string // nil: all
	}{
		{name: "administrator", user: "admin", password: "Harbor12345"},
		{name: "system-robot-with-system-scope", user: "robot$inventory-sys", password: recordedSecret},
		{name: "project-robot-naming-its-project", user: "robot$team-a+ci", password: recordedSecret, projects: []string{"team-a"}, sees: []string{"team-a"}},
		{name: "project-robot", user: "robot$team-a+ci", password: recordedSecret, sees: append(slices.Clone(public), "team-a")},
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
		{
			name: "query-one-tag", projects: []string{"team-a"}, query: "tags=latest", shows: func(r string) bool { return strings.HasPrefix(r, "team-a/") },
			tagged: func(tags []string) bool { return slices.Contains(tags, "latest") },
		},
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
			"one tag",
			v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Include: []v1alpha1.Expression{"^latest$"}}, Untagged: v1alpha1.UntaggedExclude},
			func(a harbortest.ListedArtifact) bool { return slices.Contains(a.Tags, "latest") },
		},
		{
			"untagged only",
			v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly},
			func(a harbortest.ListedArtifact) bool { return len(a.Tags) == 0 },
		},
		{
			"charts",
			v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CHART"}},
			func(a harbortest.ListedArtifact) bool { return a.Type == "CHART" },
		},
		{
			"label",
			v1alpha1.ArtifactFilter{Labels: []v1alpha1.LabelName{"approved"}},
			func(a harbortest.ListedArtifact) bool { return slices.Contains(a.Labels, "approved") },
		},
		{
			"newest of each repository",
			v1alpha1.ArtifactFilter{Latest: &latest},
			func(a harbortest.ListedArtifact) bool { return newest[a.Repository] == a.Digest },
		},
		{
			"query with a plus, over several pages",
			v1alpha1.ArtifactFilter{Query: "manifest_media_type=application/vnd.oci.image.manifest.v1+json"},
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
