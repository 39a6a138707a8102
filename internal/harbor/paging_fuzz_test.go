// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// FuzzPaging lets a server answer one page after the other with what it likes:
// the pages are the input, divided at line feeds, each a total, a blank and a
// body; after the last one there is nothing more. Whatever it says, paging by key
// asks at most once for each page and once more, yields ids that rise, each
// once, and within the bounds, and at most one error, last.
func FuzzPaging(f *testing.F) {
	f.Add(int64(0), int64(0), []byte("2 [{\"id\":1,\"digest\":\"a\"},{\"id\":2,\"digest\":\"b\"}]"))
	f.Add(int64(0), int64(0), []byte("3 [{\"id\":1,\"digest\":\"a\"},{\"id\":2,\"digest\":\"b\"}]\n1 [{\"id\":3,\"digest\":\"c\"}]\n0 []"))
	f.Add(int64(2), int64(9), []byte("9 [{\"id\":2,\"digest\":\"a\"},{\"id\":9,\"digest\":\"b\"}]\n9 [{\"id\":2,\"digest\":\"a\"}]"))
	f.Add(int64(0), int64(0), []byte("-1 [{\"id\":2,\"digest\":\"a\"},{\"id\":1,\"digest\":\"b\"}]\nx {}"))
	f.Add(int64(0), int64(0), []byte("9223372036854775807 [{\"id\":9223372036854775807,\"digest\":\"a\"}]\n1 [{\"id\":1}]"))
	f.Fuzz(func(t *testing.T, from, to int64, input []byte) {
		pages := bytes.Split(input, []byte("\n"))
		l := artifactListing(Details{Tags: true})
		asked, yielded := 0, 0
		last, failed := from-1, false
		o := PageOptions{FromID: from, ToID: to, PageSize: 2}
		read := func(o PageOptions) (Page[Artifact], error) {
			total, body, header := "0", "[]", http.Header{}
			if asked < len(pages) {
				total, body, _ = strings.Cut(string(pages[asked]), " ")
			}
			asked++
			header.Set("X-Total-Count", total)
			o, err := l.resolved(o)
			if err != nil {
				return Page[Artifact]{}, err
			}
			return l.read(header, strings.NewReader(body), o)
		}
		for a, err := range l.all(o, read) {
			if failed {
				t.Fatal("something follows an error")
			}
			if err != nil {
				failed = true
				continue
			}
			if yielded++; a.ID <= last && from+to != 0 || a.ID <= 0 {
				t.Fatalf("id %d after %d", a.ID, last)
			}
			if to != 0 && a.ID > to || a.ID < from {
				t.Fatalf("id %d is not within %d and %d", a.ID, from, to)
			}
			last = a.ID
		}
		if asked > len(pages)+1 {
			t.Fatalf("%d requests for %d pages", asked, len(pages))
		}
	})
}
