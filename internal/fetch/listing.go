// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// listingTries bounds how often the listing of a repository starts over.
const listingTries = 4

// listing is the reading of one repository's artifacts.
//
//  1. Read the first page, sorted by id. If that is all, it is the state of one
//     instant: a page is one query of Harbor's.
//  2. Read the other pages, whose number the first one's total gives, side by
//     side by offset.
//  3. Accept them if they fit together without gap and the repository has not
//     changed since it was listed (update_time, artifact_count: a seqlock; the
//     time tells every change from Harbor 2.15.2 on).
//  4. Otherwise read again, side by side, in windows of ids; see rows. An older
//     Harbor's pages could never be accepted: windows follow the first.
//  5. Check what a listing can lack (see check.go) and hand it on.
type listing struct {
	source
	repository harbor.Repository // as it was read last
	before     harbor.Repository // as it was before the rows were read
	began      time.Time
	tries      int
}

func (r *run) newListing(repository harbor.Repository) *listing {
	return &listing{repository: repository, source: source{
		run: r, size: r.pageSize(), query: joined(r.req.Query, r.req.Narrow),
		list: func(ctx context.Context, o harbor.ArtifactOptions) (harbor.Page[harbor.Artifact], error) {
			return r.client.ArtifactsPage(ctx, repository.Name, o)
		},
	}}
}

// joined returns both conditions in one.
func joined(query, other string) string {
	if query != "" && other != "" {
		return query + "," + other
	}
	return query + other
}

// begin reads the first page.
func (l *listing) begin(ctx context.Context) {
	// 1.
	l.before, l.began = l.repository, time.Now()
	rows := l.wanted()
	first, err := rows.page(ctx, harbor.PageOptions{})
	if err != nil {
		l.retryOrFail(ctx, err)
		return
	}
	l.run.unanswered.Store(0)
	switch {
	case first.Last:
		slices.SortFunc(first.Items, byID)
		l.checkAndEmit(ctx, first.Items, true)
	case l.run.stamps:
		// 2.
		rows.pages(ctx, listPage, first, l.pagesRead)
	default:
		l.findCuts(first)
	}
}

// pagesRead decides whether the pages can be accepted.
func (l *listing) pagesRead(ctx context.Context, artifacts []harbor.Artifact, fit bool, err error) {
	if err != nil {
		l.retryOrFail(ctx, err)
		return
	}
	// 3.
	unchanged := l.unchanged(ctx) // asked in any case: it begins the seqlock of the windows
	if unchanged && fit && !mixed(artifacts) {
		l.checkAndEmit(ctx, artifacts, true)
		return
	}
	// 4.
	l.before, l.began = l.repository, time.Now()
	rows := l.wanted()
	rows.windows(finish, 0, 0, rows.cuts(artifacts), l.windowsRead)
}

// findCuts keeps the first page as the first window and asks, side by side, for
// the single rows by offset that the windows behind it begin with.
func (l *listing) findCuts(first harbor.Page[harbor.Artifact]) {
	wanted, single := l.wanted(), l.rows(l.query, harbor.Details{})
	var from int64
	if len(first.Items) > 0 { // else Harbor's count is of an earlier instant than its rows
		from = first.Items[len(first.Items)-1].ID + 1
	}
	rest := first.Total - len(first.Items)
	windows := func(cuts []int64) {
		wanted.windows(listPage, from, 0, cuts, func(ctx context.Context, artifacts []harbor.Artifact, err error) {
			l.windowsRead(ctx, slices.Concat(first.Items, artifacts), err)
		})
	}
	n := min((rest-1)/wanted.perWindow(), maxPages)
	if n <= 0 || from == 0 {
		windows(nil)
		return
	}
	var mu sync.Mutex
	var cuts []int64
	var failed firstError
	l.run.queue.each(listPage, n, func(ctx context.Context, i int) {
		page, err := single.page(ctx, harbor.PageOptions{FromID: from, PageSize: 1, Page: (i+1)*wanted.perWindow() + 1})
		failed.note(err)
		mu.Lock()
		defer mu.Unlock()
		for _, a := range page.Items {
			cuts = append(cuts, a.ID)
		}
	}, func(ctx context.Context) {
		if err := failed.get(); err != nil {
			l.retryOrFail(ctx, err)
			return
		}
		windows(cuts)
	})
}

