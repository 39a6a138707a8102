// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// history is what others do to a registry while it is read, and every state
// that the registry is in meanwhile.
type history struct {
	reg *harbortest.Registry
	// steps of the given request, by its number.
	steps map[int][]step

	mu       sync.Mutex
	requests int
	windows  int // requests for a repository's artifacts by id: readings after a disturbance, or of an old Harbor
	wide     int // requests for the artifacts of a project
	changes  int
	states   []state
}

// step is one action; its numbers choose among what there is at that time.
type step struct{ action, repository, object int }

// state is what Harbor lists at one instant, by repository and by id.
type state map[string]map[int64]harbortest.ListedArtifact

// Of project p, the repositories take two pages.
var historyRepositories = []string{"p/a", "p/b", "p/c", "p/d", "p/e", "p/f", "p/g", "p/h", "p/i", "p/j", "q/a", "q/d/e"}

const historyActions = 11

// snapshot notes a state. Every single change needs one of its own: while a step
// takes several, other requests are answered in between.
func (h *history) snapshot() {
	now := state{}
	repositories, _ := h.reg.Repositories()
	for _, r := range repositories {
		now[r.Name] = map[int64]harbortest.ListedArtifact{}
	}
	artifacts, _ := h.reg.Listed()
	for _, a := range artifacts {
		now[a.Repository][a.ID] = a
	}
	h.states = append(h.states, now)
}

func (h *history) observe(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	query := r.URL.Query().Get("q")
	switch {
	case !strings.HasSuffix(r.URL.Path, "/artifacts"), strings.Contains(query, "tags"):
	case !strings.Contains(r.URL.Path, "/repositories/"):
		h.wide++
	case query != "":
		h.windows++
	}
	for _, s := range h.steps[h.requests] {
		before := h.reg.Sequence()
		h.act(s)
		if h.reg.Sequence() != before {
			h.changes++
		}
	}
}

// act ignores what cannot be done: an index's child cannot be deleted, and so on.
func (h *history) act(s step) {
	defer h.snapshot()
	repository := historyRepositories[s.repository%len(historyRepositories)]
	listed := h.states[len(h.states)-1][repository]
	var ids []int64
	for id := range listed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	tag := fmt.Sprintf("t%d", s.object%25)
	var some harbortest.ListedArtifact
	if len(ids) > 0 {
		some = listed[ids[s.object%len(ids)]]
	}
	switch s.action {
	case 0:
		h.reg.Push(repository, harbortest.Image{})
	case 1, 2: // a new tag, or one that moves
		h.reg.Push(repository, harbortest.Image{Tags: []string{tag}})
	case 3:
		_ = h.reg.AddTag(repository, some.Digest, tag)
	case 4:
		_ = h.reg.DeleteTag(repository, tag)
	case 5, 6:
		_ = h.reg.DeleteArtifact(repository, some.Digest)
	case 7: // its children are listed until it lands; what was listed can get hidden
		children := []harbortest.Child{{Digest: h.reg.Push(repository, harbortest.Image{})}}
		h.snapshot()
		if some.Digest != "" {
			children = append(children, harbortest.Child{Digest: some.Digest})
		}
		h.reg.PushIndex(repository, harbortest.Index{Image: harbortest.Image{Tags: []string{tag}}, Children: children})
	case 8: // untag, so that an index's child gets hidden
		for _, t := range some.Tags {
			_ = h.reg.DeleteTag(repository, t)
			h.snapshot()
		}
	case 9:
		_ = h.reg.Pull(repository, some.Digest)
	case 10:
		_ = h.reg.DeleteRepository(repository)
		for range s.object % 4 * 5 { // make it again, or not
			h.snapshot()
			h.reg.Push(repository, harbortest.Image{Tags: []string{fmt.Sprintf("t%d", len(h.states)%25)}})
		}
	}
}

func drawHistory(t *rapid.T) *history {
	version := rapid.SampledFrom([]harbortest.Version{
		harbortest.Harbor216, harbortest.Harbor216, harbortest.Harbor2151, harbortest.Harbor211,
	}).Draw(t, "version")
	reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(version)))
	project(reg, "p")
	project(reg, "q")
	h := &history{reg: reg, steps: map[int][]step{}}
	h.snapshot()
	draw := rapid.Custom(func(t *rapid.T) step {
		return step{
			rapid.IntRange(0, historyActions-1).Draw(t, "action"),
			rapid.IntRange(0, len(historyRepositories)-1).Draw(t, "repository"),
			rapid.IntRange(0, 99).Draw(t, "object"),
		}
	})
	most := rapid.SampledFrom([]int{3, 30}).Draw(t, "greatest size") // small ones are read together
	for i, name := range historyRepositories {
		fill(reg, name, rapid.IntRange(0, most).Draw(t, fmt.Sprintf("size %d", i)))
	}
	h.snapshot()
	for _, s := range rapid.SliceOfN(draw, 0, 20).Draw(t, "before") {
		if s.action != 10 {
			h.act(s)
		}
	}
	h.states = h.states[len(h.states)-1:]
	for _, s := range rapid.SliceOfN(draw, 8, 60).Draw(t, "meanwhile") {
		at := rapid.IntRange(3, 40).Draw(t, "at request")
		h.steps[at] = append(h.steps[at], s)
	}
	return h
}

