// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// mixedVisibility returns a registry with private and public projects, and the
// names of all repositories.
func mixedVisibility() (reg *harbortest.Registry, names []string) {
	reg = robot(harbortest.New(harbortest.WithClock(seconds())))
	for i := range 6 {
		name := fmt.Sprintf("p%d", i)
		_ = reg.CreateProject(name, i%2 == 0) // it does not exist
		for _, repository := range []string{name + "/a", name + "/b/c"} {
			fill(reg, repository, 3)
			names = append(names, repository)
		}
	}
	return reg, names
}

// A Harbor short of database connections answers some requests as to an
// anonymous caller. No repository is ever missing without a failure, and none
// that exists is said to be gone.
func TestAnonymousAtRandom(t *testing.T) {
	outcomes := map[string]int{}
	for _, rate := range []float64{0.1, 0.3, 0.5, 0.8} {
		for seed := range uint64(12) {
			for _, hold := range []bool{false, true} {
				reg, names := mixedVisibility()
				srv := harbortest.NewServer(t, reg, harbortest.Options{Seed: seed + 1})
				srv.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.Shortage{Anonymous: rate, Fail: rate / 2, Forbidden: rate / 10})})
				req := request(t)
				if hold {
					req.Held = append(slices.Clone(names), "p1/gone", "px/gone")
				}
				sink := &collector{}
				report, err := fetch.Run(t.Context(), client(t, srv), req, sink)
				if err != nil {
					if len(report.Gone)+len(report.NotFound) > 0 {
						t.Errorf("rate %v, seed %d: gone %q, not found %q despite %v", rate, seed, report.Gone, report.NotFound, err)
					}
					outcomes["stopped"]++
					continue
				}
				outcomes[map[bool]string{true: "whole", false: "with failures"}[len(report.Failures) == 0]]++
				named := func(failure, project string, name string) bool {
					return failure == "" || failure == project || failure == name
				}
				for _, name := range names {
					project, _, _ := strings.Cut(name, "/")
					_, read := sink.repositories[name]
					failed := slices.ContainsFunc(report.Failures, func(f fetch.Failure) bool {
						return f.Repository == name || f.Repository == "" && named(f.Project, project, name)
					})
					if !read && !failed || slices.Contains(report.Gone, name) {
						t.Errorf("rate %v, seed %d: %s: read %t, failed %t, gone %q", rate, seed, name, read, failed, report.Gone)
					}
				}
				for name, r := range sink.repositories {
					same(t, listed(reg, name+"@"), linesOf(r))
				}
			}
		}
	}
	t.Log(outcomes)
}

// The list of projects alone answers as to an anonymous caller, many times in a
// row; the answer after those is believed.
func TestListOfPublicProjectsIsDoubted(t *testing.T) {
	reg, names := mixedVisibility()
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassProjects, Count: fetch.PublicListings - 1, Fault: harbortest.Anonymous()})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	if !slices.Equal(sink.names(), names) {
		t.Errorf("read %q, want %q", sink.names(), names)
	}
}

// A list of public projects counts for nothing if the fence after it was
// answered as to an anonymous caller.
func TestListBetweenUncleanFences(t *testing.T) {
	reg, names := mixedVisibility()
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	var fences atomic.Int64
	unclean := func(*http.Request) bool { // the first answer after each list but the last
		n := fences.Add(1)
		return n%2 == 0 && n < 2*fetch.PublicListings
	}
	srv.Inject(
		harbortest.Rule{Class: harbortest.ClassProjects, Count: fetch.PublicListings, Fault: harbortest.Anonymous()},
		harbortest.Rule{Class: harbortest.ClassSystemInfo, Fault: harbortest.Anonymous(), If: unclean},
	)
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	if !slices.Equal(sink.names(), names) {
		t.Errorf("read %q, want %q", sink.names(), names)
	}
}

// An account that sees public projects only gets them, after some doubt.
func TestAccountWithoutPrivateProjects(t *testing.T) {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	_ = reg.CreateProject("public", true)
	fill(reg, "public/a", 3)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
	if n := srv.Stats().Requests(harbortest.ClassProjects); n != fetch.PublicListings {
		t.Errorf("%d lists of projects, want %d", n, fetch.PublicListings)
	}
}

