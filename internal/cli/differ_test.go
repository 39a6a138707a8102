// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// sideOf has the given digests of the repository r, each with its tags.
func sideOf(digests map[string][]string) side {
	s := side{}
	for digest, tags := range digests {
		s.add(&Artifact{Repository: "r", ArtifactEntry: v1alpha1.ArtifactEntry{Digest: digest, Tags: tags}})
	}
	return s
}

func TestCompare(t *testing.T) {
	type digests = map[string][]string
	for _, tt := range []struct {
		about       string
		left, right digests
		want        []difference
	}{
		{"nothing", nil, nil, nil},
		{"the same", digests{"a": {"1"}}, digests{"a": {"1"}}, []difference{{changePromoted, "r", "", "a", "a"}}},
		{"missing, by each tag", digests{"a": {"1", "2"}}, nil, []difference{{changeMissing, "r", "1", "a", ""}, {changeMissing, "r", "2", "a", ""}}},
		{"missing, without a tag", digests{"a": nil}, digests{"b": nil}, []difference{{changeAdded, "r", "", "", "b"}, {changeMissing, "r", "", "a", ""}}},
		{"added", nil, digests{"a": {"1"}}, []difference{{changeAdded, "r", "1", "", "a"}}},
		{"another digest", digests{"a": {"1"}}, digests{"b": {"1"}}, []difference{{changeMoved, "r", "1", "a", "b"}}},
		{"another digest, and both are on the right", digests{"a": {"1"}}, digests{"a": nil, "b": {"1"}}, []difference{
			{changePromoted, "r", "", "a", "a"}, {changeMoved, "r", "1", "a", "b"},
		}},
		{"promoted without its tag", digests{"a": {"1", "rc"}}, digests{"a": {"1", "stable"}}, []difference{
			{changePromoted, "r", "", "a", "a"}, {changeTagMissing, "r", "rc", "a", "a"}, {changeTagAdded, "r", "stable", "a", "a"},
		}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, compare(sideOf(tt.left), sideOf(tt.right))); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompareTellsAll holds, for random sides, that a comparison names each digest
// and each tag of either side that the other one does not have likewise, and that
// from the other side it looks the same the other way round.
func TestCompareTellsAll(t *testing.T) {
	mirror := map[change]change{
		changeMissing: changeAdded, changeAdded: changeMissing, changeMoved: changeMoved,
		changeTagMissing: changeTagAdded, changeTagAdded: changeTagMissing, changePromoted: changePromoted,
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) side {
			s := side{}
			for _, tag := range []string{"1", "2", "3", ""} {
				digest := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, name+tag)
				if digest == "" {
					continue
				}
				a := &Artifact{Repository: "r", ArtifactEntry: v1alpha1.ArtifactEntry{Digest: digest}}
				if tag != "" {
					a.Tags = []string{tag}
				}
				s.add(a)
			}
			return s
		}
		left, right := draw("left"), draw("right")
		named := map[string]bool{}
		reversed := map[difference]bool{}
		for _, d := range compare(left, right) {
			named[d.Left], named[d.Right] = true, true
			reversed[difference{mirror[d.Change], d.Repository, d.Tag, d.Right, d.Left}] = true
		}
		back := compare(right, left)
		for _, d := range back {
			if !reversed[d] {
				t.Errorf("only from the right: %+v", d)
			}
		}
		if len(back) != len(reversed) {
			t.Errorf("%d differences from the left, %d from the right", len(reversed), len(back))
		}
		for _, s := range []side{left, right} {
			for _, c := range s {
				for digest := range c.digests {
					if !named[digest] {
						t.Errorf("nothing is said of %s", digest)
					}
				}
			}
		}
	})
}
