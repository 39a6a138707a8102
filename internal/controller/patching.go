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
	return ok && was.Read.ID != 0 && !h.named.any() &&
		equality.Semantic.DeepEqual(o.inv.Spec.Artifacts, v1alpha1.ArtifactFilter{}) &&
		o.plan.selection.Repository(h.repository) && o.intact(o.standing[h.repository], was)
}

// patch reads the artifacts of a hint and brings them into the lists. It tells
// whether that is all there is to do. The repository is read as a whole with the
// next sync, for something else may have changed that nobody told of.
//
//  1. Leave out what was deleted and no list shows: its deletion was told of twice,
//     or it is an accessory, or nobody has told of its push.
//  2. Ask Harbor, if that takes less than to read all.
//  3. Leave it to who has written the lists since then, and may know more.
//  4. Write the lists that change.
func (o *listOutput) patch(ctx context.Context, h *hint) (done bool) {
	was, _ := o.known.of(h.repository)
	live, held, ok := o.hold(ctx, h.repository, was)
	if !ok {
		return false
	}
	// 1.
	asked := inventory.Asked{Pushed: h.named.pushed, Deleted: inventory.Shown(held, h.named.deleted)}
	if len(asked.Pushed)+len(asked.Deleted) == 0 {
		o.known.distrust(h.repository)
		return true
	}
	// 2.
	question := fetch.Named{
		Repository: h.repository, ID: was.Read.ID, Digests: asked.Digests(), Witness: inventory.Witness(held, asked),
		Listed: inventory.Expected(held, asked), Details: o.plan.ask,
	}
	if !question.Spares() {
		return false
	}
	began := o.r.now()
	answer, err := question.Read(ctx, o.plan.client)
	if err != nil || slices.ContainsFunc(answer.Artifacts, func(a harbor.Artifact) bool { return a.Children > 0 }) { // an index hides its children
		return false
	}
	unlock, err := o.known.lock(ctx, h.repository)
	if err != nil {
		return false
	}
	defer unlock()
	// 3.
	is, ok := o.known.of(h.repository)
	if is.Began.After(began) {
		return true // a sync has read all of it meanwhile
	}
	if ok = ok && is.Read.ID == was.Read.ID && !is.written.After(began); ok && is.hash != was.hash { // details were looked up
		live, held, ok = o.hold(ctx, h.repository, is)
	}
	if !ok {
		return false
	}
	// 4.
	now, ok := o.bringNamed(ctx, h.repository, patch{live: live, held: held, asked: asked, answer: answer}, is)
	if !ok || now.hash == is.hash {
		return ok
	}
	now.written = o.r.now()
	o.known.remember(h.repository, now)
	return true
}

// hold reads the lists of a repository as they are, and returns their entries too;
// false if they are not as they were written.
func (o *listOutput) hold(ctx context.Context, repository string, was remembered) (live []v1alpha1.ArtifactList, held []v1alpha1.ArtifactEntry, ok bool) {
	live, err := o.search(ctx, repository)
	if err != nil {
		return nil, nil, false
	}
	for i := range live {
		held = append(held, live[i].Artifacts...)
	}
	return live, held, len(live) == was.lists && shard.HashEntries(held) == was.hash
}

// patch is what Harbor answered about some of the artifacts of lists.
type patch struct {
	live   []v1alpha1.ArtifactList
	held   []v1alpha1.ArtifactEntry // in them
	asked  inventory.Asked
	answer fetch.Answer
}

// bringNamed writes the lists that change. An error leaves them to be read and
// written as a whole.
func (o *listOutput) bringNamed(ctx context.Context, repository string, p patch, was remembered) (now remembered, ok bool) {
	artifacts := p.answer.Artifacts
	read := o.plan.entries(artifacts)
	inventory.Carry(read, p.held, o.plan.overviews)
	if err := o.confirm(ctx, repository, p.live, artifacts, read); err != nil {
		return now, false
	}
	entries, ok := inventory.Patch(p.held, p.asked, read, p.answer.Complete)
	if !ok {
		return now, false
	}
	artifact, pushed := newestPush(artifacts)
	o.known.notePush(artifact)
	if pushed.Before(was.pushed) {
		pushed = was.pushed
	}
	now = remembered{
		Record: current.Record{Read: noListing(was.Read.ID), Began: was.Began},
		pushed: pushed, oldest: was.oldest, totals: inventory.TotalsOf(entries, o.plan.overviews),
	}
	var err error
	if now.lists, now.hash, err = o.place(ctx, repository, entries, p.live); err != nil {
		o.known.doubt(repository)
		return now, false
	}
	return now, true
}