// A list that never comes out the same is never believed.
func TestListOfProjectsThatKeepsChanging(t *testing.T) {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	var made atomic.Int64
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/projects") {
			_ = reg.CreateProject(fmt.Sprintf("new%d", made.Add(1)), true)
		}
	}})
	req := request(t)
	req.Selection = selection(t, []string{"lib*", "nosuch*"}, nil, nil)
	req.Held = []string{"library/held", "libfoo/held"} // the first one has Harbor's word that it is gone
	report, sink := run(t, srv, req)
	if len(report.Failures) != 1 || report.Failures[0].Reason != fetch.ReasonPartialAnswer || report.Failures[0].Project != "" {
		t.Errorf("failures %v", report.Failures)
	}
	if !slices.Equal(report.Gone, req.Held[:1]) || len(report.NotFound)+len(sink.repositories) > 0 {
		t.Errorf("report %+v", report)
	}
}

// Credentials that Harbor does not know end the run: before it reads anything,
// or, when they stop to work meanwhile, before anything is taken for gone.
func TestUnknownCredentials(t *testing.T) {
	reg, names := mixedVisibility()
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	sink := &collector{}
	_, err := fetch.Run(t.Context(), client(t, srv, as("robot$inventory", "wrong")), request(t), sink)
	if !errors.Is(err, fetch.ErrAuthenticationFailed) || sink.found > 0 || srv.Stats().Requests(harbortest.ClassProjects) > 0 {
		t.Errorf("error %v, found %d", err, sink.found)
	}

	for _, after := range []string{"/projects", "/repositories", "/artifacts"} {
		reg, _ := mixedVisibility()
		srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, after) {
				_ = reg.SetSecret("robot$inventory", "rotated")
			}
		}})
		req := request(t)
		req.Selection = selection(t, []string{"p?", "nosuch"}, nil, nil)
		req.Held = append(slices.Clone(names), "p0/gone", "p1/gone")
		report, err := fetch.Run(t.Context(), client(t, srv, tries(2)), req, &collector{})
		if !errors.Is(err, fetch.ErrAuthenticationFailed) || len(report.Gone)+len(report.NotFound) > 0 {
			t.Errorf("after %s: error %v, report %+v", after, err, report)
		}
	}
}

// A fence that a passing shortage hits is tried again.
func TestFenceIsTriedAgain(t *testing.T) {
	reg, names := mixedVisibility()
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassSystemInfo, Count: 3, Fault: harbortest.Anonymous()})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	if !slices.Equal(sink.names(), names) {
		t.Errorf("read %q", sink.names())
	}
}

// Without credentials the public projects are read, and of others nothing is claimed.
func TestAnonymousCaller(t *testing.T) {
	reg, _ := mixedVisibility()
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	report, sink := run(t, srv, request(t), as("", ""))
	clean(t, report, sink)
	if want := []string{"p0/a", "p0/b/c", "p2/a", "p2/b/c", "p4/a", "p4/b/c"}; !slices.Equal(sink.names(), want) || report.Version != "" {
		t.Errorf("read %q, version %q", sink.names(), report.Version)
	}

	req := request(t)
	req.Held = []string{"p0/a", "p0/gone", "p1/a", "nosuch/a"}
	req.Selection = selection(t, []string{"p0", "p1", "nosuch"}, nil, nil)
	report, sink = run(t, srv, req, as("", ""))
	if !slices.Equal(report.Gone, []string{"p0/gone"}) || len(report.NotFound) > 0 || !slices.Equal(sink.names(), []string{"p0/a", "p0/b/c"}) {
		t.Errorf("report %+v, read %q", report, sink.names())
	}
	if len(report.Failures) != 2 || report.Failures[0].Project != "nosuch" || report.Failures[1].Project != "p1" || report.Failures[0].Reason != fetch.ReasonUnauthorized {
		t.Errorf("failures %v", report.Failures)
	}
}

// A 403 that passes costs nothing but a request.
func TestForbiddenOnceIsAskedAgain(t *testing.T) {
	for _, class := range []harbortest.Class{
		harbortest.ClassProject, harbortest.ClassRepositories, harbortest.ClassArtifacts, harbortest.ClassRepository,
	} {
		reg, _ := mixedVisibility()
		fill(reg, "p1/large", 150) // needs ClassRepository
		srv := harbortest.NewServer(t, reg, harbortest.Options{})
		srv.Inject(harbortest.Rule{Class: class, Count: 2, Fault: harbortest.DatabaseShort(harbortest.Shortage{Forbidden: 1})})
		req := request(t)
		req.Selection = selection(t, []string{"p1"}, nil, nil)
		sink := &collector{}
		report, err := fetch.Run(context.Background(), client(t, srv), req, sink)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, report, sink)
		same(t, listed(reg, "p1/"), sink.lines())
	}
}
