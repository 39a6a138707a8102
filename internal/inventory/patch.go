// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Asked are the digests of those of a repository's artifacts that were asked for,
// because somebody told that they were pushed or scanned, or that they were
// deleted. None is in both: the tags that it had in between are not known.
type Asked struct{ Pushed, Deleted []string }

// Digests returns all of them.
func (a Asked) Digests() []string { return slices.Concat(a.Pushed, a.Deleted) }

// Witness returns the digest of a held artifact that was not asked for, and that
// Harbor should list; empty if there is none, or nothing was deleted. It is the
// newest one with a tag: such are the last that clean-ups delete.
func Witness(held []v1alpha1.ArtifactEntry, asked Asked) string {
	if len(asked.Deleted) == 0 {
		return ""
	}
	digests := asked.Digests()
	var best *v1alpha1.ArtifactEntry
	for i := range held {
		if e := &held[i]; !slices.Contains(digests, e.Digest) && (best == nil || likelier(e, best)) {
			best = e
		}
	}
	if best == nil {
		return ""
	}
	return best.Digest
}

func likelier(a, b *v1alpha1.ArtifactEntry) bool {
	if (len(a.Tags) > 0) != (len(b.Tags) > 0) {
		return len(a.Tags) > 0
	}
	return b.PushTime.Before(a.PushTime)
}

// Expected returns how many artifacts Harbor should list, if it lists all that are
// held, and those that were pushed.
func Expected(held []v1alpha1.ArtifactEntry, asked Asked) int {
	n := len(held) + len(asked.Pushed)
	for i := range held {
		if slices.Contains(asked.Pushed, held[i].Digest) {
			n--
		}
	}
	return n
}

// Patch puts what was read of single artifacts of a repository among the entries
// that are held of it. Complete tells that Harbor does not list those that were
// asked for and not read. It returns the new entries; false if the repository has
// to be read as a whole to know them:
//
//	| what was read                           | the entries                               |
//	|-----------------------------------------|-------------------------------------------|
//	| a held artifact, with tags              | it takes its entry's place                |
//	| one that is not held, with tags         | is added                                  |
//	| a tag that another held artifact had    | the other one loses it                    |
//	| the last tag that another one had       | not known: Harbor may list it or hide it  |
//	| an artifact without tags                | as ever if it had none, else not known    |
//	| one tag on two artifacts, or cut tags   | not known                                 |
//
//	| what was asked for and is not listed    | the entries                               |
//	|-----------------------------------------|-------------------------------------------|
//	| a deleted artifact that is held         | it is taken out                           |
//	| a deleted one that is not held          | as ever; not known if one that stays has  |
//	|                                         | it as an accessory, or may have           |
//	| a pushed one                            | not known: it may be an accessory, or has |
//	|                                         | had tags of others before it was deleted  |
//	| any, and it is not complete             | not known                                 |
//
// What is deleted takes nothing else out of the listing, and brings nothing into
// it: of an index those children go that have no tag, which were hidden, and those
// with a tag stay (recording index-push-in-steps). The given entries are not changed.
func Patch(held []v1alpha1.ArtifactEntry, asked Asked, read []v1alpha1.ArtifactEntry, complete bool) (entries []v1alpha1.ArtifactEntry, ok bool) {
	p := patch{
		held: map[string]*v1alpha1.ArtifactEntry{}, read: map[string]*v1alpha1.ArtifactEntry{}, owner: map[string]string{}, gone: map[string]bool{},
	}
	for i := range held {
		p.held[held[i].Digest] = &held[i]
	}
	for i := range read {
		if !p.take(&read[i]) {
			return nil, false
		}
	}
	if !p.miss(asked, complete) {
		return nil, false
	}
	for i := range held {
		if p.gone[held[i].Digest] {
			continue
		}
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
	for digest := range p.gone {
		if p.held[digest] == nil && len(Shown(entries, []string{digest})) > 0 {
			return nil, false
		}
	}
	return entries, true
}

// Shown returns those of the digests that entries show: as an artifact, as an
// accessory or the SBOM of one, or that they may: where not all accessories are
// shown. That another one is deleted makes no difference to them.
func Shown(entries []v1alpha1.ArtifactEntry, digests []string) (shown []string) {
	for _, digest := range digests {
		if slices.ContainsFunc(entries, func(e v1alpha1.ArtifactEntry) bool { return e.Digest == digest || bears(&e, digest) }) {
			shown = append(shown, digest)
		}
	}
	return shown
}

func bears(e *v1alpha1.ArtifactEntry, digest string) bool {
	return slices.Contains(e.Truncated, "accessories") || e.SBOM != nil && e.SBOM.Digest == digest ||
		slices.ContainsFunc(e.Accessories, func(a v1alpha1.Accessory) bool { return a.Digest == digest })
}

// patch is what is held and what was read, by digest, the digests that were read
// with a tag, and those that Harbor does not list.
type patch struct {
	held, read map[string]*v1alpha1.ArtifactEntry
	owner      map[string]string
	gone       map[string]bool
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

// miss notes what was asked for and not read; false if that leaves something open.
func (p *patch) miss(asked Asked, complete bool) bool {
	missing := func(digest string) bool { return p.read[digest] == nil }
	for _, digest := range asked.Deleted {
		if missing(digest) {
			p.gone[digest] = true
		}
	}
	return !slices.ContainsFunc(asked.Pushed, missing) && (complete || len(p.gone) == 0)
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
