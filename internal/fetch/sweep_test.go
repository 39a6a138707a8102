// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// many returns a registry with so many projects, library among them, and
// repositories of one artifact each, by turns.
func many(version harbortest.Version, projects, repositories int, public bool) *harbortest.Registry {
	reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(version)))
	for i := 1; i < projects; i++ {
		_ = reg.CreateProject(fmt.Sprintf("p%d", i), public) // it does not exist
	}
	names := reg.Projects()
	for i := range repositories {
		fill(reg, fmt.Sprintf("%s/r%d", names[i%len(names)], i), 1)
	}
	return reg
}

// sweep runs once for everything, and returns the request for a run that reads
// what changed since.
func sweep(t tester, c *harbor.Client, req fetch.Request) (fetch.Request, *collector) {
	t.Helper()
	sink := &collector{}
	report, err := fetch.Run(context.Background(), c, req, sink)
	if err != nil {
		t.Fatal(err)
	}
	req.Held, req.Known, req.Listed = sink.names(), unmoved(sink.repositories), report.Listed
	return req, sink
}

// When nothing has changed, a sweep takes no more than the two questions who is
// asking, the pages of projects, and those of repositories: exactly full ones,
// too, and also where all projects are public.
func TestSweepTakesFewRequests(t *testing.T) {
	versions := []harbortest.Version{harbortest.Harbor216, harbortest.Harbor28, harbortest.Harbor2151}
	for i, c := range []struct{ projects, repositories int }{
		{1, 0},
		{1, 100},
		{7, 1},
		{7, 99},
		{20, 100},
		{20, 101},
		{49, 200},
		{50, 200},
		{51, 350},
		{100, 50},
	} {
		version := versions[i%len(versions)]
		for _, public := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %d projects, %d repositories, public %t", version, c.projects, c.repositories, public), func(t *testing.T) {
				srv := harbortest.NewServer(t, many(version, c.projects, c.repositories, public), harbortest.Options{})
				req, _ := sweep(t, client(t, srv), request(t))
				before := srv.Stats().Total
				report, sink := run(t, srv, req)
				clean(t, report, sink)
				if report.Known != c.repositories || report.Repositories != c.repositories || report.Projects != c.projects {
					t.Errorf("report %+v", report)
				}
				most := 2 + (c.projects+49)/50 + max(1, (c.repositories+99)/100)
				if got := srv.Stats().Total - before; got > most {
					t.Errorf("%d requests, at most %d", got, most)
				}
			})
		}
	}
}

// Whoever asks, and whatever Harbor answers for the repositories of all projects,
// a sweep finds what the listings of the projects show.
func TestSweepForEveryAccount(t *testing.T) {
	for _, c := range []struct {
		name            string
		account         change
		fault           harbortest.Fault // of /repositories
		patterns        []string
		together, apart int
	}{
		{name: "administrator", account: as(harbortest.AdminName, harbortest.AdminSecret), together: 5},
		{name: "robot of all projects", account: as("robot$inventory", "secret"), together: 5},
		{name: "robot of some projects", account: as("robot$some", "secret"), together: 3}, // and the public ones
		{name: "robot of a project", account: as("robot$p1+one", "secret"), together: 2},
		{name: "guest", account: as("gwen", "Secret12345"), together: 2},
		{name: "anonymous", account: as("", "")},
		{name: "an OIDC user's secret", account: as(harbortest.AdminName, harbortest.AdminSecret), fault: harbortest.Anonymous(), together: 1, apart: 4},
		{name: "refused", account: as("robot$inventory", "secret"), fault: harbortest.Gateway(403), apart: 5},
		{name: "broken", account: as("robot$inventory", "secret"), fault: harbortest.InternalError(), apart: 5},
		{name: "an unknown filter", account: as("robot$inventory", "secret"), fault: harbortest.InvalidJSON(), apart: 5},
		{name: "by pattern", account: as("robot$inventory", "secret"), patterns: []string{"p[1-3]"}, together: 3},
		{name: "by pattern and name", account: as("robot$inventory", "secret"), patterns: []string{"p[1-2]", "library", "nosuch"}, together: 3},
		{name: "by name", account: as("robot$inventory", "secret"), patterns: []string{"p1", "p2"}},
		{name: "a single project", account: as("robot$inventory", "secret"), patterns: []string{"p3*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fetch.SetPageSize(t, 7)
			reg := many(harbortest.Latest, 5, 10, false)
			reg.AddRobot(harbortest.Robot{Name: "some", Secret: "secret", Projects: []string{"p1", "p2"}})
			reg.AddRobot(harbortest.Robot{Name: "one", Secret: "secret", Project: "p1"})
			reg.AddUser(harbortest.User{Name: "gwen", Secret: "Secret12345", Roles: map[string]harbortest.Role{"p1": harbortest.Guest}})
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			srv.Inject(harbortest.Rule{Class: harbortest.ClassAllRepositories, Fault: c.fault})
			req := request(t)
			req.Selection = selection(t, c.patterns, nil, nil)
			req, before := sweep(t, client(t, srv, c.account), req)
			var mu sync.Mutex
			asked := map[string]bool{}
			known := req.Known
			req.Known = func(r harbor.Repository) bool {
				mu.Lock()
				defer mu.Unlock()
				asked[r.Name] = true
				return known(r)
			}
			report, sink := run(t, srv, req, c.account)
			if got := slices.Sorted(maps.Keys(asked)); !slices.Equal(got, before.names()) || len(sink.repositories) > 0 || len(report.Gone) > 0 {
				t.Errorf("found %q, want %q; report %+v", got, before.names(), report)
			}
			if report.Together != c.together || report.Apart != c.apart {
				t.Errorf("%d projects together, %d apart, want %d, %d", report.Together, report.Apart, c.together, c.apart)
			}
			if c.apart > 0 {
				return
			}
			req.ByProject = true
			requests := srv.Stats().Requests(harbortest.ClassAllRepositories)
			other, _ := run(t, srv, req, c.account)
			other.Together = report.Together
			if diff := cmp.Diff(report, other); diff != "" {
				t.Errorf("together (-), project by project (+):\n%s", diff)
			}
			if srv.Stats().Requests(harbortest.ClassAllRepositories) != requests {
				t.Error("the listing of all repositories was asked for")
			}
		})
	}
}

