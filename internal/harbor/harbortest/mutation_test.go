// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRepositoryEntry is the table of what moves in a repository's entry of the
// listing, as it was watched on a running Harbor.
func TestRepositoryEntry(t *testing.T) {
	const repo = "library/app"
	push := func(image Image) func(*Registry) error {
		return func(r *Registry) error { r.Push(repo, image); return nil }
	}
	again := func(digestFrom, tag string) func(*Registry) error {
		return func(r *Registry) error {
			r.Push(repo, Image{Digest: digestOf(r, repo, digestFrom), Tags: []string{tag}})
			return nil
		}
	}
	refer := func(a Accessory) func(*Registry) error {
		return func(r *Registry) error { r.PushAccessory(repo, "v1", a); return nil }
	}
	for _, test := range []struct {
		name             string
		action           func(*Registry) error
		moves            bool
		artifacts, pulls int64
		alwaysMoves      bool // also up to 2.15.1
	}{
		{name: "push of a new tagged artifact", action: push(Image{Tags: []string{"new"}}), moves: true, artifacts: 1},
		{name: "push of a new untagged artifact", action: push(Image{}), moves: true, artifacts: 1},
		{name: "push of an index with two new children", action: func(r *Registry) error {
			r.PushIndex(repo, Index{Image: Image{Tags: []string{"multi"}}, Children: []Child{{}, {Platform: Platform{Architecture: "arm64"}}}})
			return nil
		}, moves: true, artifacts: 1},
		{name: "new tag on an existing digest by push", action: again("v1", "extra"), moves: true},
		{name: "tag moved to another digest", action: again("v2", "v1"), moves: true},
		{name: "same tag and digest pushed again", action: again("v1", "v1")},
		{name: "tag added", action: func(r *Registry) error { return r.AddTag(repo, "v1", "also") }, moves: true},
		{name: "tag deleted", action: func(r *Registry) error { return r.DeleteTag(repo, "v1") }, moves: true},
		{name: "tagged artifact deleted", action: func(r *Registry) error { return r.DeleteArtifact(repo, "v1") }, moves: true, artifacts: -1},
		{name: "index deleted", action: func(r *Registry) error { return r.DeleteArtifact(repo, "index") }, moves: true, artifacts: -1},
		{name: "label added", action: func(r *Registry) error { return r.AddLabel(repo, "v1", 1) }},
		{name: "label removed", action: func(r *Registry) error { return r.RemoveLabel(repo, "v2", 1) }},
		{name: "scan completed", action: func(r *Registry) error { return r.SetScan(repo, "v1", Scan{}) }},
		{name: "SBOM generated", action: refer(Accessory{Type: "sbom.harbor"}), moves: true},
		{name: "referrer pushed", action: refer(Accessory{}), moves: true},
		{name: "pull", action: func(r *Registry) error { return r.Pull(repo, "v1") }, moves: true, pulls: 1, alwaysMoves: true},
		{name: "description edited", action: func(r *Registry) error { return r.EditDescription(repo, "text") }, moves: true, alwaysMoves: true},
	} {
		for _, version := range []Version{Latest, Harbor2151} {
			t.Run(test.name+" "+version.String(), func(t *testing.T) {
				r := filled(t, repo, WithVersion(version))
				before, sequence := r.Repositories("library")
				if err := test.action(r); err != nil {
					t.Fatal(err)
				}
				after, later := r.Repositories("library")
				moves := test.moves && (version == Latest || test.alwaysMoves)
				if got := !after[0].Updated.Equal(before[0].Updated); got != moves {
					t.Errorf("update_time moved: %t, want %t", got, moves)
				}
				if got := int64(after[0].ArtifactCount - before[0].ArtifactCount); got != test.artifacts {
					t.Errorf("artifact_count changed by %d, want %d", got, test.artifacts)
				}
				if got := after[0].PullCount - before[0].PullCount; got != test.pulls {
					t.Errorf("pull_count changed by %d, want %d", got, test.pulls)
				}
				if later <= sequence {
					t.Errorf("sequence is %d after the change, was %d before", later, sequence)
				}
			})
		}
	}
}

