// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxPageSize is the greatest that Harbor allows (422 beyond it).
const maxPageSize = 100

// PageOptions selects a page.
type PageOptions struct {
	// FromID and ToID bound the ids, inclusive; 0 is open.
	FromID, ToID int64
	// Page counts from 1 within those bounds; 0 stands for 1.
	Page int
	// PageSize is the number of rows, at most 100. 0 stands for the endpoint's
	// default in this package.
	PageSize int
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	// Total is X-Total-Count: the rows within the ids and conditions asked for,
	// from a query of its own an instant before; -1 if it is missing.
	Total int
	// Last tells that nothing was behind this page when Harbor read it: it was
	// not full, and the total promises no more. A full page is never the last
	// one, even if its rows are just the total: the total is older than the rows,
	// and an artifact that got visible in between may have pushed one off the
	// page.
	Last bool
}

// listing says how the rows of one kind of list are asked for and read.
type listing[T any] struct {
	key    string // in q and sort
	size   int    // of a page
	adapts bool   // to what Harbor can make in time
	grows  bool   // at its end alone, and what comes there is read another time
	id     func(*T) int64
	named  func(*T) bool // has what a record cannot do without
	decode func(*decoder, *T) error
}

// resolved returns the options with the defaults filled in.
func (l listing[T]) resolved(o PageOptions) (PageOptions, error) {
	o.Page, o.PageSize = cmp.Or(o.Page, 1), cmp.Or(o.PageSize, l.size)
	if o.PageSize < 1 || o.PageSize > maxPageSize || o.Page < 1 || o.FromID < 0 || o.ToID < 0 {
		return o, fmt.Errorf("%w: a page has 1 to %d rows, pages count from 1, and ids are not negative", ErrBadRequest, maxPageSize)
	}
	return o, nil
}

// values renders resolved options, and further conditions of q.
func (o PageOptions) values(key, conditions string) url.Values {
	v := url.Values{
		"sort":      {key},
		"page":      {strconv.Itoa(o.Page)},
		"page_size": {strconv.Itoa(o.PageSize)},
	}
	var q []string
	if o.FromID != 0 || o.ToID != 0 {
		q = append(q, fmt.Sprintf("%s=[%s~%s]", key, bound(o.FromID), bound(o.ToID)))
	}
	if conditions != "" {
		q = append(q, conditions)
	}
	if len(q) > 0 {
		v.Set("q", escapeQuery(strings.Join(q, ",")))
	}
	return v
}

func bound(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// escapeQuery escapes q once more than URLs are anyway: Harbor unescapes it a
// second time (lib/q/builder.go), and a plus would arrive as a blank.
func escapeQuery(q string) string {
	return strings.ReplaceAll(url.QueryEscape(q), "+", "%20")
}

// checkConditions refuses what would take the place of the bounds of ids: of
// two conditions on one key Harbor keeps one.
func checkConditions(conditions, key string) error {
	for condition := range strings.SplitSeq(conditions, ",") {
		name, _, _ := strings.Cut(condition, "=")
		if strings.TrimSpace(name) == key {
			return fmt.Errorf("%w: the key %q cannot be used in a query, paging needs it", ErrBadRequest, key)
		}
	}
	return nil
}

// page makes a call and reads the page. What is a call without query;
// parameters are those besides paging.
func (l listing[T]) page(ctx context.Context, c *Client, what call, o PageOptions, conditions string, parameters url.Values) (Page[T], error) {
	o, err := l.resolved(o)
	if err != nil {
		return Page[T]{}, err
	}
	if err := checkConditions(conditions, l.key); err != nil {
		return Page[T]{}, err
	}
	what.query = o.values(l.key, conditions)
	if l.adapts {
		what.rows = o.PageSize
	}
	maps.Copy(what.query, parameters)
	var page Page[T]
	what.decode = func(header http.Header, body io.Reader) (err error) {
		page, err = l.read(header, body, o)
		return err
	}
	if err := c.do(ctx, what); err != nil {
		return Page[T]{}, err
	}
	return page, nil
}

// read decodes a page and holds it to what was asked for: Harbor ignores keys of
// q and sort that it does not know, and gives other rows then.
func (l listing[T]) read(header http.Header, body io.Reader, o PageOptions) (Page[T], error) {
	items, err := list(body, l.decode, expectedRows(header, o))
	if err != nil {
		return Page[T]{}, err
	}
	for i := range items {
		if !l.named(&items[i]) {
			return Page[T]{}, &ResponseError{Reason: reasonUnnamed}
		}
	}
	page := Page[T]{Items: items, Total: totalCount(header)}
	seen := len(items)
	if o.Page > 1 {
		seen += (o.Page - 1) * o.PageSize
	}
	page.Last = len(items) == 0 || len(items) < o.PageSize && seen >= page.Total
	whole := page.Last && o.Page == 1 && o.FromID == 0 && o.ToID == 0
	if !whole && !l.fits(items, o) {
		return Page[T]{}, &ResponseError{Reason: reasonOrder}
	}
	return page, nil
}

// expectedRows is how many rows a page will have, going by its header.
func expectedRows(header http.Header, o PageOptions) int {
	return max(0, min(o.PageSize, totalCount(header)-(o.Page-1)*o.PageSize))
}

// fits tells whether the ids rise and lie within the bounds.
func (l listing[T]) fits(items []T, o PageOptions) bool {
	before := max(0, o.FromID-1)
	for i := range items {
		id := l.id(&items[i])
		if id <= before || o.ToID != 0 && id > o.ToID {
			return false
		}
		before = id
	}
	return true
}

// totalCount reads X-Total-Count: digits, or -1.
func totalCount(h http.Header) int {
	text := h.Get("X-Total-Count")
	n, err := strconv.Atoi(text)
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return -1
	}
	return n
}

// all goes through all pages by key. It yields an error once, last.
func (l listing[T]) all(o PageOptions, read func(PageOptions) (Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		o := o
		o.Page = 1
		for {
			page, err := read(o)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
			if page.Last || l.grows && len(page.Items) == page.Total {
				return
			}
			// A page that is not the last one has rows, and they rise.
			o.FromID = l.id(&page.Items[len(page.Items)-1]) + 1
			if o.ToID != 0 && o.FromID > o.ToID {
				return
			}
		}
	}
}
