// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// pageSize is the number of artifacts asked for at once: the greatest that
// Harbor allows (422 beyond it). Tests make it smaller.
var pageSize = 100

// maxPages bounds how many pages a total is believed to announce; what is
// beyond them comes in the last window.
const maxPages = 2000

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
//  4. Otherwise read again, side by side, in windows of ids; see windows.go. An
//     older Harbor's pages could never be accepted: windows follow the first.
//  5. Check what a listing can lack (see check.go) and hand it on.
type listing struct {
	run        *run
	repository harbor.Repository // as it was read last
	before     harbor.Repository // as it was before the rows were read
	began      time.Time
	size       int
	tries      int

	mu      sync.Mutex
	total   int
	parts   [][]harbor.Artifact // pages, then windows
	cuts    []int64
	missing int // parts or cuts not read yet
	err     error
	tainted bool // the pages do not fit together
}

// page reads a page of the artifacts that the request selects.
func (l *listing) page(ctx context.Context, o harbor.PageOptions) (harbor.Page[harbor.Artifact], error) {
	return l.pageOf(ctx, harbor.ArtifactOptions{PageOptions: o, Query: l.run.req.Query, Details: l.run.req.Details})
}

func (l *listing) pageOf(ctx context.Context, o harbor.ArtifactOptions) (harbor.Page[harbor.Artifact], error) {
	o.PageSize = cmp.Or(o.PageSize, l.size)
	return permitted(func() (harbor.Page[harbor.Artifact], error) {
		return l.run.client.ArtifactsPage(ctx, l.repository.Name, o)
	})
}

// begin reads the first page.
func (l *listing) begin(ctx context.Context) {
	// 1.
	l.before, l.began = l.repository, time.Now()
	first, err := l.page(ctx, harbor.PageOptions{})
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
		l.readPages(first)
	default:
		l.findCuts(first)
	}
}

func byID(a, b harbor.Artifact) int { return cmp.Compare(a.ID, b.ID) }

// readPages queues the pages after the first.
func (l *listing) readPages(first harbor.Page[harbor.Artifact]) {
	// 2.
	pages := (first.Total + l.size - 1) / l.size
	l.total = first.Total
	l.tainted = pages > maxPages
	pages = min(max(2, pages), maxPages) // a total that is missing or wrong makes the pages not fit
	l.expect(pages)
	l.parts = make([][]harbor.Artifact, pages)
	l.parts[0] = first.Items
	l.missing--
	for n := 2; n <= pages; n++ {
		l.run.queue.add(listPage, func(ctx context.Context) { l.readPage(ctx, n) })
	}
}

// expect prepares for so many parts or cuts. No task of this listing is queued.
func (l *listing) expect(parts int) {
	l.missing = parts
	l.err = nil
}

// came notes that a part or a cut was read and tells whether it was the last
// one. The caller holds the lock.
func (l *listing) came(err error) bool {
	l.err = cmp.Or(l.err, err)
	l.missing--
	return l.missing == 0
}

func (l *listing) readPage(ctx context.Context, n int) {
	page, err := l.page(ctx, harbor.PageOptions{Page: n})
	l.mu.Lock()
	l.tainted = l.tainted || page.Total != l.total
	l.parts[n-1] = page.Items
	last := l.came(err)
	l.mu.Unlock()
	if last {
		l.pagesRead(ctx)
	}
}

// pagesRead decides whether the pages can be accepted.
func (l *listing) pagesRead(ctx context.Context) {
	if l.err != nil {
		l.retryOrFail(ctx, l.err)
		return
	}
	// 3.
	artifacts := slices.Concat(l.parts...)
	unchanged := l.unchanged(ctx) // asked in any case: it begins the seqlock of the windows
	if unchanged && !l.tainted && len(artifacts) == l.total && rising(artifacts) && !mixed(artifacts) {
		l.checkAndEmit(ctx, artifacts, true)
		return
	}
	// 4.
	l.before, l.began = l.repository, time.Now()
	l.readWindows(nil, 0, l.cutsBetween(artifacts))
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
	return now.ID == before.ID && now.ArtifactCount == before.ArtifactCount && now.UpdateTime.Equal(before.UpdateTime)
}

// rising tells whether each id is greater than the one before: pages by offset
// that a deletion or a late commit shifted may overlap.
func rising(artifacts []harbor.Artifact) bool {
	for i := range artifacts {
		if i > 0 && artifacts[i].ID <= artifacts[i-1].ID {
			return false
		}
	}
	return true
}

// mixed tells whether the artifacts belong to more than one repository, one
// deleted and one made under the same name.
func mixed(artifacts []harbor.Artifact) bool {
	return slices.ContainsFunc(artifacts, func(a harbor.Artifact) bool {
		return a.RepositoryID != artifacts[0].RepositoryID
	})
}

// retryOrFail starts over with smaller pages when one was too large, and looks
// whether the repository is still there when Harbor says that it is not.
func (l *listing) retryOrFail(ctx context.Context, err error) {
	switch {
	case errors.Is(err, harbor.ErrTooLarge) && l.size > 1:
		l.size = max(1, l.size/8)
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
	if !verified {
		l.run.mu.Lock()
		l.run.report.Unverified++
		l.run.mu.Unlock()
	}
	project, _, _ := harbor.SplitRepository(l.repository.Name)
	select {
	case l.run.results <- Repository{
		Project: project, Name: l.repository.Name, Before: l.before, Began: l.began, Artifacts: artifacts, Verified: verified,
	}:
	case <-ctx.Done():
	}
}
