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
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		pushed, deleted string
		read            []v1alpha1.ArtifactEntry
		unsure          bool
		want            []v1alpha1.ArtifactEntry // nil: not known
	}{
		"nothing new":                      {pushed: "a", read: withTags("a: 1 latest"), want: held},
		"another tag":                      {pushed: "b", read: withTags("b: 2 2.0"), want: withTags("a: 1 latest", "b: 2 2.0", "c:")},
		"a tag less":                       {pushed: "a", read: withTags("a: 1"), want: withTags("a: 1", "b: 2", "c:")},
		"a new artifact":                   {pushed: "d", read: withTags("d: 4"), want: withTags("a: 1 latest", "b: 2", "c:", "d: 4")},
		"a new one, not sure of others":    {pushed: "d", read: withTags("d: 4"), unsure: true, want: withTags("a: 1 latest", "b: 2", "c:", "d: 4")},
		"a tag that moved":                 {pushed: "b", read: withTags("b: 2 latest"), want: withTags("a: 1", "b: 2 latest", "c:")},
		"a tag that moved to a new one":    {pushed: "d", read: withTags("d: latest"), want: withTags("a: 1", "b: 2", "c:", "d: latest")},
		"a first tag":                      {pushed: "c", read: withTags("c: 3"), want: withTags("a: 1 latest", "b: 2", "c: 3")},
		"one without tags, as ever":        {pushed: "c", read: withTags("c:"), want: held},
		"one that Harbor does not list":    {pushed: "x"},
		"the last tag of another one":      {pushed: "d", read: withTags("d: 2")},
		"no tags any more":                 {pushed: "a", read: withTags("a:")},
		"a new one without tags":           {pushed: "d", read: withTags("d:")},
		"a tag on two":                     {pushed: "a b", read: withTags("a: 1 latest", "b: latest")},
		"twice the same":                   {pushed: "a", read: withTags("a: 1", "a: 1")},
		"cut tags":                         {pushed: "a", read: cut},
		"tags exchanged by two":            {pushed: "a b", read: withTags("a: 2", "b: 1 latest"), want: withTags("a: 2", "b: 1 latest", "c:")},
		"two of which the one takes a tag": {pushed: "b d", read: withTags("b: 2", "d: 1"), want: withTags("a: latest", "b: 2", "c:", "d: 1")},

		"a deleted one":                        {deleted: "b", want: withTags("a: 1 latest", "c:")},
		"a deleted one without tags":           {deleted: "c", want: withTags("a: 1 latest", "b: 2")},
		"all of them":                          {deleted: "a b c", want: []v1alpha1.ArtifactEntry{}},
		"a deleted one, not sure":              {deleted: "b", unsure: true},
		"a deleted one that is there":          {deleted: "b", read: withTags("b: 2"), want: held},
		"a deleted one that was pushed again":  {deleted: "b", read: withTags("b: 3"), want: withTags("a: 1 latest", "b: 3", "c:")},
		"the same without its tag":             {deleted: "b", read: withTags("b:")},
		"a deleted one whose last tag moved":   {pushed: "d", deleted: "b", read: withTags("d: 2"), want: withTags("a: 1 latest", "c:", "d: 2")},
		"a deleted one, and another's tag":     {pushed: "d", deleted: "c", read: withTags("d: 2")},
		"a deleted one that nobody holds":      {deleted: "x", want: held},
		"a pushed one that has gone since":     {pushed: "b"},
		"one that was pushed and another gone": {pushed: "d x", deleted: "b", read: withTags("d: 4")},
	} {
		t.Run(name, func(t *testing.T) {
			before := gocmp.Diff(nil, held)
			asked := Asked{Pushed: strings.Fields(test.pushed), Deleted: strings.Fields(test.deleted)}
			got, ok := Patch(held, asked, test.read, !test.unsure)
			if diff := gocmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" || ok != (test.want != nil) {
				t.Errorf("known: %t (-want +got):\n%s", ok, diff)
			}
			if gocmp.Diff(nil, held) != before {
				t.Error("the held entries were changed")
			}
		})
	}
}

