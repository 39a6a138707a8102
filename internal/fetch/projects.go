// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// findProjects starts with the projects: those named are read one by one,
// which a project robot may do too; patterns need a listing.
func (r *run) findProjects(ctx context.Context) {
	named, all := r.req.Selection.NamedProjects()
	if r.req.Known != nil && !all {
		r.sweep(ctx, named)
		return
	}
	known := map[string]bool{}
	for _, name := range named {
		known[name] = true
		r.queue.add(listRepositories, func(ctx context.Context) { r.readProject(ctx, name) })
	}
	if all {
		return // every held repository that is selected is in one of these
	}
	err := r.listProjects(ctx, func(projects []harbor.Project) {
		for _, p := range projects {
			// One that was made again meanwhile is listed twice.
			if known[p.Name] || !r.req.Selection.Project(p.Name) {
				continue
			}
			known[p.Name] = true
			r.seen(p)
			r.queue.add(listRepositories, func(ctx context.Context) { r.listProject(ctx, p) })
		}
	})
	r.projectsListed(ctx, known, err)
}

// projectsListed looks after the projects that were not in the listing; known
// are those that were, and those selected by name.
func (r *run) projectsListed(ctx context.Context, known map[string]bool, err error) {
	switch {
	case errors.Is(err, ErrAuthenticationFailed):
		r.stop(err)
	case err != nil:
		r.failProject(ctx, "", fmt.Errorf("the projects could not be listed: %w", err))
	default:
		r.probeHeld(known)
	}
}

// publicListings is how often a listing that shows public projects only must
// come out the same, each followed by an answer to a caller that Harbor knew,
// before it is believed: Harbor gives anonymous callers just that, and makes a
// request anonymous when its database does not answer. If it does so to a part p
// of the requests, such a row misleads with a chance of (p(1-p))^8, below 1:65000.
const publicListings = 8

// projectListings bounds how often the list of projects is read until it is believed.
const projectListings = 3 * publicListings

// listProjects reads all projects that the credentials see. Each page is handed
// to found as it comes: what Harbor shows is there. What it does not show is
// believed not to be there when listProjects returns without an error.
//
// | caller        | rows = X-Total-Count | a private project shown, or | believed                       |
// |               |                      | the same as Request.Listed  |                                |
// |---------------|----------------------|-----------------------------|--------------------------------|
// | anonymous     | yes                  | -                           | at once                        |
// | authenticated | yes                  | yes                         | at once                        |
// | authenticated | yes                  | no                          | after publicListings in a row  |
// | any           | no                   | -                           | never: read again              |
func (r *run) listProjects(ctx context.Context, found func([]harbor.Project)) error {
	var previous []int64
	alike := 0
	for range projectListings {
		ids, private, consistent, err := r.readProjects(ctx, found)
		if err != nil {
			return err
		}
		if !consistent {
			alike = 0
			continue
		}
		if r.client.Anonymous() || private || r.likeBefore(ids) {
			r.listed(ids)
			return nil
		}
		if !slices.Equal(ids, previous) {
			alike = 0
		}
		previous = ids
		alike++
		_, known, err := authenticated(ctx, r.client)
		switch {
		case err != nil:
			return err
		case known && alike == publicListings:
			r.listed(ids)
			return nil
		case known:
			continue
		}
		alike = 0
		if _, err := authenticate(ctx, r.client); err != nil {
			return err
		}
	}
	return errPartial
}

// likeBefore tells whether these are the projects of an earlier run.
func (r *run) likeBefore(ids []int64) bool {
	return len(ids) > 0 && slices.Equal(ids, r.req.Listed)
}

func (r *run) listed(ids []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Listed = ids
}

// readProjects reads the list once, by key: each page brings work for more
// connections than there are, long before the next one is needed. It is
// consistent when the first page's total is what came. A full page is the last
// one only if the total promises no more and all is as it was.
func (r *run) readProjects(ctx context.Context, found func([]harbor.Project)) (ids []int64, private, consistent bool, err error) {
	total := -1
	var from int64
	for {
		page, err := r.client.ProjectsPage(ctx, harbor.PageOptions{FromID: from})
		if err != nil {
			return nil, false, false, err
		}
		if from == 0 {
			total = page.Total
		}
		found(page.Items)
		for _, p := range page.Items {
			ids = append(ids, p.ID)
			private = private || !p.Public
		}
		if page.Last || len(page.Items) == page.Total && r.likeBefore(ids) {
			return ids, private, len(ids) == total, nil
		}
		from = page.Items[len(page.Items)-1].ID + 1
	}
}

// readProject reads a project by its name, then its repositories.
func (r *run) readProject(ctx context.Context, name string) {
	project, err := permitted(func() (harbor.Project, error) { return r.client.Project(ctx, name) })
	if err != nil {
		r.projectUnread(ctx, name, err)
		return
	}
	r.seen(project)
	r.listProject(ctx, project)
}

func (r *run) seen(p harbor.Project) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Seen = append(r.report.Seen, p)
}

// projectUnread finds out why a project could not be read. Harbor tells a robot
// 403 for a missing project and for a forbidden one; the probe tells them apart.
func (r *run) projectUnread(ctx context.Context, name string, err error) {
	switch {
	case r.client.Anonymous() && errors.Is(err, harbor.ErrUnauthorized):
		r.failProject(ctx, name, untellable(name))
		return
	case !refused(err):
		r.failProject(ctx, name, err)
		return
	}
	exists, probeErr := r.projectExists(ctx, name)
	switch {
	case probeErr != nil:
		r.failProject(ctx, name, probeErr)
	case exists:
		r.failProject(ctx, name, hidden(name))
	default:
		r.gone(r.held[name]...)
	}
}

// projectExists asks the one endpoint that tells every authenticated caller; a
// "no" is asked for twice.
func (r *run) projectExists(ctx context.Context, name string) (bool, error) {
	for range 2 {
		exists, err := r.client.ProjectExists(ctx, name)
		if err != nil || exists {
			return exists, err
		}
	}
	return false, nil
}

// probeHeld asks about the projects that entries are held of and that are not
// among those known. One that exists all the same is out of the credentials' sight.
func (r *run) probeHeld(known map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(r.held)) {
		if !known[name] {
			r.queue.add(listRepositories, func(ctx context.Context) { r.readProject(ctx, name) })
		}
	}
}
