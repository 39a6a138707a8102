// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// heldRegistry returns a registry with p/there, p/emptied, a project "empty" and
// a project "foreign" that the robot cannot read; robot$inventory covers the
// others and a project that does not exist.
func heldRegistry(t *testing.T) *harbortest.Registry {
	t.Helper()
	reg := harbortest.New(harbortest.WithClock(seconds()))
	for _, name := range []string{"p", "empty", "foreign"} {
		project(reg, name)
	}
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret", Projects: []string{"p", "empty", "library"}})
	fill(reg, "p/there", 2)
	fill(reg, "foreign/a", 2)
	if err := reg.DeleteArtifact("p/emptied", fill(reg, "p/emptied", 1)[0]); err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestHeldRepositories(t *testing.T) {
	held := []string{"p/there", "p/emptied", "p/gone", "p/gone/too", "empty/gone", "nosuch/gone", "nosuch/gone2", "foreign/a", "not-a-repository"}
	for _, c := range []struct {
		name             string
		account          change
		projects         []string
		gone, notFound   []string
		failed, complete []string
	}{
		{
			name: "robot, everything", account: as("robot$inventory", "secret"),
			gone:   []string{"empty/gone", "nosuch/gone", "nosuch/gone2", "p/gone", "p/gone/too"},
			failed: []string{"foreign"}, complete: []string{"p/emptied", "p/there"},
		},
		{
			name: "robot, by name", account: as("robot$inventory", "secret"), projects: []string{"p", "empty", "nosuch", "foreign"},
			gone:     []string{"empty/gone", "nosuch/gone", "nosuch/gone2", "p/gone", "p/gone/too"},
			notFound: []string{"nosuch"}, failed: []string{"foreign"}, complete: []string{"p/emptied", "p/there"},
		},
		{
			name: "robot, by pattern", account: as("robot$inventory", "secret"), projects: []string{"{p,nosuch*}"},
			gone: []string{"nosuch/gone", "nosuch/gone2", "p/gone", "p/gone/too"}, complete: []string{"p/emptied", "p/there"},
		},
		{
			name: "administrator", account: as(harbortest.AdminName, harbortest.AdminSecret),
			gone:     []string{"empty/gone", "nosuch/gone", "nosuch/gone2", "p/gone", "p/gone/too"},
			complete: []string{"foreign/a", "p/emptied", "p/there"},
		},
		{
			name: "administrator, by name", account: as(harbortest.AdminName, harbortest.AdminSecret), projects: []string{"p", "nosuch", "foreign"},
			gone:     []string{"nosuch/gone", "nosuch/gone2", "p/gone", "p/gone/too"},
			notFound: []string{"nosuch"}, complete: []string{"foreign/a", "p/emptied", "p/there"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := heldRegistry(t)
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			req := request(t)
			req.Held = held
			req.Selection = selection(t, c.projects, nil, nil)
			report, sink := run(t, srv, req, c.account)
			if !slices.Equal(report.Gone, c.gone) || !slices.Equal(report.NotFound, c.notFound) {
				t.Errorf("gone %q, not found %q; want %q, %q", report.Gone, report.NotFound, c.gone, c.notFound)
			}
			var failed []string
			for _, f := range report.Failures {
				failed = append(failed, f.Project)
				if f.Reason != fetch.ReasonForbidden || f.Repository != "" {
					t.Errorf("failure %+v", f)
				}
			}
			if !slices.Equal(failed, c.failed) || !slices.Equal(sink.names(), c.complete) {
				t.Errorf("failed %q, read %q; want %q, %q", failed, sink.names(), c.failed, c.complete)
			}
			if strings.Contains(c.name, "by pattern") { // a "no" is asked for twice
				heads, repositories := srv.Stats().Requests(harbortest.ClassProjectHead), srv.Stats().Requests(harbortest.ClassRepository)
				if heads != 2 || repositories != 5 { // two that are gone, and p/emptied
					t.Errorf("asked %d times about the project, %d times about repositories", heads, repositories)
				}
			}
			if len(sink.repositories["p/emptied"].Artifacts) != 0 {
				t.Error("p/emptied is not empty")
			}
		})
	}
}

// What is no longer selected is not asked for: the caller knows it.
func TestDeselectedIsNotAskedFor(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	reg := heldRegistry(t)
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.RequestURI())
	}})
	req := request(t)
	req.Selection = selection(t, []string{"p"}, nil, []string{"old*"})
	req.Held = []string{"p/there", "p/old", "foreign/a", "nosuch/gone"}
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	for _, uri := range asked {
		if strings.Contains(uri, "old") || strings.Contains(uri, "foreign") || strings.Contains(uri, "nosuch") {
			t.Errorf("asked for %s", uri)
		}
	}
}

// A repository, or a whole project, that is deleted while the run goes on is
// gone if it is held, and else of no interest; neither is a failure.
func TestDeletedMeanwhile(t *testing.T) {
	for _, account := range []change{as("robot$inventory", "secret"), as(harbortest.AdminName, harbortest.AdminSecret)} {
		for _, whole := range []bool{false, true} {
			reg := robot(harbortest.New(harbortest.WithClock(seconds())))
			project(reg, "p")
			fill(reg, "p/held", 2)
			fill(reg, "p/new", 2)
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/artifacts") {
					_ = reg.DeleteRepository("p/held")
					_ = reg.DeleteRepository("p/new")
					if whole {
						_ = reg.DeleteProject("p")
					}
				}
			}})
			req := request(t)
			req.Held = []string{"p/held"}
			report, sink := run(t, srv, req, account)
			if !slices.Equal(report.Gone, []string{"p/held"}) || len(report.Failures)+len(sink.repositories) > 0 {
				t.Errorf("whole %t: report %+v, read %q", whole, report, sink.names())
			}
		}
	}
}

// Nothing is gone by an answer that is not Harbor's word about that repository.
func TestGoneNeedsHarborsWord(t *testing.T) {
	for name, fault := range map[string]harbortest.Fault{
		"core down": harbortest.CoreDown(), "500": harbortest.InternalError(), "page": harbortest.HTML(),
		"proxy's 404": harbortest.Gateway(404), "anonymous": harbortest.Anonymous(),
		"forbidden": harbortest.DatabaseShort(harbortest.Shortage{Forbidden: 1}),
	} {
		for _, class := range []harbortest.Class{harbortest.ClassRepository, harbortest.ClassProject, harbortest.ClassProjectHead} {
			reg := heldRegistry(t)
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			srv.Inject(harbortest.Rule{Class: class, Fault: fault})
			req := request(t)
			req.Held = []string{"p/gone", "p/there", "nosuch/gone", "foreign/a"}
			report, _ := run(t, srv, req, tries(2))
			want := []string{"nosuch/gone", "p/gone"}
			failed := 1 // foreign
			switch {
			case class == harbortest.ClassRepository:
				want, failed = []string{"nosuch/gone"}, 2
			case class == harbortest.ClassProject && name == "forbidden": // p is there and cannot be read; the others are as ever
				want, failed = []string{"nosuch/gone"}, 2
			case class == harbortest.ClassProject:
				want, failed = nil, 3
			case class == harbortest.ClassProjectHead && name != "forbidden":
				want, failed = []string{"p/gone"}, 2
			}
			if !slices.Equal(report.Gone, want) || len(report.Failures) != failed {
				t.Errorf("%s at %s: gone %q, want %q; failures %v, want %d", name, class, report.Gone, want, report.Failures, failed)
			}
		}
	}
}
