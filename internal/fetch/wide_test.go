// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Small repositories are read together, where Harbor tells their changes.
func TestSmallRepositoriesAreReadTogether(t *testing.T) {
	for _, c := range []struct {
		name         string
		version      harbortest.Version
		edit         func(*fetch.Request)
		wide, narrow int // requests for artifacts
		listings     int // of repositories
	}{
		// Page 1 and 2 of 180 artifacts, and the 60 untagged ones; the repositories twice.
		{name: "2.16", version: harbortest.Harbor216, wide: 3, listings: 2},
		{name: "without tags nobody asks for untagged ones", version: harbortest.Harbor216, edit: func(r *fetch.Request) { r.Details = harbor.Details{} }, wide: 2, listings: 2},
		{name: "2.15.1 does not tell changes", version: harbortest.Harbor2151, narrow: 120, listings: 1},
		{name: "2.11 has no such listing", version: harbortest.Harbor211, narrow: 120, listings: 1},
		{name: "with a query nothing tells how many there are", version: harbortest.Harbor216, edit: func(r *fetch.Request) { r.Query = "type=IMAGE" }, narrow: 120, listings: 1},
		{
			name: "few of many", version: harbortest.Harbor216,
			edit: func(r *fetch.Request) { r.Selection = selection(t, nil, []string{"r1?"}, nil) }, narrow: 20, listings: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(c.version)))
			project(reg, "p")
			for i := range 60 {
				repository := fmt.Sprintf("p/r%d", i)
				fill(reg, repository, 2)
				reg.Push(repository, harbortest.Image{})
			}
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			req := request(t)
			if c.edit != nil {
				c.edit(&req)
			}
			report, sink := run(t, srv, req)
			clean(t, report, sink)
			if report.Unverified > 0 || sink.found != len(sink.repositories) || report.Repositories != sink.found {
				t.Errorf("report %+v, %d found, %d read", report, sink.found, len(sink.repositories))
			}
			if req.Details.Tags && len(sink.repositories) == 60 {
				same(t, listed(reg, ""), sink.lines())
			}
			stats := srv.Stats()
			wide, narrow, listings := stats.Requests(harbortest.ClassProjectArtifacts), stats.Requests(harbortest.ClassArtifacts), stats.Requests(harbortest.ClassRepositories)
			listings-- // project library
			if wide != c.wide || narrow != c.narrow || listings != c.listings {
				t.Errorf("%d wide, %d narrow, %d of repositories; want %d, %d, %d", wide, narrow, listings, c.wide, c.narrow, c.listings)
			}
		})
	}
}

// What cannot be accepted from the listing of the project is read by the
// repository's own; the others are not.
func TestReadByItselfAfterAll(t *testing.T) {
	all := 60
	for _, c := range []struct {
		name    string
		rule    *harbortest.Rule
		during  func(*harbortest.Registry) // happens before page 2
		prepare func(*harbortest.Registry)
		wide    int // requests of that kind
		narrow  int // requests for repositories by themselves, and for the untagged artifacts in one
	}{
		{name: "nothing happens", wide: 2},
		{name: "a tag moves", during: func(reg *harbortest.Registry) { _ = reg.DeleteTag("p/r7", "v0"); _ = reg.AddTag("p/r7", "v1", "v0") }, wide: 2, narrow: 2},
		{name: "a pull", during: func(reg *harbortest.Registry) { _ = reg.Pull("p/r7", "v0") }, wide: 2, narrow: 1},
		{
			// The row at the border of the pages is missed, of p/r33.
			name: "a deletion", during: func(reg *harbortest.Registry) { _ = reg.DeleteArtifact("p/r7", "v0") }, wide: 2, narrow: 2,
		},
		{
			name:   "a repository is deleted", // three rows of two others are missed
			during: func(reg *harbortest.Registry) { _ = reg.DeleteRepository("p/r7") }, wide: 2, narrow: 3,
		},
		{
			name:   "a repository is made again",
			during: func(reg *harbortest.Registry) { _ = reg.DeleteRepository("p/r7"); fill(reg, "p/r7", 2) }, wide: 2, narrow: 3,
		},
		{
			name: "one gets its first artifact", prepare: func(reg *harbortest.Registry) {
				_ = reg.DeleteArtifact("p/r7", reg.Push("p/r7", harbortest.Image{}))
			},
			during: func(reg *harbortest.Registry) { reg.Push("p/r7", harbortest.Image{Tags: []string{"new"}}) }, wide: 2, narrow: 1,
		},
		{
			name: "refused for good", rule: &harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.Anonymous()}, wide: 1, narrow: all,
		},
		{
			name: "too small a total", rule: &harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.TotalCount(-100)}, wide: 1, narrow: 27,
		},
		{
			name: "too great a total", rule: &harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.TotalCount(1000000)}, wide: 1, narrow: all,
		},
		{
			name: "broken", rule: &harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.InternalError()}, wide: 6, narrow: all,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := small(all)
			if c.prepare != nil {
				c.prepare(reg)
			}
			var once sync.Once
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
				if c.during != nil && strings.HasSuffix(r.URL.Path, "/p/artifacts") && r.URL.Query().Get("page") == "2" {
					once.Do(func() { c.during(reg) })
				}
			}})
			if c.rule != nil {
				srv.Inject(*c.rule)
			}
			report, sink := run(t, srv, request(t))
			if len(report.Failures)+len(sink.twice)+report.Unverified > 0 {
				t.Errorf("report %+v, twice %q", report, sink.twice)
			}
			same(t, listed(reg, ""), sink.lines())
			stats := srv.Stats()
			if wide, narrow := stats.Requests(harbortest.ClassProjectArtifacts), stats.Requests(harbortest.ClassArtifacts); wide != c.wide || narrow != c.narrow {
				t.Errorf("%d wide requests, %d narrow ones; want %d and %d", wide, narrow, c.wide, c.narrow)
			}
		})
	}
}

