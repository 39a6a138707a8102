// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestArtifactsOfProject: the listing of a whole project, page by page, holds
// what the listings of its repositories hold, and a range of repositories can be
// chosen.
func TestArtifactsOfProject(t *testing.T) {
	reg := harbortest.Recorded()
	check(t, reg.CreateProject("2026", true)) // not the project with this id
	reg.Push("2026/app", harbortest.Image{Tags: []string{"v1"}})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := newClient(t, srv.URL)
	details := harbor.Details{Tags: true}
	for _, project := range []string{"team-a", "library", "2026"} {
		var want []harbor.Artifact
		repositories, err := collect(c.Repositories(t.Context(), project))
		check(t, err)
		low, high := repositories[0].ID, repositories[len(repositories)/2].ID
		some := 0
		for _, r := range repositories {
			artifacts, err := collect(c.Artifacts(t.Context(), r.Name, harbor.ArtifactOptions{Details: details}))
			check(t, err)
			want = append(want, artifacts...)
			if r.ID >= low && r.ID <= high {
				some += len(artifacts)
			}
		}
		slices.SortFunc(want, func(a, b harbor.Artifact) int { return int(a.ID - b.ID) })
		var got []harbor.Artifact
		o := harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: 7, Page: 1}, Details: details}
		for ; ; o.Page++ {
			page, err := c.ProjectArtifactsPage(t.Context(), project, o)
			check(t, err)
			if page.Total != len(want) {
				t.Errorf("%s: total %d, want %d", project, page.Total, len(want))
			}
			got = append(got, page.Items...)
			if page.Last {
				break
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: of its repositories (-), of the project (+):\n%s", project, diff)
		}
		page, err := c.ProjectArtifactsPage(t.Context(), project, harbor.ArtifactOptions{Query: harbor.RepositoryRange(low, high)})
		if err != nil || page.Total != some {
			t.Errorf("%s: %d artifacts in the repositories %d to %d, want %d; %v", project, page.Total, low, high, some, err)
		}
	}
}

// TestArtifactsOfProjectRefused: Harbor says 401 to OIDC users, for good. It is
// no sign of trouble here, and not asked for again.
func TestArtifactsOfProjectRefused(t *testing.T) {
	srv := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.Anonymous()})
	c := newClient(t, srv.URL)
	_, err := c.ProjectArtifactsPage(t.Context(), "team-a", harbor.ArtifactOptions{})
	if !is(err, harbor.ErrUnauthorized) || c.Troubled() {
		t.Errorf("%v, troubled %t", err, c.Troubled())
	}
	if requests := srv.Stats().Total; requests != 1 {
		t.Errorf("%d requests, want 1", requests)
	}
}
