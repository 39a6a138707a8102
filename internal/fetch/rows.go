// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// maxPages bounds how many pages a total is believed to announce; what is
// beyond them comes in the last window.
const maxPages = 2000

// rows reads the rows of one of Harbor's lists, several requests side by side.
// There are two ways:
//
//   - Pages by offset, whose number the first one's total gives. They cost least,
//     and what others delete meanwhile shifts rows past them: whoever reads them
//     must find out whether something changed.
//   - Windows: ranges of ids that cover all of them without overlap, each read by
//     key. What others push or delete cannot shift a row past a window, so a row
//     that is there throughout is read, and none is read twice. Where the cuts
//     are matters for speed only; they come from rows that were just seen.
type rows[T any] struct {
	queue *queue
	size  int // of a page
	id    func(*T) int64
	read  func(context.Context, harbor.PageOptions) (harbor.Page[T], error)
}

// byKey reads all rows, one page after the other by key. A full page is the last
// one if the total promises no more and enough says that these are all; else one
// more is asked for, for the total is older than the rows.
func (r rows[T]) byKey(ctx context.Context, enough func(items []T) bool) ([]T, error) {
	var items []T
	var from int64
	for {
		page, err := r.page(ctx, harbor.PageOptions{FromID: from})
		if err != nil {
			return items, err
		}
		items = append(items, page.Items...)
		if page.Last || len(page.Items) == page.Total && enough(items) {
			return items, nil
		}
		from = r.id(&page.Items[len(page.Items)-1]) + 1
	}
}

func (r rows[T]) page(ctx context.Context, o harbor.PageOptions) (harbor.Page[T], error) {
	o.PageSize = cmp.Or(o.PageSize, r.size)
	return r.read(ctx, o)
}

// pages reads the pages behind the first and hands all rows to then. They fit if
// each page told the same total, it is the number of rows, and the ids rise.
// With an error, the rows are those that came.
func (r rows[T]) pages(ctx context.Context, p priority, first harbor.Page[T], then func(ctx context.Context, items []T, fit bool, err error)) {
	pages := max(1, (first.Total+r.size-1)/r.size) // a total that is missing or wrong does not fit
	var differ atomic.Bool
	differ.Store(pages > maxPages)
	pages = min(pages, maxPages)
	parts := make([][]T, pages)
	parts[0] = first.Items
	var failed firstError
	end := func(ctx context.Context) {
		items := slices.Concat(parts...)
		parts = nil
		fit := !differ.Load() && len(items) == first.Total && r.rising(items)
		then(ctx, items, fit, failed.get())
	}
	if pages == 1 {
		end(ctx)
		return
	}
	r.queue.each(p, pages-1, func(ctx context.Context, i int) {
		if failed.get() != nil {
			return // all is read again, or not at all
		}
		page, err := r.page(ctx, harbor.PageOptions{Page: i + 2})
		failed.note(err)
		if page.Total != first.Total {
			differ.Store(true)
		}
		parts[i+1] = page.Items
	}, end)
}

// rising tells whether each id is greater than the one before: pages by offset
// that a deletion or a late commit shifted may overlap.
func (r rows[T]) rising(items []T) bool {
	for i := range items {
		if i > 0 && r.id(&items[i]) <= r.id(&items[i-1]) {
			return false
		}
	}
	return true
}

// perWindow is the number of rows for a window. It leaves room for rows to
// come: a page that is not full tells that it is the last one, a full one takes
// another request.
func (r rows[T]) perWindow() int { return max(1, r.size*9/10) }

// cuts are ids between rows that were seen.
func (r rows[T]) cuts(items []T) []int64 {
	ids := make([]int64, len(items))
	for i := range items {
		ids[i] = r.id(&items[i])
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var cuts []int64
	for i := r.perWindow(); i < len(ids); i += r.perWindow() {
		cuts = append(cuts, ids[i])
	}
	return cuts
}

// windows reads the ids from first to last, both included, 0 is open, in windows
// that begin at first and at each cut.
func (r rows[T]) windows(p priority, first, last int64, cuts []int64, then func(ctx context.Context, items []T, err error)) {
	cuts = slices.Compact(slices.Sorted(slices.Values(cuts)))
	cuts = slices.DeleteFunc(cuts, func(id int64) bool { return id <= first || last != 0 && id > last })
	windows := make([]harbor.PageOptions, len(cuts)+1)
	for i := range windows {
		windows[i] = harbor.PageOptions{FromID: first, ToID: last}
		if i > 0 {
			windows[i].FromID = cuts[i-1]
		}
		if i < len(cuts) {
			windows[i].ToID = cuts[i] - 1
		}
	}
	parts := make([][]T, len(windows))
	var failed firstError
	r.queue.each(p, len(windows), func(ctx context.Context, i int) {
		if failed.get() != nil {
			return
		}
		var err error
		parts[i], err = r.window(ctx, windows[i])
		failed.note(err)
	}, func(ctx context.Context) {
		items := slices.Concat(parts...)
		parts = nil
		then(ctx, items, failed.get())
	})
}

// window reads one window, page by page by key.
func (r rows[T]) window(ctx context.Context, window harbor.PageOptions) ([]T, error) {
	var items []T
	for {
		page, err := r.page(ctx, window)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Last {
			return items, nil
		}
		window.FromID = r.id(&page.Items[len(page.Items)-1]) + 1
		if window.ToID != 0 && window.FromID > window.ToID {
			return items, nil
		}
	}
}