// What is deleted may be the accessory or the SBOM of an artifact that stays.
func TestPatchOfAccessories(t *testing.T) {
	held := withTags("signed: 1", "scanned: 2", "cut: 3", "plain: 4")
	held[0].Accessories = []v1alpha1.Accessory{{Type: "signature.cosign", Digest: "signature"}}
	held[1].SBOM = &v1alpha1.SBOM{Digest: "sbom"}
	held[2].Truncated = []string{"accessories"}
	for name, test := range map[string]struct {
		held    []v1alpha1.ArtifactEntry
		deleted string
		shown   string
		want    int // entries; 0: not known
	}{
		"a signature":                   {held[:2], "signature", "signature", 0},
		"an SBOM":                       {held[:2], "sbom", "sbom", 0},
		"another one":                   {held[:2], "other", "", 2},
		"one that may be among others":  {held, "other", "other", 0},
		"a signature with its artifact": {held[:2], "signature signed", "signature signed", 1},
		"an artifact":                   {held, "plain", "plain", 3},
	} {
		t.Run(name, func(t *testing.T) {
			deleted := strings.Fields(test.deleted)
			if shown := strings.Join(Shown(test.held, deleted), " "); shown != test.shown {
				t.Errorf("shown are %q", shown)
			}
			got, ok := Patch(test.held, Asked{Deleted: deleted}, nil, true)
			if len(got) != test.want || ok != (test.want > 0) {
				t.Errorf("known: %t, %v", ok, got)
			}
		})
	}
}

func TestWitness(t *testing.T) {
	held := withTags("a: 1", "b: 2", "c:", "d: 4")
	for i, minute := range []int{1, 5, 9, 3} {
		at := metav1.NewMicroTime(time.Date(2026, 5, 1, 0, minute, 0, 0, time.UTC))
		held[i].PushTime = &at
	}
	for _, test := range []struct{ pushed, deleted, want string }{
		{"a", "", ""}, {"", "a", "b"}, {"", "b", "d"}, {"d", "b", "a"}, {"a b", "d", "c"}, {"a", "b c d", ""}, {"", "x", "b"},
	} {
		if got := Witness(held, Asked{Pushed: strings.Fields(test.pushed), Deleted: strings.Fields(test.deleted)}); got != test.want {
			t.Errorf("pushed %s, deleted %s: %q, want %q", test.pushed, test.deleted, got, test.want)
		}
	}
	if n := Expected(held, Asked{Pushed: []string{"a", "e"}, Deleted: []string{"b"}}); n != 5 {
		t.Errorf("%d artifacts are expected", n)
	}
}

// What others push, to new artifacts or old ones, with tags that are new or that
// move, and what they delete, is as well known from those artifacts as from all.
func TestPatchIsLikeReadingAll(t *testing.T) {
	known, removed := 0, 0
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
		pushed, deleted := map[string]bool{}, map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			digest := fmt.Sprintf("d%d", rapid.IntRange(0, 9).Draw(t, "then"))
			if !digests[digest] || rapid.Bool().Draw(t, "a push") {
				pushed[push("then")] = true
				continue
			}
			deleted[digest] = true
			delete(digests, digest)
			maps.DeleteFunc(state, func(_, of string) bool { return of == digest })
		}
		for digest := range deleted {
			if pushed[digest] {
				return // who asks knows that this does not tell enough
			}
		}
		asked := Asked{Pushed: slices.Collect(maps.Keys(pushed)), Deleted: slices.Collect(maps.Keys(deleted))}
		got, ok := Patch(held, asked, entries(func(digest string) bool { return pushed[digest] || deleted[digest] }), true)
		if !ok {
			return
		}
		known++
		removed += len(deleted)
		slices.SortFunc(got, func(a, b v1alpha1.ArtifactEntry) int { return cmp.Compare(a.Digest, b.Digest) })
		if diff := gocmp.Diff(entries(all), got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("all that there is (-), known (+):\n%s", diff)
		}
	})
	if known == 0 || removed == 0 {
		t.Errorf("known %d times, with %d deletions", known, removed)
	}
}
