// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// change does one thing that people do to a repository, by two random numbers.
var changes = map[string]func(reg *harbortest.Registry, repository string, n int){
	"push a tagged image": func(reg *harbortest.Registry, repository string, n int) {
		reg.Push(repository, harbortest.Image{Tags: []string{fmt.Sprintf("v%d", n)}})
	},
	"push an untagged image": func(reg *harbortest.Registry, repository string, _ int) {
		reg.Push(repository, harbortest.Image{})
	},
	"push an index": func(reg *harbortest.Registry, repository string, n int) {
		reg.PushIndex(repository, harbortest.Index{
			Image:    harbortest.Image{Tags: []string{fmt.Sprintf("i%d", n)}},
			Children: []harbortest.Child{{}, {Platform: harbortest.Platform{OS: "linux", Architecture: "arm64"}}},
		})
	},
	"delete an artifact": func(reg *harbortest.Registry, repository string, n int) {
		if a, found := pick(reg, repository, n); found {
			_ = reg.DeleteArtifact(repository, a.Digest) // Harbor keeps children of an index
		}
	},
	"add a tag": func(reg *harbortest.Registry, repository string, n int) {
		if a, found := pick(reg, repository, n); found {
			_ = reg.AddTag(repository, a.Digest, fmt.Sprintf("t%d", n)) // may be there already
		}
	},
	"sign": func(reg *harbortest.Registry, repository string, n int) {
		if a, found := pick(reg, repository, n); found {
			reg.PushAccessory(repository, a.Digest, harbortest.Accessory{})
		}
	},
	"make another repository": func(reg *harbortest.Registry, _ string, n int) {
		reg.Push(fmt.Sprintf("library/other%d", n%9), harbortest.Image{})
	},
	"delete another repository": func(reg *harbortest.Registry, _ string, n int) {
		_ = reg.DeleteRepository(fmt.Sprintf("library/other%d", n%9)) // need not be there
	},
}

func pick(reg *harbortest.Registry, repository string, n int) (harbortest.ListedArtifact, bool) {
	all := artifactsOf(reg, repository)
	if len(all) == 0 {
		return harbortest.ListedArtifact{}, false
	}
	return all[n%len(all)], true
}

func artifactsOf(reg *harbortest.Registry, repository string) []harbortest.ListedArtifact {
	all, _ := reg.Listed("library")
	return slices.DeleteFunc(all, func(a harbortest.ListedArtifact) bool { return a.Repository != repository })
}

// ids of the rows that are there.
type ids map[int64]bool

// witness follows what was there at every instant of a listing, and at any.
type witness struct{ always, ever ids }

func (w *witness) look(now ids) {
	if w.always == nil {
		w.always, w.ever = maps.Clone(now), ids{}
	}
	maps.DeleteFunc(w.always, func(id int64, _ bool) bool { return !now[id] })
	maps.Copy(w.ever, now)
}

func (w *witness) judge(t *rapid.T, what string, got []int64) {
	seen := ids{}
	for _, id := range got {
		if seen[id] {
			t.Errorf("%s: id %d twice in %v", what, id, got)
		}
		seen[id] = true
		if !w.ever[id] {
			t.Errorf("%s: id %d was never there", what, id)
		}
	}
	for id := range w.always {
		if !seen[id] {
			t.Errorf("%s: id %d was there all the time and is missing in %v", what, id, got)
		}
	}
}

