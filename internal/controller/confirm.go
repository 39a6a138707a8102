// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// confirm asks Harbor about each artifact whose labels, accessories, scan or
// SBOM were there and are missing now: a listing may lack them by a failure of
// Harbor's own. What turns up is put into the entries.
func (o *listOutput) confirm(ctx context.Context, repository string, live []v1alpha1.ArtifactList, artifacts []harbor.Artifact, entries []v1alpha1.ArtifactEntry) error {
	var before []v1alpha1.ArtifactEntry
	for i := range live {
		for _, e := range live[i].Artifacts {
			before = append(before, o.plan.wanted(e))
		}
	}
	for _, digest := range inventory.LostDetails(before, entries) {
		i := slices.IndexFunc(artifacts, func(a harbor.Artifact) bool { return a.Digest == digest })
		if err := fetch.Confirm(ctx, o.plan.client, repository, &artifacts[i], o.plan.ask); err != nil {
			return fmt.Errorf("asking again for details of %s: %w", digest, err)
		}
		entries[i] = inventory.Entry(&artifacts[i], o.plan.details)
		known, _ := trusted(live)
		inventory.Carry(entries[i:i+1], known, o.plan.overviews)
	}
	return nil
}

// confirmLabels asks again about artifacts without any label that stand in a
// list, if the spec selects by label: they had labels, and would be dropped.
func (o *listOutput) confirmLabels(ctx context.Context, repository fetch.Repository) error {
	unlabeled := func(a harbor.Artifact) bool { return len(a.Labels) == 0 }
	if len(o.inv.Spec.Artifacts.Labels) == 0 || !slices.ContainsFunc(repository.Artifacts, unlabeled) {
		return nil
	}
	live, err := o.read(ctx, repository.Name)
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for i := range live {
		for _, e := range live[i].Artifacts {
			shown[e.Digest] = true
		}
	}
	for i := range repository.Artifacts {
		a := &repository.Artifacts[i]
		if !unlabeled(*a) || !shown[a.Digest] {
			continue
		}
		if err := fetch.Confirm(ctx, o.plan.client, repository.Name, a, o.plan.ask); err != nil {
			return fmt.Errorf("asking again for the labels of %s: %w", a.Digest, err)
		}
	}
	return nil
}

// wanted returns an entry without the details that the spec no longer asks for,
// and without those that are not read together with the artifact.
func (p *plan) wanted(e v1alpha1.ArtifactEntry) v1alpha1.ArtifactEntry {
	if !p.details.Has(v1alpha1.DetailLabels) {
		e.Labels = nil
	}
	if !p.details.Has(v1alpha1.DetailAccessories) {
		e.Accessories = nil
	}
	if !p.details.Has(v1alpha1.DetailVulnerabilities) || len(p.overviews) > 0 {
		e.Vulnerabilities = nil
	}
	if !p.details.Has(v1alpha1.DetailSBOM) || len(p.overviews) > 0 {
		e.SBOM = nil
	}
	return e
}
