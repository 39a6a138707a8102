// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// listProject lists the repositories of a project, page by page by key, and
// queues those that are selected as they come.
func (r *run) listProject(ctx context.Context, project string) {
	r.sightings.project(project)
	r.mu.Lock()
	r.report.Projects++
	r.mu.Unlock()

	r.listRepositoriesFrom(ctx, project, 0, names{})
}

// listRepositoriesFrom reads the repositories of a project from an id on. A page
// waits until no repository waits that an earlier one named: so few are in
// memory, however many there are.
func (r *run) listRepositoriesFrom(ctx context.Context, project string, from int64, seen names) {
	page, err := permitted(func() (harbor.Page[harbor.Repository], error) {
		return r.client.RepositoriesPage(ctx, project, harbor.PageOptions{FromID: from})
	})
	if err != nil {
		r.projectUnread(ctx, project, err)
		return
	}
	r.unanswered.Store(0)
	for _, repository := range page.Items {
		// One that was made again meanwhile comes twice, with a new id.
		if seen.add(repository.Name) {
			r.foundRepository(repository)
		}
	}
	if !page.Last {
		next := page.Items[len(page.Items)-1].ID + 1
		r.queue.add(listRepositories, func(ctx context.Context) { r.listRepositoriesFrom(ctx, project, next, seen) })
		return
	}
	for _, full := range r.held[project] {
		if !seen.has(full) {
			r.queue.add(beginRepository, func(ctx context.Context) { r.askFor(ctx, full) })
		}
	}
}

// names is a set of names. It holds hashes, of which no two different names are
// known to share one: of a large registry the names themselves would be most of
// what is in memory.
type names map[[16]byte]struct{}

func hashOf(name string) [16]byte {
	sum := sha256.Sum256([]byte(name))
	return [16]byte(sum[:16])
}

func (n names) has(name string) bool {
	_, ok := n[hashOf(name)]
	return ok
}

// add tells whether the name is new.
func (n names) add(name string) bool {
	if n.has(name) {
		return false
	}
	n[hashOf(name)] = struct{}{}
	return true
}

// foundRepository queues a repository if it is selected.
func (r *run) foundRepository(repository harbor.Repository) {
	r.sightings.repository(repository.Name)
	if !r.req.Selection.Repository(repository.Name) {
		return
	}
	r.mu.Lock()
	r.report.Repositories++
	r.mu.Unlock()
	if r.req.Known != nil && r.req.Known(repository) {
		r.mu.Lock()
		r.report.Known++
		r.mu.Unlock()
		return
	}
	r.sink.Found(1)
	l := &listing{run: r, repository: repository, size: pageSize}
	r.queue.add(beginRepository, l.begin)
}

// findOnly starts with the repositories that the request names.
func (r *run) findOnly() {
	for _, full := range slices.Compact(slices.Sorted(slices.Values(r.req.Only))) {
		if r.req.Selection.Repository(full) {
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
	default:
		r.foundRepository(repository)
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
