// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// script is a server's answers as bytes: of each page the number of rows, then
// each id by its distance from the one before, then what the total is off by.
type script struct {
	rest []byte
	last int64
}

func (s *script) next() int64 {
	if len(s.rest) == 0 {
		return 0
	}
	b := int8(s.rest[0])
	s.rest = s.rest[1:]
	return int64(b)
}

// page renders the next one.
func (s *script) page(size int) (http.Header, string) {
	rows := make([]string, min(max(0, int(s.next())), size+1))
	for i := range rows {
		s.last += s.next()
		rows[i] = fmt.Sprintf(`{"id":%d,"digest":"x"}`, s.last)
	}
	total := len(rows) + int(s.next())
	return http.Header{"X-Total-Count": {strconv.Itoa(total)}}, "[" + strings.Join(rows, ",") + "]"
}

// FuzzPaging: whatever pages a server gives, going through them ends, after no
// more requests than the answers are worth; the ids that come rise and lie
// within the bounds, and an error comes once, last.
func FuzzPaging(f *testing.F) {
	f.Add([]byte{3, 1, 1, 1, 0}, int64(0), int64(0), 5)
	f.Add([]byte{2, 1, 1, 4, 2, 1, 1, 2, 2, 1, 1, 0}, int64(0), int64(0), 2)
	f.Add([]byte{2, 5, 255, 0}, int64(4), int64(9), 2)
	f.Add([]byte{2, 1, 0, 0}, int64(1), int64(0), 2)
	f.Add([]byte{2, 100, 100, 9, 2, 156, 1, 0}, int64(0), int64(0), 2)
	f.Fuzz(func(t *testing.T, bytes []byte, from, to int64, size int) {
		l := artifactListing(Details{})
		o, err := l.resolved(PageOptions{FromID: from, ToID: to, PageSize: size})
		if err != nil {
			return
		}
		server := &script{rest: bytes}
		requests := 0
		read := func(o PageOptions) (Page[Artifact], error) {
			if requests++; requests > len(bytes)+2 {
				t.Fatalf("%d requests for %d bytes of answers", requests, len(bytes))
			}
			header, body := server.page(o.PageSize)
			page, err := l.read(header, strings.NewReader(body), o)
			if len(page.Items) > 0 && !page.Last && page.Items[0].ID < o.FromID {
				t.Errorf("%d before %d", page.Items[0].ID, o.FromID)
			}
			return page, err
		}
		var ids []int64
		failed := 0
		for a, err := range l.all(o, read) {
			switch {
			case err != nil:
				failed++
				if _, ok := errors.AsType[*ResponseError](err); !ok {
					t.Errorf("%v", err)
				}
			case failed > 0:
				t.Error("a row after an error")
			default:
				ids = append(ids, a.ID)
			}
		}
		bounded := from != 0 || to != 0 || requests > 1
		for i, id := range ids {
			if bounded && (i > 0 && id <= ids[i-1] || id < from || to != 0 && id > to) {
				t.Errorf("ids %v from %d to %d", ids, from, to)
			}
		}
		if failed > 1 {
			t.Errorf("%d errors", failed)
		}
	})
}

// FuzzHonestPaging: of a server that does as it is asked, every row comes once,
// whatever ids there are and whatever size the pages have.
func FuzzHonestPaging(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5}, int64(0), int64(0), 2)
	f.Add([]byte{200, 1, 7}, int64(3), int64(200), 1)
	f.Fuzz(func(t *testing.T, gaps []byte, from, to int64, size int) {
		l := artifactListing(Details{})
		o, err := l.resolved(PageOptions{FromID: from, ToID: to, PageSize: size})
		if err != nil {
			return
		}
		var there, want, got []int64
		last := int64(0)
		for _, gap := range gaps {
			last += int64(gap) + 1
			there = append(there, last)
			if last >= from && (to == 0 || last <= to) {
				want = append(want, last)
			}
		}
		for a, err := range l.all(o, func(o PageOptions) (Page[Artifact], error) {
			var rows []string
			total := 0
			for _, id := range there {
				if id < o.FromID || o.ToID != 0 && id > o.ToID {
					continue
				}
				if total++; total > (o.Page-1)*o.PageSize && len(rows) < o.PageSize {
					rows = append(rows, fmt.Sprintf(`{"id":%d,"digest":"x"}`, id))
				}
			}
			header := http.Header{"X-Total-Count": {strconv.Itoa(total)}}
			return l.read(header, strings.NewReader("["+strings.Join(rows, ",")+"]"), o)
		}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("read %v, want %v", got, want)
		}
	})
}
