// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

const maxPageSize = 100

// paging holds page and page_size as they were asked for.
type paging struct{ page, size int64 }

// parsePaging reads the parameters as Harbor's generated code does: default 1
// and 10, a maximum of 100 for page_size and no minimum at all.
func parsePaging(query url.Values) (paging, *apiError) {
	p := paging{page: 1, size: 10}
	var failures []string
	read := func(name string, into *int64) {
		text, ok := last(query, name)
		if !ok || text == "" {
			return
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s in query must be of type int64: %q", name, text))
			return
		}
		*into = n
	}
	read("page", &p.page)
	read("page_size", &p.size)
	if p.size > maxPageSize {
		failures = append(failures, "page_size in query should be less than or equal to 100")
	}
	if failures != nil {
		return p, unprocessable("validation failure list:\n" + strings.Join(failures, "\n"))
	}
	return p, nil
}

// last returns the last value of a parameter, the one that Harbor takes.
func last(query url.Values, name string) (string, bool) {
	values := query[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}

// cut returns the page's part of n rows as SQL would: page_size 0 or less is no
// LIMIT, an OFFSET below 1 is none; both overflow as Go's int64 does.
func (p paging) cut(n int) (from, to int) {
	if p.size <= 0 {
		return 0, n
	}
	if offset := p.size * (p.page - 1); p.page > 0 && offset > 0 {
		if offset >= int64(n) {
			return n, n
		}
		from = int(offset)
	}
	return from, min(n, from+int(p.size))
}

// link is the Link header for a listing of total rows: relative and unescaped.
// path is the request's as nginx hands it on.
func (p paging) link(path string, query url.Values, total int64) string {
	if p.size == 0 {
		return ""
	}
	to := func(page int64, rel string) string {
		values := url.Values{}
		maps.Copy(values, query)
		values.Set("page", strconv.FormatInt(page, 10))
		values.Set("page_size", strconv.FormatInt(p.size, 10))
		encoded := values.Encode()
		if plain, err := url.QueryUnescape(encoded); err == nil {
			encoded = plain
		}
		target := url.URL{Path: path, RawQuery: encoded}
		return fmt.Sprintf(`<%s>; rel="%s"`, target.String(), rel)
	}
	var links []string
	if p.page > 1 && (p.page-1)*p.size < total {
		links = append(links, to(p.page-1, "prev"))
	}
	if p.size*p.page < total {
		links = append(links, to(p.page+1, "next"))
	}
	return strings.Join(links, " , ")
}
