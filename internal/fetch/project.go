// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// project is the reading of one project.
//
//  1. Read the first page of its repositories. If that is all, it is the state of
//     one instant.
//  2. Read the other pages side by side by offset: that tells at once most of what
//     there is to do.
//  3. Divide the repositories in tiles and queue these; see planTiles.
//  4. Read the repositories of several pages once more, tile by tile, in windows
//     of ids: what a deletion shifted past a page is found now. That is done
//     beside the reading of artifacts. For a wide tile it is the second half of
//     a seqlock, too; see wide.
//  5. Ask by name for those that the caller holds and that were in neither.
type project struct {
	run  *run
	name string
	rows rows[harbor.Repository]

	cuts   []int64 // between repositories that were listed
	again  bool    // all tiles have to be read again
	mu     sync.Mutex
	seen   map[string]bool
	failed error // why repositories may be missing
	left   int   // tiles that were not read again yet
}

func repositoryID(r *harbor.Repository) int64 { return r.ID }

// newProject begins with a project that exists.
func (r *run) newProject(name string) *project {
	r.sightings.project(name)
	r.mu.Lock()
	r.report.Projects++
	r.mu.Unlock()
	p := &project{run: r, name: name, seen: map[string]bool{}}
	p.rows = rows[harbor.Repository]{
		queue: r.queue, size: pageSize, id: repositoryID,
		read: func(ctx context.Context, o harbor.PageOptions) (harbor.Page[harbor.Repository], error) {
			return permitted(func() (harbor.Page[harbor.Repository], error) { return r.client.RepositoriesPage(ctx, name, o) })
		},
	}
	return p
}

// listProject reads a project that exists.
func (r *run) listProject(ctx context.Context, entry harbor.Project) {
	p := r.newProject(entry.Name)
	if r.req.Known != nil {
		p.sweep(ctx, entry.RepoCount)
		return
	}
	// 1.
	first, err := p.rows.page(ctx, harbor.PageOptions{})
	if err != nil {
		r.projectUnread(ctx, p.name, err)
		return
	}
	r.unanswered.Store(0)
	if first.Last {
		p.listed(ctx, first.Items, true)
		return
	}
	// 2.
	p.rows.pages(ctx, listPage, first, func(ctx context.Context, repositories []harbor.Repository, _ bool, err error) {
		if err != nil {
			p.failed = err
		}
		p.listed(ctx, repositories, false)
	})
}

// listed queues what was found. Whole tells that it is all that there was at one
// instant.
func (p *project) listed(ctx context.Context, repositories []harbor.Repository, whole bool) {
	// 3.
	repositories = newest(repositories)
	selected := map[string]bool{}
	for _, repository := range repositories {
		selected[repository.Name] = p.find(repository)
	}
	wanted := func(full string) bool { return selected[full] }
	tiles := planTiles(repositories, wanted, p.run.pageSize(), p.run.widePossible())
	p.cuts = p.rows.cuts(repositories)
	p.again = !whole && p.failed == nil
	p.left = len(tiles)
	for _, t := range tiles {
		if t.wide {
			p.run.newWide(p, t).queue()
			continue
		}
		for _, repository := range t.repositories {
			p.run.begin(repository)
		}
		p.readAgainIfNeeded(t)
	}
	if !p.again {
		p.end(ctx)
	}
}

// newest sorts repositories by id and keeps of each name the newest: one that
// was made again meanwhile comes twice.
func newest(repositories []harbor.Repository) []harbor.Repository {
	slices.SortFunc(repositories, func(a, b harbor.Repository) int { return cmp.Compare(a.ID, b.ID) })
	ids := map[string]int64{}
	for _, r := range repositories {
		ids[r.Name] = r.ID
	}
	repositories = slices.DeleteFunc(repositories, func(r harbor.Repository) bool { return ids[r.Name] != r.ID })
	return slices.CompactFunc(repositories, func(a, b harbor.Repository) bool { return a.ID == b.ID })
}

// find tells whether a repository is wanted that was not seen before.
func (p *project) find(repository harbor.Repository) bool {
	p.mu.Lock()
	seen := p.seen[repository.Name]
	p.seen[repository.Name] = true
	p.mu.Unlock()
	return !seen && p.run.find(repository)
}

// readAgain reads the repositories of a tile once more, queues those that were
// not seen before, and hands on all.
func (p *project) readAgain(t tile, then func(context.Context, []harbor.Repository, error)) {
	// 4.
	p.rows.windows(finish, t.first, t.last, p.cuts, func(ctx context.Context, repositories []harbor.Repository, err error) {
		repositories = newest(repositories)
		for _, repository := range repositories {
			if p.find(repository) {
				p.run.begin(repository)
			}
		}
		then(ctx, repositories, err)
		p.tileRead(ctx, err)
	})
}

// readAgainIfNeeded does so for what may have been missed.
func (p *project) readAgainIfNeeded(t tile) {
	if p.again {
		p.readAgain(t, func(context.Context, []harbor.Repository, error) {})
	}
}

// tileRead notes that the repositories of a tile were read again.
func (p *project) tileRead(ctx context.Context, err error) {
	if !p.again {
		return
	}
	p.mu.Lock()
	p.failed = cmp.Or(p.failed, err)
	p.left--
	last := p.left == 0
	p.mu.Unlock()
	if last {
		p.end(ctx)
	}
}

// end asks about the held repositories that were not seen.
func (p *project) end(ctx context.Context) {
	if p.failed != nil {
		p.run.projectUnread(ctx, p.name, p.failed)
		return
	}
	// 5.
	for _, full := range p.run.held[p.name] {
		p.mu.Lock()
		seen := p.seen[full]
		p.seen[full] = true
		p.mu.Unlock()
		if !seen {
			p.run.queue.add(beginRepository, func(ctx context.Context) { p.run.askFor(ctx, full) })
		}
	}
}
