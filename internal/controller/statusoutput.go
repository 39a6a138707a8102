// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// maxStatusBytes bounds the entries in a status, so that the whole object stays
// well below the 1.5 MiB that etcd takes.
const maxStatusBytes = 768 << 10

// statusOutput collects the entries for status.artifactEntries. Lists that an
// earlier spec left behind are removed.
type statusOutput struct {
	plan  *plan
	lists *listOutput

	mu       sync.Mutex
	entries  map[string][]v1alpha1.ArtifactEntry
	number   int
	bytes    int
	overflow bool
}

func newStatusOutput(inv *v1alpha1.HarborInventory, p *plan, lists *listOutput) *statusOutput {
	o := &statusOutput{plan: p, lists: lists, entries: map[string][]v1alpha1.ArtifactEntry{}}
	for _, e := range inv.Status.ArtifactEntries {
		o.entries[e.Repository] = append(o.entries[e.Repository], e.ArtifactEntry)
	}
	return o
}

func (o *statusOutput) held() []string { return slices.Sorted(maps.Keys(o.entries)) }

func (o *statusOutput) write(_ context.Context, repository fetch.Repository) error {
	entries := o.plan.entries(o.plan.filter.Apply(repository.Artifacts))
	for i := range entries {
		inventory.Answered(&entries[i], o.plan.details)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.number += len(entries)
	o.overflow = o.overflow || o.number > v1alpha1.MaxStatusArtifacts
	if o.overflow {
		delete(o.entries, repository.Name) // they will not be shown, and need no memory
		return nil
	}
	o.entries[repository.Name] = entries
	return nil
}

func (o *statusOutput) forget(_ context.Context, repositories []string) []fetch.Failure {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range repositories {
		delete(o.entries, name)
	}
	return nil
}

func (o *statusOutput) finish(ctx context.Context, _ []string, into *result) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	overviews := inventory.Overviews(o.plan.details)
	var sum numbers
	for _, name := range slices.Sorted(maps.Keys(o.entries)) {
		sum.add(name, inventory.TotalsOf(o.entries[name], overviews))
		for _, e := range o.entries[name] {
			into.entries = append(into.entries, v1alpha1.RepositoryArtifact{Repository: name, ArtifactEntry: e})
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			o.bytes += len(text) + len(name)
		}
	}
	into.is(sum)
	switch {
	case o.overflow, len(into.entries) > v1alpha1.MaxStatusArtifacts:
		into.stall = &stallError{reason: v1alpha1.ReasonTooManyArtifacts, message: fmt.Sprintf(
			"the selection holds %d artifacts, and output.mode Status takes %d at most: set output.mode to ArtifactLists, or select less",
			max(o.number, len(into.entries)), v1alpha1.MaxStatusArtifacts)}
	case o.bytes > maxStatusBytes:
		into.stall = &stallError{reason: v1alpha1.ReasonTooManyArtifacts, message: fmt.Sprintf(
			"the selected artifacts take %d KiB, and output.mode Status takes %d KiB at most: set output.mode to ArtifactLists, or select or include less",
			o.bytes>>10, maxStatusBytes>>10)}
	}
	if into.stall != nil || into.err != nil {
		return nil
	}
	// Now that the status has everything, lists of an earlier mode can go.
	into.report.Failures = append(into.report.Failures, o.lists.forget(ctx, o.lists.held())...)
	return nil
}
