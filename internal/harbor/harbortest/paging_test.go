// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// page asks a handler for one page of library/app and returns ids and digests.
func page(t interface{ Fatalf(string, ...any) }, h *Handler, query string) map[int64]string {
	request := httptest.NewRequest(http.MethodGet, apiPrefix+"/projects/library/repositories/app/artifacts?"+query, nil)
	response := httptest.NewRecorder()
	h.ServeHTTP(response, request)
	var rows []struct {
		ID     int64
		Digest string
	}
	if err := json.Unmarshal(response.Body.Bytes(), &rows); err != nil || response.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", query, response.Code, err)
	}
	shown := map[int64]string{}
	for _, row := range rows {
		shown[row.ID] = row.Digest
	}
	return shown
}

// TestKeysetSweepIsComplete: whatever is pushed, tagged and deleted between the
// pages, a sweep by id shows each artifact that was listed all the time exactly
// once.
func TestKeysetSweepIsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New(WithClock(steppingClock()))
		h := NewHandler(r, Options{})
		for range rapid.IntRange(1, 40).Draw(t, "artifacts") {
			mutate(t, r)
		}
		always := listedDigests(r)
		size := rapid.IntRange(1, 7).Draw(t, "page_size")
		seen := map[string]int{}
		for from := int64(1); ; {
			shown := page(t, h, fmt.Sprintf("sort=id&page_size=%d&q=%s", size, url.QueryEscape(fmt.Sprintf("id=[%d~]", from))))
			if len(shown) == 0 {
				break
			}
			for id, digest := range shown {
				if id < from {
					t.Fatalf("id %d on the page from %d", id, from)
				}
				seen[digest]++
			}
			from = slices.Max(slices.Collect(maps.Keys(shown))) + 1
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				mutate(t, r)
				now := listedDigests(r)
				maps.DeleteFunc(always, func(digest string, _ bool) bool { return !now[digest] })
			}
		}
		for digest := range always {
			if seen[digest] != 1 {
				t.Errorf("artifact %s was shown %d times, want once", digest, seen[digest])
			}
		}
		now := listedDigests(r)
		for id, digest := range page(t, h, "page_size=-1") {
			if !now[digest] {
				t.Errorf("artifact %d %s is served, but not in Listed", id, digest)
			}
			delete(now, digest)
		}
		if len(now) > 0 {
			t.Errorf("artifacts %v are in Listed, but not served", slices.Collect(maps.Keys(now)))
		}
	})
}

func listedDigests(r *Registry) map[string]bool {
	digests := map[string]bool{}
	listed, _ := r.Listed()
	for _, a := range listed {
		digests[a.Digest] = true
	}
	return digests
}

// mutate makes one random change to library/app.
func mutate(t *rapid.T, r *Registry) {
	const repo = "library/app"
	digests := slices.Sorted(maps.Keys(listedDigests(r)))
	tags := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 2, rapid.ID[string])
	action := rapid.SampledFrom([]string{"push", "push", "index", "accessory", "tag", "delete", "untag"}).Draw(t, "action")
	if len(digests) == 0 {
		action = "push"
	}
	switch action {
	case "push":
		r.Push(repo, Image{Tags: tags.Draw(t, "tags")})
	case "index":
		r.PushIndex(repo, Index{Image: Image{Tags: tags.Draw(t, "tags")}, Children: []Child{{Digest: rapid.SampledFrom(digests).Draw(t, "child")}, {}}})
	case "accessory":
		r.PushAccessory(repo, rapid.SampledFrom(digests).Draw(t, "subject"), Accessory{})
	case "tag":
		r.Push(repo, Image{Digest: rapid.SampledFrom(digests).Draw(t, "digest"), Tags: tags.Draw(t, "tags")})
	case "delete":
		_ = r.DeleteArtifact(repo, rapid.SampledFrom(digests).Draw(t, "digest")) // a child cannot be deleted
	case "untag":
		_ = r.DeleteTag(repo, rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "tag")) // there may be no such tag
	}
}

// TestOffsetPagingDoublesAndMisses shows that the simulator has the faults of
// offset paging that clients must not fall for.
func TestOffsetPagingDoublesAndMisses(t *testing.T) {
	const repo = "library/app"
	r := New(WithClock(steppingClock()))
	h := NewHandler(r, Options{})
	var digests []string
	for range 4 {
		digests = append(digests, r.Push(repo, Image{}))
	}
	first := page(t, h, "page_size=2")
	r.Push(repo, Image{})
	second := page(t, h, "page_size=2&page=2")
	doubled := 0
	for id := range first {
		if second[id] != "" {
			doubled++
		}
	}
	if doubled != 1 {
		t.Errorf("a push between two pages in default order doubled %d artifacts, want 1", doubled)
	}
	first = page(t, h, "page_size=2&sort=id")
	if err := r.DeleteArtifact(repo, digests[0]); err != nil {
		t.Fatal(err)
	}
	second = page(t, h, "page_size=2&sort=id&page=2")
	for _, shown := range []map[int64]string{first, second} {
		if slices.Contains(slices.Collect(maps.Values(shown)), digests[2]) {
			t.Errorf("a delete between two pages did not hide %s", digests[2])
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		paging
		rows, from, to int
	}{
		{paging{1, 10}, 25, 0, 10},
		{paging{3, 10}, 25, 20, 25},
		{paging{4, 10}, 25, 25, 25},
		{paging{0, 10}, 25, 0, 10},
		{paging{-5, 10}, 25, 0, 10},
		{paging{2, 0}, 25, 0, 25},
		{paging{2, -1}, 25, 0, 25},
		{paging{math.MaxInt64, 100}, 250, 0, 100}, // the offset overflows to a negative number
		{paging{1, 10}, 0, 0, 0},
	} {
		if from, to := test.cut(test.rows); from != test.from || to != test.to {
			t.Errorf("page %d of size %d of %d rows: got [%d:%d], want [%d:%d]", test.page, test.size, test.rows, from, to, test.from, test.to)
		}
	}
}