// throughout returns what a repository held in every state, with its tags if
// they were the same; ok is false if the repository was not there all the time.
func (h *history) throughout(repository string) (held map[int64]harbortest.ListedArtifact, ok bool) {
	held = map[int64]harbortest.ListedArtifact{}
	for i, s := range h.states {
		now, exists := s[repository]
		if !exists {
			return nil, false
		}
		for id, a := range now {
			if i == 0 {
				held[id] = a
			}
		}
		for id, a := range held {
			current, exists := now[id]
			switch {
			case !exists:
				delete(held, id)
			case !slices.Equal(a.Tags, current.Tags):
				a.Tags = nil
				held[id] = a
			}
		}
	}
	return held, true
}

// wasLike tells whether a repository held just these lines at one instant.
func (h *history) wasLike(repository string, lines []string) bool {
	return slices.ContainsFunc(h.states, func(s state) bool {
		var then []string
		for _, a := range s[repository] {
			then = append(then, lineOf(a))
		}
		slices.Sort(then)
		return slices.Equal(then, lines)
	})
}

// check holds what was read of one repository against the history.
func (h *history) check(t *rapid.T, name string, read fetch.Repository) {
	known := map[int64]bool{}
	for _, s := range h.states {
		for id := range s[name] {
			known[id] = true
		}
	}
	seen := map[int64][]string{}
	for _, a := range read.Artifacts {
		if _, twice := seen[a.ID]; twice {
			t.Fatalf("%s: %d is there twice", name, a.ID)
		}
		if !known[a.ID] {
			t.Fatalf("%s: %d did not exist since the start", name, a.ID)
		}
		seen[a.ID] = []string{}
		for _, tag := range a.Tags {
			seen[a.ID] = append(seen[a.ID], tag.Name)
		}
		slices.Sort(seen[a.ID])
	}
	held, _ := h.throughout(name)
	for id, a := range held {
		tags, ok := seen[id]
		if !ok {
			t.Fatalf("%s: %d was there all the time and is missing", name, id)
		}
		if a.Tags != nil && !slices.Equal(tags, a.Tags) {
			t.Fatalf("%s: %d had the tags %q all the time, read %q", name, id, a.Tags, tags)
		}
	}
	if read.Verified && !h.wasLike(name, linesOf(read)) {
		t.Fatalf("%s: verified, and like no state", name)
	}
}

// checkRun holds a whole run against the history.
func (h *history) checkRun(t *rapid.T, report fetch.Report, sink *collector, held []string) {
	if len(sink.twice) > 0 {
		t.Fatalf("came twice: %q", sink.twice)
	}
	for name, read := range sink.repositories {
		h.check(t, name, read)
	}
	failed := map[string]bool{}
	for _, f := range report.Failures {
		failed[f.Repository] = true
		if f.Reason != fetch.ReasonPartialAnswer || f.Repository == "" {
			t.Fatalf("failure %+v", f)
		}
	}
	for _, name := range historyRepositories {
		_, there := h.throughout(name)
		_, read := sink.repositories[name]
		if there && !read && !failed[name] {
			t.Fatalf("%s was there all the time and is missing without a failure", name)
		}
		if there && slices.Contains(report.Gone, name) {
			t.Fatalf("%s is said to be gone and was there all the time", name)
		}
		never := !slices.ContainsFunc(h.states, func(s state) bool { _, ok := s[name]; return ok })
		if never && slices.Contains(held, name) && !slices.Contains(report.Gone, name) {
			t.Fatalf("%s is held, was never there, and is not said to be gone", name)
		}
	}
	for _, name := range report.Gone {
		if !slices.Contains(held, name) {
			t.Fatalf("%s is said to be gone and was not held", name)
		}
	}
}

// Whatever others do while Harbor is read: what was there all the time is read
// once, nothing is read twice or from before the start, and what is called
// verified was Harbor's state at one instant. That holds for repositories read
// by themselves and by the listing of their project. make soak runs more of it.
func TestHistories(t *testing.T) {
	fetch.SetPageSize(t, 7)
	fetch.EagerlyWide(t)
	var histories, changes, requests, windows, wide, repositories, unverified, failures, gone int
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		held := rapid.SliceOfDistinct(rapid.SampledFrom(historyRepositories), rapid.ID[string]).Draw(t, "held")
		workers := rapid.SampledFrom([]int{1, 4}).Draw(t, "workers")
		drop := rapid.SampledFrom([]float64{0, 0, 0.05}).Draw(t, "drop")
		srv := harbortest.NewServer(t, h.reg, harbortest.Options{Observer: h.observe})
		defer srv.Close()
		if drop > 0 { // a shortage shows itself in other ways too
			srv.Inject(
				harbortest.Rule{Class: harbortest.ClassProjects, Count: 1, Fault: harbortest.InternalError()},
				harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: drop})},
				harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: drop})},
			)
		}
		c := client(t, srv)
		defer c.Close()
		req := request(t)
		req.Held, req.Workers = held, workers
		sink := &collector{}
		report, err := fetch.Run(context.Background(), c, req, sink)
		if err != nil {
			t.Fatal(err)
		}
		h.checkRun(t, report, sink, held)
		histories++
		changes += h.changes
		requests += h.requests
		windows += h.windows
		wide += h.wide
		repositories += len(sink.repositories)
		unverified += report.Unverified
		failures += len(report.Failures)
		gone += len(report.Gone)
	})
	t.Logf("%d histories, %d changes during %d requests, %d of them for artifacts by id (re-reads, or of an old Harbor), %d for those of a project; "+
		"%d repositories read, %d of them unverified; %d failed, %d gone",
		histories, changes, requests, windows, wide, repositories, unverified, failures, gone)
	if wide == 0 || windows == 0 || changes == 0 {
		t.Error("these histories put nothing to the test")
	}
}
