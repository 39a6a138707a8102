// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// withTags makes entries of "digest: tag tag".
func withTags(lines ...string) (entries []v1alpha1.ArtifactEntry) {
	for _, line := range lines {
		digest, tags, _ := strings.Cut(line, ":")
		e := v1alpha1.ArtifactEntry{Digest: digest}
		if fields := strings.Fields(tags); len(fields) > 0 {
			e.Tags = fields
		}
		entries = append(entries, e)
	}
	return entries
}

func TestPatch(t *testing.T) {
	held := withTags("a: 1 latest", "b: 2", "c:")
	cut := withTags("a: 1")
	cut[0].Truncated = []string{"tags"}
	for name, test := range map[string]struct {
		asked string
		read  []v1alpha1.ArtifactEntry
		want  []v1alpha1.ArtifactEntry // nil: not known
	}{
		"nothing new":                      {"a", withTags("a: 1 latest"), held},
		"another tag":                      {"b", withTags("b: 2 2.0"), withTags("a: 1 latest", "b: 2 2.0", "c:")},
		"a tag less":                       {"a", withTags("a: 1"), withTags("a: 1", "b: 2", "c:")},
		"a new artifact":                   {"d", withTags("d: 4"), withTags("a: 1 latest", "b: 2", "c:", "d: 4")},
		"a tag that moved":                 {"b", withTags("b: 2 latest"), withTags("a: 1", "b: 2 latest", "c:")},
		"a tag that moved to a new one":    {"d", withTags("d: latest"), withTags("a: 1", "b: 2", "c:", "d: latest")},
		"a first tag":                      {"c", withTags("c: 3"), withTags("a: 1 latest", "b: 2", "c: 3")},
		"one without tags, as ever":        {"c", withTags("c:"), held},
		"one that Harbor does not list":    {"x", nil, nil},
		"the last tag of another one":      {"d", withTags("d: 2"), nil},
		"no tags any more":                 {"a", withTags("a:"), nil},
		"a new one without tags":           {"d", withTags("d:"), nil},
		"one that is gone":                 {"b", nil, nil},
		"a tag on two":                     {"a b", withTags("a: 1 latest", "b: latest"), nil},
		"twice the same":                   {"a", withTags("a: 1", "a: 1"), nil},
		"cut tags":                         {"a", cut, nil},
		"tags exchanged by two":            {"a b", withTags("a: 2", "b: 1 latest"), withTags("a: 2", "b: 1 latest", "c:")},
		"two of which the one takes a tag": {"b d", withTags("b: 2", "d: 1"), withTags("a: latest", "b: 2", "c:", "d: 1")},
	} {
		t.Run(name, func(t *testing.T) {
			before := gocmp.Diff(nil, held)
			got, ok := Patch(held, strings.Fields(test.asked), test.read)
			if diff := gocmp.Diff(test.want, got); diff != "" || ok != (test.want != nil) {
				t.Errorf("known: %t (-want +got):\n%s", ok, diff)
			}
			if gocmp.Diff(nil, held) != before {
				t.Error("the held entries were changed")
			}
		})
	}
}

// What others push, to new artifacts or old ones, with tags that are new or that
// move, is as well known from the artifacts that were pushed as from all of them.
func TestPatchIsLikeReadingAll(t *testing.T) {
	known := 0
	rapid.Check(t, func(t *rapid.T) {
		state := map[string]string{} // digests by tag
		digests := map[string]bool{} // of what is listed
		push := func(about string) (digest string) {
			digest = fmt.Sprintf("d%d", rapid.IntRange(0, 9).Draw(t, about+" digest"))
			digests[digest] = true
			for range rapid.IntRange(0, 2).Draw(t, about+" tags") {
				state[fmt.Sprintf("t%d", rapid.IntRange(0, 12).Draw(t, about+" tag"))] = digest
			}
			return digest
		}
		entries := func(of func(string) bool) (entries []v1alpha1.ArtifactEntry) {
			for digest := range digests {
				e := v1alpha1.ArtifactEntry{Digest: digest}
				for _, tag := range slices.Sorted(maps.Keys(state)) {
					if state[tag] == digest {
						e.Tags = append(e.Tags, tag)
					}
				}
				if of(digest) {
					entries = append(entries, e)
				}
			}
			slices.SortFunc(entries, func(a, b v1alpha1.ArtifactEntry) int { return cmp.Compare(a.Digest, b.Digest) })
			return entries
		}
		all := func(string) bool { return true }
		for range rapid.IntRange(0, 8).Draw(t, "before") {
			push("before")
		}
		held := entries(all)
		var asked []string
		for range rapid.IntRange(1, 6).Draw(t, "pushes") {
			asked = append(asked, push("then"))
		}
		got, ok := Patch(held, asked, entries(func(digest string) bool { return slices.Contains(asked, digest) }))
		if !ok {
			return
		}
		known++
		slices.SortFunc(got, func(a, b v1alpha1.ArtifactEntry) int { return cmp.Compare(a.Digest, b.Digest) })
		if diff := gocmp.Diff(entries(all), got); diff != "" {
			t.Fatalf("all that there is (-), known (+):\n%s", diff)
		}
	})
	if known == 0 {
		t.Error("nothing was ever known")
	}
}
