// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func list(name, project, repository string, entries ...v1alpha1.ArtifactEntry) v1alpha1.ArtifactList {
	return v1alpha1.ArtifactList{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Project:    project, Repository: repository, ArtifactCount: int32(len(entries)), Artifacts: entries,
	}
}

func entry(digest string, tags ...string) v1alpha1.ArtifactEntry {
	return v1alpha1.ArtifactEntry{Digest: digest, Tags: tags}
}

func TestDifferences(t *testing.T) {
	part := v1alpha1.ArtifactEntry{Digest: "d1", Tags: []string{"c"}, Truncated: []string{"tags"}, Totals: map[string]int32{"tags": 3}}
	miscounted := list("l", "p", "p/a", entry("d1"))
	miscounted.ArtifactCount = 2
	for _, tt := range []struct {
		about string
		held  []Artifact
		lists []v1alpha1.ArtifactList
		want  []string
	}{
		{"nothing on either side", nil, nil, nil},
		{
			"the same, in whatever order",
			[]Artifact{{"p/a", "d1", []string{"x", "b"}}, {"p/a", "d2", nil}, {"p/b", "d1", []string{"x"}}},
			[]v1alpha1.ArtifactList{list("l1", "p", "p/b", entry("d1", "x")), list("l2", "p", "p/a", entry("d2"), entry("d1", "b", "x"))},
			nil,
		},
		{
			"missing",
			[]Artifact{{"p/a", "d1", []string{"x"}}},
			nil,
			[]string{"p/a@d1 [x] is in Harbor, and in no list"},
		},
		{
			"too much", nil,
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", entry("d1"))},
			[]string{"p/a@d1 is in l, and not in Harbor"},
		},
		{
			"under the wrong repository",
			[]Artifact{{"p/a", "d1", nil}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/b", entry("d1"))},
			[]string{"p/a@d1 [] is in Harbor, and in no list", "p/b@d1 is in l, and not in Harbor"},
		},
		{
			"in two lists",
			[]Artifact{{"p/a", "d1", nil}},
			[]v1alpha1.ArtifactList{list("l2", "p", "p/a", entry("d1")), list("l1", "p", "p/a", entry("d1"))},
			[]string{"p/a@d1 is in Harbor once, and 2 times in the lists: l1, l2"},
		},
		{
			"twice in one list",
			[]Artifact{{"p/a", "d1", nil}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", entry("d1"), entry("d1"))},
			[]string{"p/a@d1 is in Harbor once, and 2 times in the lists: l"},
		},
		{
			"other tags",
			[]Artifact{{"p/a", "d1", []string{"x", "y"}}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", entry("d1", "x"))},
			[]string{"p/a@d1 in l: the tags in Harbor are [x y], in the list [x]"},
		},
		{
			"a part of the tags, and known to be",
			[]Artifact{{"p/a", "d1", []string{"a", "b", "c"}}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", part)},
			nil,
		},
		{
			"a part of too many",
			[]Artifact{{"p/a", "d1", []string{"a", "c"}}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", part)},
			[]string{"p/a@d1 in l: it is said to have 3 tags in all; in Harbor it has 2"},
		},
		{
			"a part of others",
			[]Artifact{{"p/a", "d1", []string{"a", "b", "d"}}},
			[]v1alpha1.ArtifactList{list("l", "p", "p/a", part)},
			[]string{"p/a@d1 in l: some of its tags [c] are not in Harbor"},
		},
		{
			"miscounted",
			[]Artifact{{"p/a", "d1", nil}},
			[]v1alpha1.ArtifactList{miscounted},
			[]string{"list l: artifactCount is 2, and there are 1 artifacts"},
		},
		{
			"wrong project",
			[]Artifact{{"p/a", "d1", nil}},
			[]v1alpha1.ArtifactList{list("l", "q", "p/a", entry("d1"))},
			[]string{"list l: the project of p/a is said to be q"},
		},
	} {
		t.Run(tt.about, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Differences(tt.held, tt.lists)); diff != "" {
				t.Errorf("wanted (-), got (+):\n%s", diff)
			}
		})
	}
}