// filled holds two tagged artifacts, one of them with label 1, and an index.
func filled(t *testing.T, repo string, options ...Option) *Registry {
	t.Helper()
	r := New(append([]Option{WithClock(steppingClock())}, options...)...)
	if _, err := r.CreateLabel(Label{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	r.Push(repo, Image{Tags: []string{"v1"}})
	r.Push(repo, Image{Tags: []string{"v2"}})
	r.PushIndex(repo, Index{Image: Image{Tags: []string{"index"}}, Children: []Child{{}, {}}})
	if err := r.AddLabel(repo, "v2", 1); err != nil {
		t.Fatal(err)
	}
	return r
}

func digestOf(r *Registry, repo, tag string) string {
	listed, _ := r.Listed()
	for _, a := range listed {
		if a.Repository == repo && slices.Contains(a.Tags, tag) {
			return a.Digest
		}
	}
	return ""
}

// tagsByDigest is what is listed of a repository.
func tagsByDigest(r *Registry, repo string) map[string][]string {
	tags := map[string][]string{}
	listed, _ := r.Listed()
	for _, a := range listed {
		if a.Repository == repo {
			tags[a.Digest] = a.Tags
		}
	}
	return tags
}

func TestIndexPushInSteps(t *testing.T) {
	const repo = "library/multi"
	r := New(WithClock(steppingClock()))
	expect := func(step string, want map[string][]string) {
		t.Helper()
		if diff := cmp.Diff(want, tagsByDigest(r, repo)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	one, two := r.Push(repo, Image{}), r.Push(repo, Image{})
	expect("the children are untagged artifacts", map[string][]string{one: {}, two: {}})
	index := r.PushIndex(repo, Index{Image: Image{Tags: []string{"1.0"}}, Children: []Child{{Digest: one}, {Digest: two}}})
	expect("the index lands and they vanish", map[string][]string{index: {"1.0"}})
	if err := r.DeleteArtifact(repo, one); !errors.Is(err, ErrPrecondition) {
		t.Errorf("deleting a child: got error %v, want ErrPrecondition", err)
	}
	if err := r.AddTag(repo, one, "amd64"); err != nil {
		t.Fatal(err)
	}
	expect("a tag lists a child again", map[string][]string{index: {"1.0"}, one: {"amd64"}})
	if err := r.DeleteArtifact(repo, "1.0"); err != nil {
		t.Fatal(err)
	}
	expect("the untagged child goes with the index", map[string][]string{one: {"amd64"}})
	if r.repositories[repo].find(two) != nil {
		t.Error("the untagged child can still be found")
	}
}

func TestSharedChildOutlivesOneOfItsIndexes(t *testing.T) {
	const repo = "library/multi"
	r := New(WithClock(steppingClock()))
	child := r.Push(repo, Image{})
	first := r.PushIndex(repo, Index{Children: []Child{{Digest: child}}})
	second := r.PushIndex(repo, Index{Children: []Child{{Digest: child}}})
	if err := r.DeleteArtifact(repo, first); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{second: {}}, tagsByDigest(r, repo)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if r.repositories[repo].find(child) == nil {
		t.Error("the child of the other index is gone")
	}
}

func TestAccessoriesLiveAndDieWithTheirSubject(t *testing.T) {
	const repo = "library/app"
	r := New(WithClock(steppingClock()))
	subject := r.Push(repo, Image{Tags: []string{"v1"}})
	signature := r.PushAccessory(repo, "v1", Accessory{Image: Image{Tags: []string{"sha256-1.sig"}}})
	sbom := r.PushAccessory(repo, subject, Accessory{Type: "sbom.harbor"})
	if diff := cmp.Diff(map[string][]string{subject: {"v1"}}, tagsByDigest(r, repo)); diff != "" {
		t.Errorf("an accessory is listed (-want +got):\n%s", diff)
	}
	if got := r.repositories[repo].find("v1").extra.sbomDigest; got != sbom {
		t.Errorf("SBOM of the subject: got %s, want %s", got, sbom)
	}
	if err := r.DeleteArtifact(repo, sbom); err != nil {
		t.Fatal(err)
	}
	if got := r.repositories[repo].find("v1").extra.sbomDigest; got != "" {
		t.Errorf("SBOM of the subject after its deletion: got %s, want none", got)
	}
	if err := r.DeleteArtifact(repo, subject); err != nil {
		t.Fatal(err)
	}
	if r.repositories[repo].find(signature) != nil {
		t.Error("the signature outlived its subject")
	}
	dangling := r.PushAccessory(repo, subject, Accessory{})
	if got := tagsByDigest(r, repo); len(got) != 0 {
		t.Errorf("a referrer %s of nothing is listed: %v", dangling, got)
	}
}

func TestMovedTagKeepsItsID(t *testing.T) {
	const repo = "library/app"
	r := New(WithClock(steppingClock()))
	first, second := r.Push(repo, Image{Tags: []string{"latest"}}), r.Push(repo, Image{Tags: []string{"v2"}})
	before := *r.repositories[repo].find("latest").tag("latest")
	r.Push(repo, Image{Digest: second, Tags: []string{"latest"}})
	after := *r.repositories[repo].find("latest").tag("latest")
	if after.id != before.id || after.pushed <= before.pushed {
		t.Errorf("moved tag: got id %d and time %d, want id %d and a time after %d", after.id, after.pushed, before.id, before.pushed)
	}
	if diff := cmp.Diff(map[string][]string{first: {}, second: {"latest", "v2"}}, tagsByDigest(r, repo)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestRecreatedNamesHaveNewIDs(t *testing.T) {
	const repo = "team/app"
	r := New(WithClock(steppingClock()))
	check := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
	check(r.CreateProject("team", false), nil)
	check(r.CreateProject("team", false), ErrConflict)
	check(r.CreateProject("Team", false), ErrInvalidName)
	digest := r.Push(repo, Image{Tags: []string{"v1"}})
	before, _ := r.Repositories("team")
	artifacts, _ := r.Listed("team")
	check(r.DeleteProject("team"), ErrPrecondition)
	check(r.DeleteRepository(repo), nil)
	check(r.DeleteRepository(repo), ErrNotFound)
	check(r.DeleteProject("team"), nil)
	check(r.CreateProject("team", false), nil)
	r.Push(repo, Image{Digest: digest, Tags: []string{"v1"}})
	after, _ := r.Repositories("team")
	again, _ := r.Listed("team")
	if after[0].ID <= before[0].ID || after[0].ProjectID <= before[0].ProjectID || again[0].ID <= artifacts[0].ID {
		t.Errorf("ids after recreation: repository %d project %d artifact %d, before: %d %d %d",
			after[0].ID, after[0].ProjectID, again[0].ID, before[0].ID, before[0].ProjectID, artifacts[0].ID)
	}
	if again[0].Digest != digest {
		t.Errorf("digest: got %s, want %s", again[0].Digest, digest)
	}
}

func TestPushPanicsOnMistakes(t *testing.T) {
	r := New()
	for name, push := range map[string]func(){
		"project that does not exist": func() { r.Push("nosuch/app", Image{}) },
		"repository in upper case":    func() { r.Push("library/App", Image{}) },
		"invalid tag":                 func() { r.Push("library/app", Image{Tags: []string{"a b"}}) },
		"invalid digest":              func() { r.Push("library/app", Image{Digest: "sha256:1"}) },
		"subject that does not exist": func() { r.PushAccessory("library/app", "nosuch", Accessory{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			push()
		})
	}
}
