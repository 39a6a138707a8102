// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// A sync reads artifacts without the overviews that are looked up between the
// syncs. What the lists show of these is carried over, by digest.

// before returns the entries that the lists of a repository show, where there is
// something to carry over. A list that somebody else has edited tells nothing.
func (o *listOutput) before(ctx context.Context, repository string, search bool) (entries []v1alpha1.ArtifactEntry, err error) {
	if len(o.plan.overviews) == 0 {
		return nil, nil
	}
	find := o.read
	if search {
		find = o.search
	}
	live, err := find(ctx, repository)
	entries, _ = trusted(live)
	return entries, err
}

// trusted returns the entries of the lists that nobody else has edited, and
// whether these are all.
func trusted(live []v1alpha1.ArtifactList) (entries []v1alpha1.ArtifactEntry, all bool) {
	all = true
	for i := range live {
		hash, err := shard.ParseHash(live[i].Annotations[v1alpha1.AnnotationContentHash])
		if err != nil || hash != shard.HashEntries(live[i].Artifacts) {
			all = false
			continue
		}
		entries = append(entries, live[i].Artifacts...)
	}
	return entries, all
}

// choose applies the filter. Where that looks at scans, they are those that the
// lists show, or that were looked up of artifacts that no list shows; and what
// stays outside is kept in mind.
func (o *listOutput) choose(repository fetch.Repository, before []v1alpha1.ArtifactEntry) []harbor.Artifact {
	filter := o.plan.filter
	if !filter.NeedsScans() || len(o.plan.overviews) == 0 {
		return filter.Apply(repository.Artifacts)
	}
	known := o.known.unseenOf(repository.Name)
	for i := range before {
		if v := before[i].Vulnerabilities; v != nil {
			known[before[i].Digest] = inventory.ScanOf(v)
		}
	}
	for i := range repository.Artifacts {
		repository.Artifacts[i].Scan = known[repository.Artifacts[i].Digest]
	}
	kept := filter.Apply(repository.Artifacts)
	unseen := map[string]*harbor.ScanOverview{}
	for _, a := range filter.Candidates(repository.Artifacts, kept) {
		unseen[a.Digest] = a.Scan
	}
	o.known.setUnseen(repository.Name, unseen)
	return kept
}
