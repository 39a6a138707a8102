// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// unmoved is a Known that trusts what an earlier run read.
func unmoved(before map[string]fetch.Repository) func(harbor.Repository) bool {
	return func(now harbor.Repository) bool {
		was, ok := before[now.Name]
		return ok && was.Before.ID == now.ID && was.Before.ArtifactCount == now.ArtifactCount &&
			was.Before.UpdateTime.Equal(now.UpdateTime)
	}
}

func TestKnownIsNotRead(t *testing.T) {
	reg := small(5)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	_, first := run(t, srv, request(t))
	reg.Push("p/r3", harbortest.Image{Tags: []string{"new"}})
	before := srv.Stats().Total
	req := request(t)
	req.Known = unmoved(first.repositories)
	report, second := run(t, srv, req)
	if want := []string{"p/r3"}; !slices.Equal(second.names(), want) || report.Known != 4 || report.Repositories != 5 || second.found != 1 {
		t.Errorf("read %q, want %q; report %+v", second.names(), want, report)
	}
	same(t, listed(reg, "p/r3@"), second.lines())
	if got, want := srv.Stats().Total-before, 5; got != want { // who, projects, repositories, artifacts, who
		t.Errorf("%d requests, want %d", got, want)
	}
}

// Whatever others do while Harbor is read, a second run that reads those
// repositories only which are no longer as they were before the first run read
// them makes up for it.
func TestKnownMissesNothing(t *testing.T) {
	fetch.SetPageSize(t, 7)
	known := 0
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		if h.reg.Version() != harbortest.Harbor216 {
			return // its repositories do not tell of changes
		}
		srv := harbortest.NewServer(t, h.reg, harbortest.Options{Observer: h.observe})
		defer srv.Close()
		c := client(t, srv)
		defer c.Close()
		req := request(t)
		read := map[string]fetch.Repository{}
		for i := range 2 {
			sink := &collector{}
			req.Held = nil
			for name := range read {
				req.Held = append(req.Held, name)
			}
			report, err := fetch.Run(context.Background(), c, req, sink)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(read, sink.repositories)
			for _, name := range report.Gone {
				delete(read, name)
			}
			if i == 1 {
				known += report.Known
			}
			h.mu.Lock()
			h.steps = nil // nothing happens during the second run
			h.mu.Unlock()
			req.Known = unmoved(read)
		}
		all := &collector{repositories: read}
		if want, got := listed(h.reg, ""), all.lines(); !slices.Equal(want, got) {
			t.Fatalf("Harbor lists\n%s\nknown is\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	})
	if known == 0 {
		t.Error("no repository was ever known")
	}
	t.Logf("%d repositories were known", known)
}

func TestOnly(t *testing.T) {
	reg := small(4)
	project(reg, "q")
	fill(reg, "q/x", 1)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Selection = selection(t, []string{"p"}, nil, nil)
	req.Held = []string{"p/gone", "p/r0"}
	req.Only = []string{"p/r2", "q/x", "p/gone", "p/r2"}
	var mu sync.Mutex
	var asked []string
	req.Known = func(r harbor.Repository) bool {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Name)
		return false
	}
	report, sink := run(t, srv, req)
	same(t, listed(reg, "p/r2@"), sink.lines())
	if want := []string{"p/gone"}; !slices.Equal(report.Gone, want) || len(report.NotFound)+len(report.Failures) > 0 || report.Repositories != 1 {
		t.Errorf("report %+v", report)
	}
	if !slices.Equal(asked, []string{"p/r2"}) {
		t.Errorf("asked about %q", asked)
	}
}
