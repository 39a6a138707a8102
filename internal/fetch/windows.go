// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Windows are ranges of ids that cover all of them without overlap, each read by
// key: what others push or delete meanwhile cannot shift a row past a window,
// so an artifact that is there throughout is read, and none is read twice.
// Where the cuts are matters for speed only.

// rowsPerWindow leaves room for rows to come: a page that is not full tells
// that it is the last one, a full one takes another request.
func (l *listing) rowsPerWindow() int { return max(1, l.size*9/10) }

// cutsBetween cuts between artifacts that were seen.
func (l *listing) cutsBetween(artifacts []harbor.Artifact) (cuts []int64) {
	ids := make([]int64, len(artifacts))
	for i := range artifacts {
		ids[i] = artifacts[i].ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for i := l.rowsPerWindow(); i < len(ids); i += l.rowsPerWindow() {
		cuts = append(cuts, ids[i])
	}
	return cuts
}

// findCuts keeps the first page as the first window and asks, side by side, for
// the single rows by offset that the windows behind it begin with.
func (l *listing) findCuts(first harbor.Page[harbor.Artifact]) {
	if len(first.Items) == 0 { // Harbor's count is of an earlier instant than its rows
		l.readWindows(nil, 0, nil)
		return
	}
	from := first.Items[len(first.Items)-1].ID + 1
	rest := first.Total - len(first.Items)
	cuts := min((rest-1)/l.rowsPerWindow(), maxPages)
	if cuts <= 0 {
		l.readWindows(first.Items, from, nil)
		return
	}
	l.expect(cuts)
	l.cuts = nil
	for n := 1; n <= cuts; n++ {
		offset := harbor.PageOptions{FromID: from, PageSize: 1, Page: n*l.rowsPerWindow() + 1}
		l.run.queue.add(listPage, func(ctx context.Context) { l.findCut(ctx, offset, first.Items) })
	}
}

func (l *listing) findCut(ctx context.Context, offset harbor.PageOptions, first []harbor.Artifact) {
	page, err := l.pageOf(ctx, harbor.ArtifactOptions{PageOptions: offset, Query: l.run.req.Query})
	l.mu.Lock()
	for _, a := range page.Items {
		l.cuts = append(l.cuts, a.ID)
	}
	last := l.came(err)
	l.mu.Unlock()
	switch {
	case !last:
	case l.err != nil:
		l.retryOrFail(ctx, l.err)
	default:
		l.readWindows(first, offset.FromID, l.cuts)
	}
}

// readWindows queues the windows from an id on. First is what was read before it.
func (l *listing) readWindows(first []harbor.Artifact, from int64, cuts []int64) {
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	cuts = slices.DeleteFunc(cuts, func(id int64) bool { return id <= from })
	l.expect(len(cuts) + 1)
	l.parts = make([][]harbor.Artifact, len(cuts)+2)
	l.parts[0] = first
	for i := range len(cuts) + 1 {
		window := harbor.PageOptions{FromID: from}
		if i < len(cuts) {
			window.ToID = cuts[i] - 1
			from = cuts[i]
		}
		l.run.queue.add(listPage, func(ctx context.Context) { l.readWindow(ctx, i+1, window) })
	}
}

// readWindow reads one window into its part, page by page by key.
func (l *listing) readWindow(ctx context.Context, part int, window harbor.PageOptions) {
	var items []harbor.Artifact
	var err error
	for {
		var page harbor.Page[harbor.Artifact]
		if page, err = l.page(ctx, window); err != nil {
			break
		}
		items = append(items, page.Items...)
		if page.Last {
			break
		}
		window.FromID = page.Items[len(page.Items)-1].ID + 1
		if window.ToID != 0 && window.FromID > window.ToID {
			break
		}
	}
	l.mu.Lock()
	l.parts[part] = items
	last := l.came(err)
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
		l.again(ctx, errPartial)
		return
	}
	l.checkAndEmit(ctx, artifacts, l.unchanged(ctx))
}
