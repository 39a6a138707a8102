// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// sublisted are the details that Harbor reads by a query of its own for each
// artifact. When such a query fails, Harbor logs it and answers 200 without the
// detail, as if the artifact had none (recording partial-answers-200): so one
// that was there and is gone has to be asked for again before it is believed.
var sublisted = []struct {
	field string
	shown func(*v1alpha1.ArtifactEntry) bool
}{
	{"labels", func(e *v1alpha1.ArtifactEntry) bool { return len(e.Labels) > 0 }},
	{"accessories", func(e *v1alpha1.ArtifactEntry) bool { return len(e.Accessories) > 0 }},
	{"vulnerabilities", func(e *v1alpha1.ArtifactEntry) bool { return e.Vulnerabilities != nil }},
	{"sbom", func(e *v1alpha1.ArtifactEntry) bool { return e.SBOM != nil }},
}

// LostDetails returns the digests of entries, in the order of after, that are in
// both and whose labels, accessories, vulnerabilities or sbom were there before
// and are all gone now. A field that is empty only because the entry was cut is
// not lost. Both must be of the same details: one that is no longer asked for has
// to be taken out of before, or it counts as lost.
//
// Tags can be lost in the same way, but are verified where they are read: see
// internal/fetch.
func LostDetails(before, after []v1alpha1.ArtifactEntry) []string {
	known := make(map[string]*v1alpha1.ArtifactEntry, len(before))
	for i := range before {
		known[before[i].Digest] = &before[i]
	}
	var digests []string
	for i := range after {
		if b, ok := known[after[i].Digest]; ok && lacksDetails(b, &after[i]) {
			digests = append(digests, after[i].Digest)
		}
	}
	return digests
}

func lacksDetails(before, after *v1alpha1.ArtifactEntry) bool {
	for _, d := range sublisted {
		if d.shown(before) && !d.shown(after) && !slices.Contains(after.Truncated, d.field) {
			return true
		}
	}
	return false
}
