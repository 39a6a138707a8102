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

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func TestEverythingOnce(t *testing.T) {
	for name, reg := range map[string]*harbortest.Registry{
		"recorded":  harbortest.Recorded(),
		"generated": harbortest.Generated(harbortest.Size{Projects: 3, Repositories: 7, Artifacts: 250}),
	} {
		t.Run(name, func(t *testing.T) {
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			report, sink := run(t, srv, request(t))
			clean(t, report, sink)
			same(t, listed(reg, ""), sink.lines())
			if report.Unverified != 0 {
				t.Errorf("nothing changed, yet %d repositories are unverified", report.Unverified)
			}
			if sink.found != report.Repositories || report.Repositories != len(sink.repositories) {
				t.Errorf("found %d, report says %d, sink got %d", sink.found, report.Repositories, len(sink.repositories))
			}
			if want := len(reg.Projects()); report.Projects != want {
				t.Errorf("%d projects, want %d", report.Projects, want)
			}
			if want := "v" + reg.Version().String(); report.Version != want && "v"+report.Version != want {
				t.Errorf("version %q, want %q", report.Version, want)
			}
			t.Logf("requests %d, highest in flight %d", srv.Stats().Total, srv.Stats().Highest)
		})
	}
}

// Only what is selected is read; what matches nothing is named.
func TestSelectedOnly(t *testing.T) {
	reg := small(4)
	_ = reg.CreateProject("q", false) // it does not exist
	fill(reg, "q/r1", 1)
	fill(reg, "q/deep/r2", 1)
	_ = reg.CreateProject("qq", false) // selected, and nothing in it is
	fill(reg, "qq/other", 1)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Selection = selection(t, []string{"p", "q*", "nosuch", "no*"}, []string{"r1", "p/r2", "p/r3", "q/**", "missing"}, []string{"r3"})
	report, sink := run(t, srv, req)
	if want := []string{"p/r1", "p/r2", "q/deep/r2", "q/r1"}; !slices.Equal(sink.names(), want) || report.Repositories != 4 || report.Projects != 2 {
		t.Errorf("read %q, want %q; report %+v", sink.names(), want, report)
	}
	if want := []string{"missing", "no*", "nosuch"}; !slices.Equal(report.NotFound, want) {
		t.Errorf("not found %q, want %q", report.NotFound, want)
	}
}

// A project listed twice because it was made again, and a repository likewise,
// are read once.
func TestMadeAgainDuringItsListing(t *testing.T) {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	for i := range 60 { // more than a page of projects
		project(reg, fmt.Sprintf("p%02d", i))
	}
	for i := range 120 { // more than a page of repositories
		fill(reg, fmt.Sprintf("p59/r%d", i), 1)
	}
	fill(reg, "p00/a", 1)
	var projects, repositories sync.Once
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
		second := strings.Contains(r.URL.RawQuery, "id%253D")
		switch {
		case second && strings.HasSuffix(r.URL.Path, "/projects"):
			projects.Do(func() {
				_ = reg.DeleteRepository("p00/a")
				_ = reg.DeleteProject("p00")
				_ = reg.DeleteProject("p58") // so that the list is as long as its total
				project(reg, "p00")
				fill(reg, "p00/a", 2)
			})
		case second && strings.HasSuffix(r.URL.Path, "/repositories"):
			repositories.Do(func() {
				_ = reg.DeleteRepository("p59/r0")
				fill(reg, "p59/r0", 2)
			})
		}
	}})
	req := request(t)
	req.Workers = 1 // a list is complete before what it shows is read
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
}