// A listing of public projects that differs from the one before is not believed
// at once: Harbor may have answered it as to an anonymous caller.
func TestSweepDoubtsPublicListings(t *testing.T) {
	srv := harbortest.NewServer(t, many(harbortest.Latest, 5, 10, false), harbortest.Options{})
	req, _ := sweep(t, client(t, srv), request(t))
	srv.Inject(harbortest.Rule{Class: harbortest.ClassProjects, Count: 1, Fault: harbortest.Anonymous()})
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	if report.Projects != 5 || report.Known != 10 || !slices.Equal(report.Listed, req.Listed) {
		t.Errorf("report %+v", report)
	}
}

// Whatever others do while a sweep lists the repositories of all projects, it
// reads what was there all the time, and finds no other gone than the sweep
// project by project; and when all is quiet, both find the same.
func TestSweepMissesNothing(t *testing.T) {
	fetch.SetPageSize(t, 7)
	var together, apart, known, gone int
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		srv := harbortest.NewServer(t, h.reg, harbortest.Options{Observer: h.observe})
		defer srv.Close()
		c := client(t, srv)
		defer c.Close()
		steps := h.steps
		h.steps = nil
		req, first := sweep(t, c, request(t))
		h.mu.Lock()
		h.requests, h.steps = rapid.IntRange(0, 2).Draw(t, "the first requests"), steps
		h.mu.Unlock()
		req.ByProject = rapid.IntRange(0, 3).Draw(t, "by project") == 0
		if rapid.IntRange(0, 4).Draw(t, "short") == 0 { // some pages come as to an anonymous caller
			srv.Inject(harbortest.Rule{Class: harbortest.ClassAllRepositories, Rate: 0.5, Fault: harbortest.Anonymous()})
		} else { // what is not held is found by the listing alone
			req.Held = rapid.SliceOfDistinct(rapid.SampledFrom(req.Held), rapid.ID[string]).Draw(t, "held")
		}
		disturbed := &collector{}
		seen := map[string]bool{}
		var mu sync.Mutex
		trusted := req.Known
		req.Known = func(r harbor.Repository) bool {
			mu.Lock()
			defer mu.Unlock()
			seen[r.Name] = true
			return trusted(r)
		}
		report, err := fetch.Run(context.Background(), c, req, disturbed)
		if err != nil {
			t.Fatal(err)
		}
		h.checkSweep(t, report, disturbed, seen)
		together += report.Together
		apart += report.Apart
		known += report.Known
		gone += len(report.Gone)

		srv.ClearFaults()
		h.mu.Lock()
		h.steps = nil
		h.mu.Unlock()
		read := maps.Clone(first.repositories)
		maps.Copy(read, disturbed.repositories)
		for _, name := range report.Gone {
			delete(read, name)
		}
		var results [2]string
		for i, byProject := range []bool{false, true} {
			sink, now := &collector{}, maps.Clone(read)
			req.ByProject, req.Held, req.Known = byProject, slices.Sorted(maps.Keys(now)), unmoved(now)
			report, err := fetch.Run(context.Background(), c, req, sink)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(now, sink.repositories)
			for _, name := range report.Gone {
				delete(now, name)
			}
			if want, got := listed(h.reg, ""), (&collector{repositories: now}).lines(); h.reg.Version() == harbortest.Harbor216 && !slices.Equal(want, got) {
				t.Fatalf("Harbor lists\n%s\nknown is\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
			}
			results[i] = fmt.Sprint(report.Projects, report.Repositories, report.Known, report.Gone, report.NotFound, report.Failures, sink.lines())
		}
		if results[0] != results[1] {
			t.Fatalf("together:\n%s\nproject by project:\n%s", results[0], results[1])
		}
	})
	t.Logf("%d projects listed together, %d apart after all; %d repositories known, %d gone", together, apart, known, gone)
	if together == 0 || apart == 0 || known == 0 || gone == 0 {
		t.Error("these histories put nothing to the test")
	}
}

// checkSweep holds a sweep against the history: what was there all the time was
// found, what was read is right, and nothing is gone that was there all the time.
func (h *history) checkSweep(t *rapid.T, report fetch.Report, sink *collector, found map[string]bool) {
	if len(sink.twice) > 0 {
		t.Fatalf("came twice: %q", sink.twice)
	}
	for name, read := range sink.repositories {
		h.check(t, name, read)
	}
	for _, f := range report.Failures {
		if f.Reason != fetch.ReasonPartialAnswer || f.Repository == "" {
			t.Fatalf("failure %+v", f)
		}
	}
	for _, name := range historyRepositories {
		_, there := h.throughout(name)
		if there && !found[name] {
			t.Fatalf("%s was there all the time and was not found", name)
		}
		if there && slices.Contains(report.Gone, name) {
			t.Fatalf("%s is said to be gone and was there all the time", name)
		}
	}
}
