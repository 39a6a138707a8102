// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// A sweep is a run with Request.Known: it lists what there is, and reads little.
// Nothing waits for a listing but that little, so pages are read one after the
// other by key, each once, which is the fewest requests:
//
//  1. List the projects. Those that are selected by name and not shown are read
//     by name, as the listing proves no absence.
//  2. Decide how to list their repositories; see worthTogether.
//  3. List those of all projects at once, GET /repositories, and give each project
//     its own, if there are as many as its entry in 1. counts.
//  4. List each other project by itself. That are those of which repositories came
//     or went meanwhile, and those that are in 1. and not in 3.: Harbor knows no CLI
//     secret of OIDC users in 3., and answers what it gives anonymous callers.
//
// What is there throughout is in the listing by key, whatever others do; what it
// lacks and the caller holds is asked for by name.
func (r *run) sweep(ctx context.Context, named []string) {
	// 1.
	shown := map[string]harbor.Project{}
	err := r.listProjects(ctx, func(projects []harbor.Project) {
		for _, p := range projects {
			shown[p.Name] = p
		}
	})
	known := map[string]bool{}
	for _, name := range named {
		known[name] = true
		if _, ok := shown[name]; !ok {
			r.queue.add(listRepositories, func(ctx context.Context) { r.readProject(ctx, name) })
		}
	}
	var selected []harbor.Project
	repositories := 0
	for _, p := range shown {
		repositories += p.RepoCount
		if r.req.Selection.Project(p.Name) {
			known[p.Name] = true
			r.seen(p)
			selected = append(selected, p)
		}
	}
	slices.SortFunc(selected, func(a, b harbor.Project) int { return cmp.Compare(a.ID, b.ID) })
	// 2.
	if err == nil && !r.req.ByProject && worthTogether(selected, repositories, pageSize) {
		r.queue.add(listRepositories, func(ctx context.Context) { r.listTogether(ctx, selected, repositories) })
	} else {
		r.listApart(selected)
	}
	r.projectsListed(ctx, known, err)
}

// worthTogether tells whether listing the repositories of all projects that
// Harbor shows takes fewer requests than those of each selected project by itself.
//
//	together: ceil(repositories of all projects / page), 1 at least
//	apart:    the same for each selected project
func worthTogether(selected []harbor.Project, repositories, pageSize int) bool {
	apart := 0
	for _, p := range selected {
		apart += max(1, pages(p.RepoCount, pageSize))
	}
	return max(1, pages(repositories, pageSize)) < apart
}

// listTogether lists the repositories of all projects; there should be so many.
func (r *run) listTogether(ctx context.Context, selected []harbor.Project, repositories int) {
	// 3.
	all := rows[harbor.Repository]{
		size: pageSize, id: repositoryID,
		read: func(ctx context.Context, o harbor.PageOptions) (harbor.Page[harbor.Repository], error) {
			return permitted(func() (harbor.Page[harbor.Repository], error) { return r.client.AllRepositoriesPage(ctx, o) })
		},
	}
	listed, err := all.byKey(ctx, func(items []harbor.Repository) bool { return len(items) == repositories })
	if err != nil {
		r.count(0, len(selected))
		r.listApart(selected)
		return
	}
	r.unanswered.Store(0)
	of := map[string][]harbor.Repository{}
	for _, repository := range newest(listed) {
		name, _, _ := harbor.SplitRepository(repository.Name)
		of[name] = append(of[name], repository)
	}
	var apart []harbor.Project
	for _, p := range selected {
		if mine := of[p.Name]; len(mine) == p.RepoCount {
			r.newProject(p.Name).listed(ctx, mine, true)
		} else {
			apart = append(apart, p)
		}
	}
	// 4.
	r.count(len(selected)-len(apart), len(apart))
	r.listApart(apart)
}

// count notes what became of the listing of all projects.
func (r *run) count(together, apart int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Together, r.report.Apart = together, apart
}

func (r *run) listApart(projects []harbor.Project) {
	for _, p := range projects {
		r.queue.add(listRepositories, func(ctx context.Context) { r.listProject(ctx, p) })
	}
}

// sweep lists the project's repositories; its entry counts so many.
func (p *project) sweep(ctx context.Context, repositories int) {
	listed, err := p.rows.byKey(ctx, func(items []harbor.Repository) bool { return len(items) == repositories })
	if err != nil {
		p.run.projectUnread(ctx, p.name, err)
		return
	}
	p.run.unanswered.Store(0)
	p.listed(ctx, listed, true)
}
