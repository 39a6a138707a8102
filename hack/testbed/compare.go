// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Artifact is what Harbor lists, as far as it is compared.
type Artifact struct {
	Repository string   `json:"repository"` // with the project
	Digest     string   `json:"digest"`
	Tags       []string `json:"tags"`
}

// Identity tells artifacts apart: a digest may be in many repositories.
type Identity struct{ Repository, Digest string }

func (i Identity) String() string { return i.Repository + "@" + i.Digest }

// Place is where an artifact is found in the cluster.
type Place struct {
	List  string
	Entry v1alpha1.ArtifactEntry
}

// Differences compares what Harbor holds with all lists of an inventory: each
// artifact must be in exactly one list, with its tags, and nothing besides. It
// returns a line for each exception, sorted.
func Differences(held []Artifact, lists []v1alpha1.ArtifactList) []string {
	var found []string
	places := map[Identity][]Place{}
	for i := range lists {
		l := &lists[i]
		found = append(found, inconsistencies(l)...)
		for _, entry := range l.Artifacts {
			id := Identity{l.Repository, entry.Digest}
			places[id] = append(places[id], Place{l.Name, entry})
		}
	}
	for _, a := range held {
		id := Identity{a.Repository, a.Digest}
		found = append(found, misplaced(id, a, places[id])...)
		delete(places, id)
	}
	for id, rest := range places {
		found = append(found, fmt.Sprintf("%s is in %s, and not in Harbor", id, names(rest)))
	}
	slices.Sort(found)
	return found
}

func misplaced(id Identity, a Artifact, places []Place) []string {
	switch len(places) {
	case 0:
		return []string{fmt.Sprintf("%s %v is in Harbor, and in no list", id, a.Tags)}
	case 1:
		if problem := otherTags(a.Tags, places[0].Entry); problem != "" {
			return []string{fmt.Sprintf("%s in %s: %s", id, names(places), problem)}
		}
		return nil
	default:
		return []string{fmt.Sprintf("%s is in Harbor once, and %d times in the lists: %s", id, len(places), names(places))}
	}
}

// otherTags tells how the tags of an entry differ from Harbor's. An entry may
// say that it holds a part only, and must then know how many there are.
func otherTags(held []string, entry v1alpha1.ArtifactEntry) string {
	want, shown := slices.Sorted(slices.Values(held)), slices.Sorted(slices.Values(entry.Tags))
	if !slices.Contains(entry.Truncated, "tags") {
		if slices.Equal(want, shown) {
			return ""
		}
		return fmt.Sprintf("the tags in Harbor are %v, in the list %v", want, shown)
	}
	if total := int(entry.Totals["tags"]); total != len(want) {
		return fmt.Sprintf("it is said to have %d tags in all; in Harbor it has %d", total, len(want))
	}
	if !within(shown, want) {
		return fmt.Sprintf("some of its tags %v are not in Harbor", shown)
	}
	return ""
}

// within tells whether part, free of repetitions, is a part of whole.
func within(part, whole []string) bool {
	set := map[string]bool{}
	for _, s := range whole {
		set[s] = true
	}
	for _, s := range part {
		if !set[s] {
			return false
		}
		delete(set, s)
	}
	return true
}

// inconsistencies tells where a list contradicts itself.
func inconsistencies(l *v1alpha1.ArtifactList) []string {
	var found []string
	if int(l.ArtifactCount) != len(l.Artifacts) {
		found = append(found, fmt.Sprintf("list %s: artifactCount is %d, and there are %d artifacts", l.Name, l.ArtifactCount, len(l.Artifacts)))
	}
	if project, _, _ := strings.Cut(l.Repository, "/"); project != l.Project {
		found = append(found, fmt.Sprintf("list %s: the project of %s is said to be %s", l.Name, l.Repository, l.Project))
	}
	return found
}

func names(places []Place) string {
	all := map[string]bool{}
	for _, p := range places {
		all[p.List] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}