// TestKeysetPaging: while others push, tag and delete between the pages, no row
// is missed that was there all the time, and none comes twice.
func TestKeysetPaging(t *testing.T) {
	const repository = "library/app"
	rapid.Check(t, func(rt *rapid.T) {
		names := slices.Sorted(maps.Keys(changes))
		reg := harbortest.New()
		for range rapid.IntRange(0, 25).Draw(rt, "artifacts") {
			reg.Push(repository, harbortest.Image{})
		}
		for i := range rapid.IntRange(0, 9).Draw(rt, "repositories") {
			reg.Push(fmt.Sprintf("library/other%d", i), harbortest.Image{})
		}
		var artifacts, repositories witness
		look := func() {
			now := ids{}
			for _, a := range artifactsOf(reg, repository) {
				now[a.ID] = true
			}
			artifacts.look(now)
			all, _ := reg.Repositories("library")
			now = ids{}
			for _, r := range all {
				now[r.ID] = true
			}
			repositories.look(now)
		}
		busy := rapid.IntRange(0, 4).Draw(rt, "changes per page")
		budget := 60 // of changes: a listing that others keep adding to has no end
		handler := harbortest.NewHandler(reg, harbortest.Options{Observer: func(*http.Request) {
			for range min(busy, budget) {
				budget--
				changes[rapid.SampledFrom(names).Draw(rt, "change")](reg, repository, rapid.IntRange(0, 1000).Draw(rt, "n"))
				look()
			}
		}})
		defer handler.Close()
		srv := record(t, handler.ServeHTTP)
		defer srv.Close()
		c := newClient(t, srv.URL, anonymous)
		defer c.Close()
		size := rapid.IntRange(1, 7).Draw(rt, "page size")

		look()
		var got []int64
		for a, err := range c.Artifacts(t.Context(), repository, harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: size}}) {
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, a.ID)
		}
		artifacts.judge(rt, "artifacts", got)
		if !slices.IsSorted(got) {
			rt.Errorf("not sorted: %v", got)
		}

		repositories, got = witness{}, nil
		look()
		options := harbor.PageOptions{PageSize: size}
		for {
			page, err := c.RepositoriesPage(t.Context(), "library", options)
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range page.Items {
				got = append(got, r.ID)
			}
			if page.Last {
				break
			}
			options.FromID = page.Items[len(page.Items)-1].ID + 1
		}
		repositories.judge(rt, "repositories", got)
	})
}

// TestWindows: the rows of windows that follow one another are all rows, each once.
func TestWindows(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 1, Repositories: 3, Artifacts: 60})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := newClient(t, srv.URL)
	names, _ := reg.Repositories()
	name := names[1].Name
	all, err := collect(c.Artifacts(t.Context(), name, harbor.ArtifactOptions{}))
	if err != nil || len(all) != 60 {
		t.Fatal(len(all), err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		cuts := rapid.SliceOfN(rapid.Int64Range(1, all[59].ID+10), 0, 5).Draw(rt, "cuts")
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		size := rapid.IntRange(9, 100).Draw(rt, "page size")
		var got []harbor.Artifact
		from := int64(0)
		for _, to := range append(cuts, 0) {
			window, err := collect(c.Artifacts(t.Context(), name, harbor.ArtifactOptions{
				PageOptions: harbor.PageOptions{FromID: from, ToID: to, PageSize: size},
			}))
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, window...)
			from = to + 1
		}
		if len(got) != 60 || !slices.EqualFunc(got, all, func(a, b harbor.Artifact) bool { return a.ID == b.ID }) {
			rt.Errorf("%d rows in windows up to %v", len(got), cuts)
		}
	})
}

// TestOffsetPages: pages by number within a listing at rest.
func TestOffsetPages(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 1, Repositories: 1, Artifacts: 60})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := newClient(t, srv.URL)
	names, _ := reg.Repositories()
	for _, tt := range []struct {
		page, size, rows int
		last             bool
	}{
		{0, 0, 60, true},
		{1, 100, 60, true},
		{1, 61, 60, true},
		{1, 60, 60, false}, // full: what is behind it is not known
		{2, 60, 0, true},
		{1, 25, 25, false},
		{2, 25, 25, false},
		{3, 25, 10, true},
		{4, 25, 0, true},
	} {
		page, err := c.ArtifactsPage(t.Context(), names[0].Name, harbor.ArtifactOptions{PageOptions: harbor.PageOptions{Page: tt.page, PageSize: tt.size}})
		if err != nil || len(page.Items) != tt.rows || page.Total != 60 || page.Last != tt.last {
			t.Errorf("%+v: %d rows of %d, last %v, %v", tt, len(page.Items), page.Total, page.Last, err)
		}
	}
}