// Harbor ignores filters that it does not know: then all artifacts of the project
// come, and none is believed.
func TestRangeOfRepositoriesIsIgnored(t *testing.T) {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	for i := range 60 {
		fill(reg, fmt.Sprintf("p/r%02d", i), 3)
	}
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Selection = selection(t, nil, []string{"r[1-4]*"}, nil)
	report, sink := run(t, srv, req, rewriting(t, srv.URL, func(query string) string {
		return strings.ReplaceAll(query, "repository_id%253D", "repository_ids%253D")
	}))
	clean(t, report, sink)
	if len(sink.repositories) != 40 || report.Unverified > 0 {
		t.Errorf("%d read, report %+v", len(sink.repositories), report)
	}
	for name := range sink.repositories {
		same(t, listed(reg, name+"@"), linesOf(sink.repositories[name]))
	}
	if n := srv.Stats().Requests(harbortest.ClassProjectArtifacts); n != 2 {
		t.Errorf("%d requests for artifacts of the project, want 2", n)
	}
}

// A listing of a project that lacks tags is not believed in what it lacks.
func TestTagsLeftOutOfAProjectsListing(t *testing.T) {
	reg := small(60)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.1})})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
	narrow := srv.Stats().Requests(harbortest.ClassArtifacts)
	if narrow == 0 || narrow == 60 {
		t.Errorf("%d repositories were read by themselves; want those whose tags were left out", narrow)
	}
}

// A repository that a deletion shifts past a page of its project's listing is
// found all the same.
func TestRepositoryShiftedPastAPage(t *testing.T) {
	for _, version := range []harbortest.Version{harbortest.Harbor216, harbortest.Harbor2151} {
		reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(version)))
		project(reg, "p")
		for i := range 250 {
			fill(reg, fmt.Sprintf("p/r%d", i), 1)
		}
		var once sync.Once
		srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/p/repositories") && r.URL.Query().Get("page") != "1" {
				once.Do(func() {
					_ = reg.DeleteRepository("p/r3")
					fill(reg, "p/new", 1) // keeps the total
				})
			}
		}})
		req := request(t)
		req.Held = []string{"p/r3", "p/r100", "p/nosuch"}
		report, sink := run(t, srv, req)
		names := slices.DeleteFunc(sink.names(), func(name string) bool { return name == "p/new" })
		if len(names) != 249 || len(sink.twice)+len(report.Failures) > 0 {
			t.Errorf("%s: %d of 249 read, report %+v", version, len(names), report)
		}
		if !slices.Equal(report.Gone, []string{"p/nosuch", "p/r3"}) {
			t.Errorf("%s: gone %q", version, report.Gone)
		}
	}
}
