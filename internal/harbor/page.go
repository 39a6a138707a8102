// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// PageOptions selects a page.
type PageOptions struct {
	// FromID and ToID bound the ids, inclusive; 0 is open.
	FromID, ToID int64
	// Page counts from 1 within those bounds; 0 stands for 1.
	Page int
	// PageSize is the number of rows, at most 100 (Harbor answers 422 beyond
	// it). 0 stands for the endpoint's default in this package.
	PageSize int
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	// Total is X-Total-Count: the rows within the ids and conditions asked for,
	// from a query of its own an instant before; -1 if it is missing.
	Total int
	// Last tells that there is nothing behind this page: it was not full, or its
	// rows are just the total.
	Last bool
}

// values renders the options for a list whose key is named so in q and sort.
func (o PageOptions) values(key string, size int, conditions string) url.Values {
	v := url.Values{
		"sort":      {key},
		"page":      {strconv.Itoa(max(1, o.Page))},
		"page_size": {strconv.Itoa(cmp.Or(o.PageSize, size))},
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

// readPage makes a call and decodes the page.
func readPage[T any](ctx context.Context, c *Client, what call, element func(*decoder, *T) error) (Page[T], error) {
	var page Page[T]
	what.decode = func(body io.Reader) (err error) {
		page.Items, err = list(body, element)
		return err
	}
	header, err := c.do(ctx, what)
	if err != nil {
		return Page[T]{}, err
	}
	page.Total = totalCount(header)
	size, _ := strconv.Atoi(what.query.Get("page_size")) // set by values
	page.Last = len(page.Items) < size || page.Total == len(page.Items)
	return page, nil
}

func totalCount(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-Total-Count"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// all goes through all pages by key. It yields an error once, last.
func all[T any](options PageOptions, id func(*T) int64, read func(PageOptions) (Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for {
			page, err := read(options)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
			if page.Last {
				return
			}
			last := id(&page.Items[len(page.Items)-1])
			if last < options.FromID {
				yield(nil, &ResponseError{Reason: "the rows are not sorted by id"})
				return
			}
			options.FromID = last + 1
		}
	}
}

// repositoryPath is the path of a repository below /api/v2.0. Slashes in the
// name after the project must be escaped twice: nginx and the router each take
// one away.
func repositoryPath(full string) (string, error) {
	project, rest, ok := SplitRepository(full)
	if !ok {
		return "", fmt.Errorf("%w: a repository's full name is project/name", ErrBadRequest)
	}
	return "/projects/" + url.PathEscape(project) + "/repositories/" + url.PathEscape(url.PathEscape(rest)), nil
}
