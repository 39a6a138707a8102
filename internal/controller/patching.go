// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// patchAll brings those artifacts into the lists that hints name, without reading
// their repositories. It returns the hints for which that cannot be done.
func (o *listOutput) patchAll(ctx context.Context, taken []hint) (left []hint) {
	done := make([]bool, len(taken))
	var group errgroup.Group
	group.SetLimit(o.r.options.Writers)
	for i := range taken {
		if o.patchable(&taken[i]) {
			group.Go(func() error { done[i] = o.patch(ctx, &taken[i]); return nil })
		}
	}
	_ = group.Wait() // its functions return no error
	for i := range taken {
		if !done[i] {
			left = append(left, taken[i])
		}
	}
	return left
}

// patchable tells whether the artifacts of a hint may be read alone: it names
// them, the spec shows all that Harbor lists, and the lists of the repository are
// as they were written.
func (o *listOutput) patchable(h *hint) bool {
	was, ok := o.known.of(h.repository)
	return ok && was.Read.ID != 0 && len(h.digests) > 0 &&
		equality.Semantic.DeepEqual(o.inv.Spec.Artifacts, v1alpha1.ArtifactFilter{}) &&
		o.plan.selection.Repository(h.repository) && o.intact(o.standing[h.repository], was)
}

// patch reads the artifacts of a hint and brings them into the lists. It tells
// whether that is all there is to do. The repository is read as a whole with the
// next sync, for something else may have changed that nobody told of.
func (o *listOutput) patch(ctx context.Context, h *hint) (done bool) {
	began := o.r.now()
	artifacts, err := fetch.Named(ctx, o.plan.client, h.repository, h.digests, o.plan.ask)
	if err != nil {
		return false
	}
	unlock, err := o.known.lock(ctx, h.repository)
	if err != nil {
		return false
	}
	defer unlock()
	was, ok := o.known.of(h.repository)
	if !ok || slices.ContainsFunc(artifacts, func(a harbor.Artifact) bool {
		return a.RepositoryID != was.Read.ID || a.Children > 0 // an index hides its children
	}) {
		return false
	}
	if was.Began.After(began) {
		return true // a sync has read all of it meanwhile
	}
	now, ok := o.bringNamed(ctx, h, artifacts, was)
	if !ok || now.hash == was.hash {
		return ok
	}
	now.patched, now.written = began, o.r.now()
	o.known.remember(h.repository, now)
	return true
}

// bringNamed writes the lists that change. An error leaves them to be read and
// written as a whole.
func (o *listOutput) bringNamed(ctx context.Context, h *hint, artifacts []harbor.Artifact, was remembered) (now remembered, ok bool) {
	live, err := o.search(ctx, h.repository)
	if err != nil {
		return now, false
	}
	var held []v1alpha1.ArtifactEntry
	for i := range live {
		held = append(held, live[i].Artifacts...)
	}
	if len(live) != was.lists || shard.HashEntries(held) != was.hash {
		return now, false
	}
	read := o.plan.entries(artifacts)
	inventory.Carry(read, held, o.plan.overviews)
	if err := o.confirm(ctx, h.repository, live, artifacts, read); err != nil {
		return now, false
	}
	entries, ok := inventory.Patch(held, h.digests, read)
	if !ok {
		return now, false
	}
	artifact, pushed := newestPush(artifacts)
	o.known.notePush(artifact)
	if pushed.Before(was.pushed) {
		pushed = was.pushed
	}
	now = remembered{
		// A stamp that no listing equals: the repository is read with the next one.
		Record: current.Record{Read: current.Stamp{ID: was.Read.ID, Artifacts: -1}, Began: was.Began},
		pushed: pushed, oldest: was.oldest, totals: inventory.TotalsOf(entries, o.plan.overviews),
	}
	if now.lists, now.hash, err = o.place(ctx, h.repository, entries, live); err != nil {
		o.known.doubt(h.repository)
		return now, false
	}
	return now, true
}