// TestPagesThatDoNotFit: Harbor ignores keys that it does not know, and a proxy
// may answer from a cache: rows that were not asked for are not taken for others.
func TestPagesThatDoNotFit(t *testing.T) {
	rows := func(ids ...int) string {
		var all []string
		for _, id := range ids {
			all = append(all, fmt.Sprintf(`{"id":%d,"digest":"sha256:%d"}`, id, id))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	rising, falling, same := rows(5, 6, 9), rows(9, 6, 5), rows(5, 5, 9)
	for _, tt := range []struct {
		body, total string
		options     harbor.PageOptions
		fits, last  bool
		wantTotal   int
	}{
		{rising, "3", harbor.PageOptions{}, true, true, 3},
		{rising, "7", harbor.PageOptions{PageSize: 3}, true, false, 7},
		{rising, "3", harbor.PageOptions{FromID: 5, ToID: 9}, true, true, 3},
		{rising, "3", harbor.PageOptions{FromID: 6}, false, false, 0},
		{rising, "3", harbor.PageOptions{ToID: 8}, false, false, 0},
		// The whole list: the order does not matter.
		{falling, "3", harbor.PageOptions{}, true, true, 3},
		// But each must have a name.
		{rows(5, 0, 9), "3", harbor.PageOptions{}, false, false, 0},
		{`[{"id":5},{"id":6},{"id":9}]`, "3", harbor.PageOptions{}, false, false, 0},
		{`[{"id":5,"digest":"x"},null,{"id":9,"digest":"x"}]`, "3", harbor.PageOptions{}, false, false, 0},
		// But where there is more.
		{falling, "4", harbor.PageOptions{}, false, false, 0},
		{falling, "3", harbor.PageOptions{FromID: 1}, false, false, 0},
		{falling, "3", harbor.PageOptions{PageSize: 3}, false, false, 0},
		{falling, "3", harbor.PageOptions{Page: 2}, false, false, 0},
		{same, "7", harbor.PageOptions{PageSize: 3}, false, false, 0},
		// The server gives less than a page, and says that there is more.
		{rising, "7", harbor.PageOptions{}, true, false, 7},
		{rising, "20", harbor.PageOptions{Page: 2, PageSize: 10}, true, false, 20},
		{rising, "13", harbor.PageOptions{Page: 2, PageSize: 10}, true, true, 13},
		{`[]`, "7", harbor.PageOptions{}, true, true, 7},
		// Totals that are none.
		{rising, "", harbor.PageOptions{}, true, true, -1},
		{rising, "-7", harbor.PageOptions{}, true, true, -1},
		{rising, "+7", harbor.PageOptions{}, true, true, -1},
		{rising, "7.0", harbor.PageOptions{}, true, true, -1},
		{rising, "many", harbor.PageOptions{}, true, true, -1},
		{rising, "99999999999999999999", harbor.PageOptions{}, true, true, -1},
	} {
		srv := record(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Total-Count", tt.total)
			answerJSON(tt.body)(w, r)
		})
		page, err := newClient(t, srv.URL, once).ArtifactsPage(t.Context(), "a/b", harbor.ArtifactOptions{PageOptions: tt.options})
		if tt.fits != (err == nil) || err != nil && !is(err, harbor.ErrInvalidResponse) {
			t.Errorf("%s of %q, %+v: %v", tt.body, tt.total, tt.options, err)
		}
		if page.Last != tt.last || page.Total != tt.wantTotal || tt.fits && tt.body != "[]" && len(page.Items) != 3 {
			t.Errorf("%s of %q, %+v: %+v", tt.body, tt.total, tt.options, page)
		}
	}
}

// TestIteratorsStop: when the caller does, and after one error.
func TestIteratorsStop(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 1, Repositories: 1, Artifacts: 60})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := newClient(t, srv.URL, once)
	names, _ := reg.Repositories()
	options := harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: 10}}
	n := 0
	for _, err := range c.Artifacts(t.Context(), names[0].Name, options) {
		if n++; err != nil || n == 15 {
			break
		}
	}
	if got := srv.Stats().Requests(harbortest.ClassArtifacts); n != 15 || got != 2 {
		t.Errorf("%d rows, %d requests", n, got)
	}
	srv.Inject(harbortest.Rule{Skip: 3, Fault: harbortest.InternalError()})
	rows, errs := 0, 0
	for a, err := range c.Artifacts(t.Context(), names[0].Name, options) {
		if err != nil {
			errs++
			if a != nil {
				t.Error("a row with an error")
			}
			continue // a caller that goes on gets nothing more
		}
		rows++
	}
	if rows != 30 || errs != 1 {
		t.Errorf("%d rows, %d errors, want 30 and 1", rows, errs)
	}
}