func (l *listing) windowsRead(ctx context.Context, artifacts []harbor.Artifact, err error) {
	switch {
	case err != nil:
		l.retryOrFail(ctx, err)
	case mixed(artifacts):
		l.again(ctx, errPartial)
	default:
		l.checkAndEmit(ctx, artifacts, l.unchanged(ctx))
	}
}

// unchanged is the second half of a seqlock, and the first half of the next one:
// it tells whether the repository is as it was last read, and keeps how it is
// now. The first time that is its entry in its project's listing. A pull counts
// as a change, for it moves the same time.
func (l *listing) unchanged(ctx context.Context) bool {
	if !l.run.stamps {
		return false
	}
	now, err := l.run.readRepository(ctx, l.repository.Name)
	if err != nil {
		return false
	}
	before := l.repository
	l.repository = now
	return sameState(before, now)
}

// sameState tells, from Harbor 2.15.2 on, that a repository's artifacts and tags
// did not change from one of its entries to the other.
func sameState(a, b harbor.Repository) bool {
	return a.ID == b.ID && a.Name == b.Name && a.ArtifactCount == b.ArtifactCount && a.UpdateTime.Equal(b.UpdateTime)
}

// mixed tells whether the artifacts belong to more than one repository, one
// deleted and one made under the same name.
func mixed(artifacts []harbor.Artifact) bool {
	return slices.ContainsFunc(artifacts, func(a harbor.Artifact) bool {
		return a.RepositoryID != artifacts[0].RepositoryID
	})
}

// retryOrFail starts over with smaller pages when one was too large or too slow, and looks
// whether the repository is still there when Harbor says that it is not.
func (l *listing) retryOrFail(ctx context.Context, err error) {
	switch {
	case errors.Is(err, harbor.ErrTooLarge) && l.size > 1:
		l.size = max(1, l.size/8)
		l.run.queue.add(beginRepository, l.begin)
	case errors.Is(err, harbor.ErrTooSlow) && l.size > l.run.pageSize():
		l.size = l.run.pageSize()
		l.run.queue.add(beginRepository, l.begin)
	case refused(err):
		l.vanished(ctx, err)
	default:
		l.run.failRepository(ctx, l.repository.Name, err)
	}
}

// vanished handles a repository that was listed a moment ago.
func (l *listing) vanished(ctx context.Context, cause error) {
	now, gone, err := l.run.repositoryGone(ctx, l.repository.Name)
	switch {
	case gone:
		l.run.gone(l.repository.Name)
	case err != nil:
		l.run.failRepository(ctx, l.repository.Name, err)
	case errors.Is(cause, harbor.ErrNotFound): // it has been made again meanwhile
		l.startOver(ctx, now, errPartial)
	default:
		l.run.failRepository(ctx, l.repository.Name, cause)
	}
}

// again starts the listing over.
func (l *listing) again(ctx context.Context, cause error) {
	now, err := l.run.readRepository(ctx, l.repository.Name)
	if err != nil {
		l.retryOrFail(ctx, err)
		return
	}
	l.startOver(ctx, now, cause)
}

// startOver begins again with the repository as it is now, a bounded number of times.
func (l *listing) startOver(ctx context.Context, now harbor.Repository, cause error) {
	if l.tries++; l.tries >= listingTries {
		l.run.failRepository(ctx, l.repository.Name, cause)
		return
	}
	l.repository = now
	l.run.queue.add(beginRepository, l.begin)
}

// emit hands the repository on.
func (l *listing) emit(ctx context.Context, artifacts []harbor.Artifact, verified bool) {
	l.run.emit(ctx, Repository{Before: l.before, Began: l.began, Artifacts: artifacts, Verified: verified})
}
