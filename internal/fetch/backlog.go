// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Bounds of what waits for the sink, in artifacts, so that a slow one does not
// stop the reading at once, and memory stays small. A repository counts for
// leastWeight artifacts or more, and for mostWeight or less: it is in memory
// already, and must not keep the others from passing.
const (
	maxBacklog  = 5000
	leastWeight = 50
	mostWeight  = 1000
)

// backlog holds repositories that were read and wait for the sink.
type backlog struct {
	room         *semaphore.Weighted
	repositories chan Repository // room for all that the semaphore lets in
}

func newBacklog() *backlog {
	return &backlog{room: semaphore.NewWeighted(maxBacklog), repositories: make(chan Repository, maxBacklog/leastWeight)}
}

func (b *backlog) weight(r Repository) int64 {
	return int64(min(max(len(r.Artifacts), leastWeight), mostWeight))
}

// emit hands a repository on. It waits while the backlog is full.
func (r *run) emit(ctx context.Context, repository Repository) {
	if !repository.Verified {
		r.mu.Lock()
		r.report.Unverified++
		r.mu.Unlock()
	}
	repository.Name = repository.Before.Name
	repository.Project, _, _ = harbor.SplitRepository(repository.Name)
	if r.backlog.room.Acquire(ctx, r.backlog.weight(repository)) == nil { // else the run ends
		r.backlog.repositories <- repository
	}
}

// startWriters calls the sink with what comes, until the backlog is closed.
func (r *run) startWriters(ctx context.Context) *errgroup.Group {
	var group errgroup.Group
	for range max(1, r.req.Writers) {
		group.Go(func() error {
			for repository := range r.backlog.repositories {
				r.write(ctx, repository)
				r.backlog.room.Release(r.backlog.weight(repository))
			}
			return nil
		})
	}
	return &group
}

func (r *run) write(ctx context.Context, repository Repository) {
	if ctx.Err() != nil {
		return // drain
	}
	if err := r.sink.Repository(ctx, repository); err != nil {
		r.fail(ctx, Failure{Project: repository.Project, Repository: repository.Name, Reason: ReasonWrite, Err: err})
	}
}
