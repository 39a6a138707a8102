// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// pageSize is the number of artifacts asked for at once: the greatest that
// Harbor allows (422 beyond it).
const pageSize = 100

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
//  4. Otherwise read again, side by side, in windows of ids cut at the first id
//     of each page just seen. A window is read by key, so what others push or
//     delete meanwhile cannot shift a row past it.
//  5. Check what a listing can lack (see check.go) and hand it on.
type listing struct {
	run        *run
	repository harbor.Repository
	size       int
	tries      int

	mu      sync.Mutex
	total   int
	parts   [][]harbor.Artifact // pages, then windows
	missing int                 // parts not read yet
	err     error
	tainted bool // the pages do not fit together
}

func (l *listing) options() harbor.ArtifactOptions {
	return harbor.ArtifactOptions{
		PageOptions: harbor.PageOptions{PageSize: l.size},
		Query:       l.run.req.Query,
		Details:     l.run.req.Details,
	}
}

// begin reads the first page.
func (l *listing) begin(ctx context.Context) {
	if l.repository.ArtifactCount == 0 && !slices.Contains(l.run.held[l.project()], l.repository.Name) {
		l.emit(ctx, nil, true) // nothing there, nothing to lose: spare the request
		return
	}
	// 1.
	page, err := l.run.client.ArtifactsPage(ctx, l.repository.Name, l.options())
	if err != nil {
		l.retryOrFail(ctx, err)
		return
	}
	l.run.failedInARow.Store(0)
	if page.Last {
		l.checkAndEmit(ctx, page.Items, true)
		return
	}
	// 2.
	pages := max(2, (page.Total+l.size-1)/l.size) // a total that is missing or wrong makes the pages not fit
	l.total = page.Total
	l.tainted = false
	l.expect(pages)
	l.parts[0] = page.Items
	l.missing--
	for n := 2; n <= pages; n++ {
		l.run.queue.add(listPage, func(ctx context.Context) { l.readPage(ctx, n) })
	}
}

func (l *listing) project() string {
	project, _, _ := harbor.SplitRepository(l.repository.Name)
	return project
}

func (l *listing) expect(parts int) {
	l.parts = make([][]harbor.Artifact, parts)
	l.missing = parts
	l.err = nil
}

func (l *listing) readPage(ctx context.Context, n int) {
	options := l.options()
	options.Page = n
	page, err := l.run.client.ArtifactsPage(ctx, l.repository.Name, options)
	l.mu.Lock()
	l.tainted = l.tainted || page.Total != l.total
	last := l.put(n-1, page.Items, err)
	l.mu.Unlock()
	if last {
		l.pagesRead(ctx)
	}
}

// put stores a part and tells whether it was the last one. The caller holds the lock.
func (l *listing) put(i int, items []harbor.Artifact, err error) bool {
	l.parts[i] = items
	l.err = cmp.Or(l.err, err)
	l.missing--
	return l.missing == 0
}

// pagesRead decides whether the pages can be accepted.
func (l *listing) pagesRead(ctx context.Context) {
	if l.err != nil {
		l.retryOrFail(ctx, l.err)
		return
	}
	// 3.
	artifacts := slices.Concat(l.parts...)
	if !l.tainted && len(artifacts) == l.total && rising(artifacts) && l.unchanged(ctx) {
		l.checkAndEmit(ctx, artifacts, true)
		return
	}
	// 4.
	var cuts []int64
	for _, page := range l.parts[1:] {
		if len(page) > 0 {
			cuts = append(cuts, page[0].ID)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	l.expect(len(cuts) + 1)
	from := int64(0)
	for i := range len(cuts) + 1 {
		window := harbor.PageOptions{FromID: from, PageSize: l.size}
		if i < len(cuts) {
			window.ToID = cuts[i] - 1
			from = cuts[i]
		}
		l.run.queue.add(listPage, func(ctx context.Context) { l.readWindow(ctx, i, window) })
	}
}

// unchanged is the second half of the seqlock; the first half is the entry of
// the repository in its project's listing.
func (l *listing) unchanged(ctx context.Context) bool {
	if !l.run.stamps {
		return false
	}
	now, err := l.run.client.Repository(ctx, l.repository.Name)
	return err == nil && now.ID == l.repository.ID &&
		now.ArtifactCount == l.repository.ArtifactCount && now.UpdateTime.Equal(l.repository.UpdateTime)
}

func (l *listing) readWindow(ctx context.Context, i int, window harbor.PageOptions) {
	var items []harbor.Artifact
	options := l.options()
	options.PageOptions = window
	var err error
	for {
		var page harbor.Page[harbor.Artifact]
		page, err = l.run.client.ArtifactsPage(ctx, l.repository.Name, options)
		if err != nil {
			break
		}
		items = append(items, page.Items...)
		if page.Last {
			break
		}
		options.FromID = page.Items[len(page.Items)-1].ID + 1
	}
	l.mu.Lock()
	last := l.put(i, items, err)
	l.mu.Unlock()
	if last {
		l.windowsRead(ctx)
	}
}

func (l *listing) windowsRead(ctx context.Context) {
	if l.err != nil {
		l.retryOrFail(ctx, l.err)
		return
	}
	artifacts := slices.Concat(l.parts...)
	l.parts = nil
	if mixed(artifacts) {
		l.again(ctx, errPartial) // deleted and made again under the same name
		return
	}
	l.checkAndEmit(ctx, artifacts, false)
}

// rising tells whether the ids rise strictly: pages by offset that a deletion or
// a late commit shifted overlap, and all rows belong to one repository.
func rising(artifacts []harbor.Artifact) bool {
	return slices.IsSortedFunc(artifacts, func(a, b harbor.Artifact) int {
		if a.ID == b.ID {
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	}) && !mixed(artifacts)
}

// mixed tells whether the artifacts belong to more than one repository.
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
	case errors.Is(err, harbor.ErrForbidden), errors.Is(err, harbor.ErrNotFound):
		l.vanished(ctx, err)
	default:
		l.run.failRepository(l.repository.Name, err)
	}
}

// vanished handles a repository that was listed a moment ago.
func (l *listing) vanished(ctx context.Context, cause error) {
	_, gone, err := l.run.repositoryGone(ctx, l.repository.Name)
	switch {
	case gone:
		l.run.gone(l.repository.Name)
	case err != nil:
		l.run.failRepository(l.repository.Name, err)
	default:
		l.run.failRepository(l.repository.Name, cause)
	}
}

// again starts the listing over, a bounded number of times.
func (l *listing) again(ctx context.Context, cause error) {
	if l.tries++; l.tries >= listingTries {
		l.run.failRepository(l.repository.Name, cause)
		return
	}
	now, err := l.run.client.Repository(ctx, l.repository.Name)
	if err != nil {
		l.retryOrFail(ctx, err)
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
	select {
	case l.run.results <- Repository{Project: l.project(), Name: l.repository.Name, Artifacts: artifacts, Verified: verified}:
	case <-ctx.Done():
	}
}
