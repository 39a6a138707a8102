// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"slices"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// wide is the reading of a tile's repositories by the listing of their project.
//
//  1. Read the first page of the artifacts in the tile's repositories, then the
//     others side by side by offset.
//  2. Ask which of them are without tags, by another query; see tags.go.
//  3. Read the repositories again: a seqlock for each of them.
//  4. Accept a repository that is as before, if as many artifacts came as it has:
//     it held the same ones all the time, so these are all, whatever others did
//     to the rows in between.
//  5. Read each other one by itself.
type wide struct {
	source
	project *project
	tile    tile
	began   time.Time
}

// widePossible tells whether tiles may be read by the project's listing. In
// trouble, every artifact that lacks labels or accessories has its repository
// read by itself: then that had better come first.
func (r *run) widePossible() bool {
	details := r.req.Details
	doubtful := r.client.Troubled() && (details.Labels || details.Accessories)
	return r.stamps && r.req.Query == "" && !doubtful && !r.noWide.Load()
}

func (r *run) newWide(p *project, t tile) *wide {
	chosen := harbor.RepositoryRange(t.repositories[0].ID, t.repositories[len(t.repositories)-1].ID)
	return &wide{project: p, tile: t, source: source{
		run: r, size: r.pageSize(),
		list: func(ctx context.Context, o harbor.ArtifactOptions) (harbor.Page[harbor.Artifact], error) {
			o.Query = joined(chosen, o.Query)
			return r.client.ProjectArtifactsPage(ctx, p.name, o)
		},
	}}
}

func (w *wide) queue() { w.run.queue.addHeavy(beginRepository, w.tile.artifacts, w.begin) }

func (w *wide) begin(ctx context.Context) {
	// 1.
	if w.run.noWide.Load() {
		w.narrow()
		return
	}
	w.began = time.Now()
	rows := w.wanted()
	first, err := rows.page(ctx, harbor.PageOptions{})
	if err != nil {
		w.refused(err)
		return
	}
	if first.Total > 2*w.tile.artifacts+tilePages*w.size { // these are no rows of this tile alone
		w.narrow()
		return
	}
	w.run.unanswered.Store(0)
	rows.pages(ctx, listPage, first, w.pagesRead)
}

func (w *wide) pagesRead(ctx context.Context, artifacts []harbor.Artifact, fit bool, err error) {
	if err != nil {
		w.refused(err)
		return
	}
	slices.SortFunc(artifacts, byID)
	artifacts = slices.CompactFunc(artifacts, func(a, b harbor.Artifact) bool { return a.ID == b.ID })
	first, last := w.tile.repositories[0].ID, w.tile.repositories[len(w.tile.repositories)-1].ID
	if slices.ContainsFunc(artifacts, func(a harbor.Artifact) bool { return a.RepositoryID < first || a.RepositoryID > last }) {
		w.run.noWide.Store(true) // Harbor ignores filters that it does not know
		w.narrow()
		return
	}
	// 2.
	w.untagged(ctx, artifacts, func(_ context.Context, doubted []*harbor.Artifact, err error) {
		if err != nil {
			w.narrow()
			return
		}
		doubtful := map[int64]bool{}
		for _, a := range doubted {
			doubtful[a.RepositoryID] = true
		}
		w.settle(artifacts, doubtful, fit)
	})
}

// untagged hands on the artifacts whose lack of tags is doubted.
func (w *wide) untagged(ctx context.Context, artifacts []harbor.Artifact, then func(context.Context, []*harbor.Artifact, error)) {
	if !w.run.req.Details.Tags {
		then(ctx, nil, nil)
		return
	}
	w.doubtedTags(ctx, artifacts, "", then)
}

// byRepository divides the artifacts, and adds to doubtful the repositories of
// which one may lack details.
func (w *wide) byRepository(artifacts []harbor.Artifact, doubtful map[int64]bool) map[int64][]harbor.Artifact {
	rows := make(map[int64][]harbor.Artifact, len(w.tile.repositories))
	for _, r := range w.tile.repositories {
		rows[r.ID] = make([]harbor.Artifact, 0, r.ArtifactCount)
	}
	troubled := w.run.client.Troubled()
	for i := range artifacts {
		id := artifacts[i].RepositoryID
		if mine, wanted := rows[id]; wanted {
			rows[id] = append(mine, artifacts[i])
		}
		doubtful[id] = doubtful[id] || troubled && w.run.lacksDetails(&artifacts[i])
	}
	return rows
}

// settle accepts what can be accepted. Complete tells that the pages fit together.
func (w *wide) settle(artifacts []harbor.Artifact, doubtful map[int64]bool, complete bool) {
	rows := w.byRepository(artifacts, doubtful)
	// 3.
	w.project.readAgain(w.tile, func(ctx context.Context, repositories []harbor.Repository, err error) {
		now := make(map[int64]harbor.Repository, len(repositories))
		for _, r := range repositories {
			now[r.ID] = r
		}
		for _, before := range w.tile.repositories {
			after, there := now[before.ID]
			mine := rows[before.ID]
			// 4.
			same := err == nil && there && sameState(before, after) && len(mine) == before.ArtifactCount
			if same && !doubtful[before.ID] && (len(mine) > 0 || w.empty(before, complete)) {
				w.run.emit(ctx, Repository{Before: before, Began: w.began, Artifacts: mine, Verified: true})
				continue
			}
			// 5.
			if there {
				before = after
			}
			w.run.begin(before)
		}
	})
}

// empty tells whether a repository without artifacts needs no further proof: in
// trouble, Harbor may have counted none where there are some.
func (w *wide) empty(r harbor.Repository, complete bool) bool {
	return complete && !w.run.client.Troubled() && !w.run.isHeld(r.Name)
}

// refused reads each repository by itself. A refusal is taken to be for good:
// Harbor does not let OIDC users use the listing of a project.
func (w *wide) refused(err error) {
	if reason := reasonOf(err); reason == ReasonForbidden || reason == ReasonUnauthorized {
		w.run.noWide.Store(true)
	}
	w.narrow()
}

// narrow reads each repository by itself.
func (w *wide) narrow() {
	for _, r := range w.tile.repositories {
		w.run.begin(r)
	}
	w.project.readAgainIfNeeded(w.tile)
}
