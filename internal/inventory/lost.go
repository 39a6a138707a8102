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
	detail v1alpha1.Detail
	field  string
	shown  func(*v1alpha1.ArtifactEntry) bool
}{
	{v1alpha1.DetailLabels, "labels", func(e *v1alpha1.ArtifactEntry) bool { return len(e.Labels) > 0 }},
	{v1alpha1.DetailAccessories, "accessories", func(e *v1alpha1.ArtifactEntry) bool { return len(e.Accessories) > 0 }},
	{v1alpha1.DetailVulnerabilities, "vulnerabilities", func(e *v1alpha1.ArtifactEntry) bool { return e.Vulnerabilities != nil }},
	{v1alpha1.DetailSBOM, "sbom", func(e *v1alpha1.ArtifactEntry) bool { return e.SBOM != nil }},
}

// LostDetails returns the digests of entries, in the order of after, that are in
// both and whose labels, accessories, vulnerabilities or sbom were there before
// and are all gone now. A field that is empty only because the entry was cut is
// not lost. Both must be of the same details; where these have changed,
// [Set.LostDetails] tells what was lost from what was left out.
//
// Tags are lost in the same way; see [LostTags].
func LostDetails(before, after []v1alpha1.ArtifactEntry) []string {
	all := Set{}
	for _, s := range sublisted {
		all[s.detail] = struct{}{}
	}
	return all.LostDetails(before, after)
}

// LostDetails is as the function of that name, for the details in the set only.
func (s Set) LostDetails(before, after []v1alpha1.ArtifactEntry) []string {
	return lost(before, after, func(b, a *v1alpha1.ArtifactEntry) bool {
		for _, d := range sublisted {
			if s.Has(d.detail) && d.shown(b) && !d.shown(a) && !slices.Contains(a.Truncated, d.field) {
				return true
			}
		}
		return false
	})
}

// LostTags returns the digests of entries, in the order of after, that are in
// both, had tags before and have none now. Harbor's listing of an artifact's tags,
// unlike its listing of artifacts, fails where they cannot be read.
func LostTags(before, after []v1alpha1.ArtifactEntry) []string {
	return lost(before, after, func(b, a *v1alpha1.ArtifactEntry) bool {
		return len(b.Tags) > 0 && len(a.Tags) == 0 && !slices.Contains(a.Truncated, "tags")
	})
}

func lost(before, after []v1alpha1.ArtifactEntry, has func(b, a *v1alpha1.ArtifactEntry) bool) []string {
	known := make(map[string]*v1alpha1.ArtifactEntry, len(before))
	for i := range before {
		known[before[i].Digest] = &before[i]
	}
	var digests []string
	for i := range after {
		if b, ok := known[after[i].Digest]; ok && has(b, &after[i]) {
			digests = append(digests, after[i].Digest)
		}
	}
	return digests
}
