// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"slices"
)

// change says what is different about something.
type change string

// The changes from one side of a comparison to the other.
const (
	// changeMissing: the digest is in no repository of that name on the right.
	changeMissing change = "Missing"
	// changeAdded: the digest is in no repository of that name on the left.
	changeAdded change = "Added"
	// changeMoved: both sides have the tag, for another digest each.
	changeMoved change = "Different"
	// changeTag: both have the digest, and only the left one the tag.
	changeTagMissing change = "TagMissing"
	// changeTagAdded: both have the digest, and only the right one the tag.
	changeTagAdded change = "TagAdded"
	// changePromoted: both have the digest.
	changePromoted change = "Promoted"
)

// difference is one line of a comparison.
type difference struct {
	Change     change `json:"change"`
	Repository string `json:"repository"`
	// Tag is empty for what has none, and for Promoted.
	Tag   string `json:"tag,omitempty"`
	Left  string `json:"left,omitempty"`  // digest
	Right string `json:"right,omitempty"` // digest
}

// side is what a comparison keeps of one of its sides.
type side map[string]*contents // by repository

// contents of a repository.
type contents struct {
	digests map[string]bool
	tags    map[string]string // to digests
	cut     bool              // some artifact has more tags than are known
}

func (s side) add(a *Artifact) {
	c := s[a.Repository]
	if c == nil {
		c = &contents{digests: map[string]bool{}, tags: map[string]string{}}
		s[a.Repository] = c
	}
	c.digests[a.Digest] = true
	for _, tag := range a.Tags {
		c.tags[tag] = a.Digest
	}
	c.cut = c.cut || slices.Contains(a.Truncated, "tags")
}

// compare returns what differs from the left side to the right one, sorted by
// repository, tag and digest. Repositories are the same that have the same name,
// whatever the Harbor.
//
//	| the digest is  | the tag is                    | change                       |
//	|----------------|-------------------------------|------------------------------|
//	| on both sides  | on both, for this digest      | none (Promoted, of a digest) |
//	| on both sides  | on one side                   | TagMissing or TagAdded       |
//	| on whichever   | on both, for another digest   | Different                    |
//	| left only      | left only, or there is none   | Missing                      |
//	| right only     | right only, or there is none  | Added                        |
//
// A digest with several tags that is Missing or Added stands there for each of
// them that is not Different; if all are, it does not stand there.
func compare(left, right side) []difference {
	var all []difference
	repositories := map[string]bool{}
	for _, s := range []side{left, right} {
		for name := range s {
			repositories[name] = true
		}
	}
	empty := &contents{}
	for name := range repositories {
		l, r := cmp.Or(left[name], empty), cmp.Or(right[name], empty)
		all = append(all, compareTags(name, l, r)...)
		all = append(all, compareDigests(name, l, r)...)
	}
	slices.SortFunc(all, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Change, b.Change),
			cmp.Compare(a.Left, b.Left), cmp.Compare(a.Right, b.Right))
	})
	return all
}

func compareTags(repository string, l, r *contents) []difference {
	var all []difference
	for tag, digest := range l.tags {
		other, both := r.tags[tag]
		d := difference{Repository: repository, Tag: tag, Left: digest, Right: other}
		switch {
		case both && other == digest:
			continue
		case both:
			d.Change = changeMoved
		case r.digests[digest]:
			d.Change, d.Right = changeTagMissing, digest
		default:
			d.Change = changeMissing
		}
		all = append(all, d)
	}
	for tag, digest := range r.tags {
		if _, both := l.tags[tag]; both {
			continue
		}
		d := difference{Change: changeAdded, Repository: repository, Tag: tag, Right: digest}
		if l.digests[digest] {
			d.Change, d.Left = changeTagAdded, digest
		}
		all = append(all, d)
	}
	return all
}

// compareDigests finds what no tag tells of: artifacts without any, and those that
// both sides have.
func compareDigests(repository string, l, r *contents) []difference {
	var all []difference
	tagged := func(c *contents) map[string]bool {
		digests := map[string]bool{}
		for _, digest := range c.tags {
			digests[digest] = true
		}
		return digests
	}
	taggedLeft, taggedRight := tagged(l), tagged(r)
	for digest := range l.digests {
		switch {
		case r.digests[digest]:
			all = append(all, difference{Change: changePromoted, Repository: repository, Left: digest, Right: digest})
		case !taggedLeft[digest]:
			all = append(all, difference{Change: changeMissing, Repository: repository, Left: digest})
		}
	}
	for digest := range r.digests {
		if !l.digests[digest] && !taggedRight[digest] {
			all = append(all, difference{Change: changeAdded, Repository: repository, Right: digest})
		}
	}
	return all
}
