// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Patch puts what was read of single artifacts of a repository among the entries
// that are held of it. Asked are the digests that were asked for. It returns the
// new entries; false if the repository has to be read as a whole to know them:
//
//	| what was read                           | the entries                               |
//	|-----------------------------------------|-------------------------------------------|
//	| a held artifact, with tags              | it takes its entry's place                |
//	| one that is not held, with tags         | is added                                  |
//	| a tag that another held artifact had    | the other one loses it                    |
//	| the last tag that another one had       | not known: Harbor may list it or hide it  |
//	| an artifact without tags                | as ever if it had none, else not known    |
//	| not what was asked for                  | not known: it is gone, or an accessory    |
//	| one tag on two artifacts, or cut tags   | not known                                 |
//
// The given entries are not changed.
func Patch(held []v1alpha1.ArtifactEntry, asked []string, read []v1alpha1.ArtifactEntry) (entries []v1alpha1.ArtifactEntry, ok bool) {
	p := patch{held: map[string]*v1alpha1.ArtifactEntry{}, read: map[string]*v1alpha1.ArtifactEntry{}, owner: map[string]string{}}
	for i := range held {
		p.held[held[i].Digest] = &held[i]
	}
	for i := range read {
		if !p.take(&read[i]) {
			return nil, false
		}
	}
	for _, digest := range asked {
		if p.read[digest] == nil {
			return nil, false // of an accessory, another entry tells
		}
	}
	for i := range held {
		e, ok := p.now(&held[i])
		if !ok {
			return nil, false
		}
		entries = append(entries, e)
	}
	for i := range read {
		if p.held[read[i].Digest] == nil {
			entries = append(entries, read[i])
		}
	}
	return entries, true
}

// patch is what is held and what was read, by digest, and the digests that were
// read with a tag.
type patch struct {
	held, read map[string]*v1alpha1.ArtifactEntry
	owner      map[string]string
}

// take takes an entry that was read; false if it leaves something open.
func (p *patch) take(e *v1alpha1.ArtifactEntry) bool {
	was := p.held[e.Digest]
	if p.read[e.Digest] != nil || cutTags(e) || len(e.Tags) == 0 && (was == nil || len(was.Tags) > 0) {
		return false
	}
	p.read[e.Digest] = e
	for _, tag := range e.Tags {
		if p.owner[tag] != "" {
			return false
		}
		p.owner[tag] = e.Digest
	}
	return true
}

// now returns a held entry as it is now; false if that is not known.
func (p *patch) now(e *v1alpha1.ArtifactEntry) (v1alpha1.ArtifactEntry, bool) {
	if read := p.read[e.Digest]; read != nil {
		return *read, true
	}
	moved := func(tag string) bool { return p.owner[tag] != "" }
	if !slices.ContainsFunc(e.Tags, moved) {
		return *e, true
	}
	left := *e
	left.Tags = slices.DeleteFunc(slices.Clone(e.Tags), moved)
	left.ImmutableTags = slices.DeleteFunc(slices.Clone(e.ImmutableTags), moved)
	if len(left.ImmutableTags) == 0 {
		left.ImmutableTags = nil
	}
	return left, len(left.Tags) > 0 && !cutTags(e)
}

func cutTags(e *v1alpha1.ArtifactEntry) bool {
	return slices.Contains(e.Truncated, "tags") || slices.Contains(e.Truncated, "immutableTags")
}
