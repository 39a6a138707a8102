// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// find counts a repository if it is selected.
func (r *run) find(repository harbor.Repository) bool {
	r.sightings.repository(repository.Name)
	if !r.req.Selection.Repository(repository.Name) {
		return false
	}
	project, _, _ := harbor.SplitRepository(repository.Name)
	r.mu.Lock()
	r.report.Repositories++
	r.chosen[project] = true
	r.mu.Unlock()
	if r.req.Known != nil && r.req.Known(repository) {
		r.mu.Lock()
		r.report.Known++
		r.mu.Unlock()
		return false
	}
	r.sink.Found(1)
	return true
}

// begin queues a repository, the largest first. Thousands may wait, so there is
// little of each until its turn comes.
func (r *run) begin(repository harbor.Repository) {
	r.queue.addHeavy(beginRepository, repository.ArtifactCount, func(ctx context.Context) { r.newListing(repository).begin(ctx) })
}

// findOnly starts with the repositories that the request names, in its order.
func (r *run) findOnly() {
	seen := map[string]bool{}
	for _, full := range r.req.Only {
		if !seen[full] && r.req.Selection.Repository(full) {
			seen[full] = true
			r.queue.add(beginRepository, func(ctx context.Context) { r.askFor(ctx, full) })
		}
	}
}

// askFor asks by name for a repository: one that entries are held of and that
// its project's listing lacked, or one of Request.Only.
func (r *run) askFor(ctx context.Context, full string) {
	repository, gone, err := r.repositoryGone(ctx, full)
	switch {
	case err != nil:
		r.failRepository(ctx, full, err)
	case gone:
		r.gone(full)
	case r.find(repository):
		r.begin(repository)
	}
}

// readRepository reads a repository by its name.
func (r *run) readRepository(ctx context.Context, full string) (harbor.Repository, error) {
	return permitted(func() (harbor.Repository, error) { return r.client.Repository(ctx, full) })
}

// repositoryGone tells whether a repository is gone: 404 by name, twice, while
// its project can be read, or with its project. Otherwise it returns the
// repository as it is now.
func (r *run) repositoryGone(ctx context.Context, full string) (repository harbor.Repository, gone bool, err error) {
	for range 2 {
		if repository, err = r.readRepository(ctx, full); !errors.Is(err, harbor.ErrNotFound) {
			break
		}
	}
	if err == nil || !refused(err) {
		return repository, false, err
	}
	project, _, _ := harbor.SplitRepository(full)
	if errors.Is(err, harbor.ErrNotFound) {
		_, err = permitted(func() (harbor.Project, error) { return r.client.Project(ctx, project) })
		if err == nil || !refused(err) {
			return harbor.Repository{}, err == nil, err
		}
	}
	exists, err := r.projectExists(ctx, project)
	if err == nil && exists {
		err = hidden(project)
	}
	return harbor.Repository{}, err == nil, err
}
