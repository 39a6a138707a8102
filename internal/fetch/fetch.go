// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Request says what to read.
type Request struct {
	Selection *Selection

	// Query is passed on as the q of artifact listings.
	Query string

	// Narrow holds further conditions that the caller applies to what it gets in
	// any case. They are added to Query where a repository is read by its own
	// listing: that spares pages. Where repositories are read together, all of
	// their artifacts come.
	Narrow string

	// Details to ask for with each artifact.
	Details harbor.Details

	// Version of Harbor, as an earlier run told with these credentials. With Only,
	// it spares the first question who we are to Harbor, and the second one unless
	// something seems gone. May be empty.
	Version string

	// Only names the repositories to read, by their full names, and no others: no
	// listing is read, and nothing is reported as NotFound. The first ones come
	// first. Those that the selection does not cover are left out. Nil: everything
	// selected.
	Only []string

	// Known is asked about each repository that is found and selected, with its
	// entry in its project's listing, before its artifacts are read. True: the
	// caller has them, and they are not read. Nil: all are read. It is called by
	// several goroutines at once.
	Known func(harbor.Repository) bool

	// Listed are the ids of the projects that an earlier run with these credentials
	// listed (Report.Listed). A listing that shows the same is believed at once,
	// even if it is one that an anonymous caller could get: then a new private
	// project may be missed this time. May be nil.
	Listed []int64

	// ByProject has the repositories listed project by project where, with Known,
	// one listing of all projects would take fewer requests.
	ByProject bool

	// Held names the repositories that the caller holds entries of. Those that
	// Harbor no longer lists are asked about one by one.
	Held []string

	// Workers is the number of tasks at work at a time; one that waits for
	// another try holds no connection. At least 1; give twice the connections.
	Workers int

	// Writers is the number of goroutines that call the sink. At least 1.
	Writers int
}

// Repository is what was read of one repository.
type Repository struct {
	Project string
	Name    string // full, with the project

	// Before is the repository as it was before its artifacts were read, and
	// Began when that reading began: whatever changed later, Harbor tells of a
	// state other than Before.
	Before harbor.Repository
	Began  time.Time

	// Artifacts in the order of their ids, each once.
	Artifacts []harbor.Artifact

	// Verified tells that the artifacts and, as far as Harbor reads them at once,
	// their tags are those of one instant. Otherwise all that existed throughout
	// the listing are there, beside some that came or went meanwhile.
	Verified bool
}

// Sink takes what was read. Its methods are called by several goroutines at once.
type Sink interface {
	// Found tells that so many more repositories will be read.
	Found(repositories int)

	// Repository takes one repository, once for each. An error becomes a Failure
	// with ReasonWrite.
	Repository(ctx context.Context, r Repository) error
}

// Report is the outcome of a run.
type Report struct {
	// Version of Harbor; empty for anonymous callers.
	Version string

	// Projects and Repositories are the numbers of those found and selected. Where
	// the selection names repositories, a project counts that has one of them.
	Projects     int
	Repositories int

	// Known counts those of Repositories that Request.Known kept from being read.
	Known int

	// Seen are the selected projects that Harbor showed, sorted by name. None
	// where Request.Only is set.
	Seen []harbor.Project

	// Listed are the ids of all projects that Harbor showed, rising; nil where they
	// were not listed, or the listing was not believed.
	Listed []int64

	// Together counts the selected projects whose repositories were taken from the
	// listing of those of all projects, and Apart those that it did not show as
	// their entries count them, so that they were listed one by one: all of them if
	// it was refused. Both are 0 where it was not asked for, or failed.
	Together, Apart int

	// Unverified counts repositories handed to the sink whose artifacts may be
	// those of more than one instant: they changed while they were read, or they
	// have several pages and this Harbor does not tell whether they changed.
	Unverified int

	// Failures, sorted.
	Failures []Failure

	// NotFound holds entries of the selection that matched nothing, sorted. An
	// entry is left out where a failure makes it unsure.
	NotFound []string

	// Gone holds those of Request.Held that Harbor, asked by name, no longer has, sorted.
	Gone []string
}

// Run reads everything that the request selects. It returns when each
// repository has been handed to the sink, is gone or is named by a failure, or
// when the context ends; then the error is the context's cause. With an error
// the report tells what was done until then, and Gone and NotFound are empty.
//
//  1. Ask who we are to Harbor; stop if it does not know the credentials.
//  2. Work through the queue: projects, their repositories, their artifacts.
//  3. Ask again who we are: only then is absence believed.
func Run(ctx context.Context, client *harbor.Client, req Request, sink Sink) (Report, error) {
	// 1.
	info := harbor.SystemInfo{Version: req.Version}
	if req.Only == nil || info.Version == "" {
		var err error
		if info, err = authenticate(ctx, client); err != nil {
			return Report{}, cmp.Or(context.Cause(ctx), err)
		}
	}

	// 2.
	workCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{
		client: client, req: req, sink: sink, stop: stop,
		queue:     newQueue(),
		sightings: newSightings(req.Selection),
		backlog:   newBacklog(),
		held:      heldByProject(req),
		stamps:    StampsTellChanges(info.Version),
		chosen:    map[string]bool{},
		report:    Report{Version: info.Version},
	}
	writers := r.startWriters(workCtx)
	if req.Only != nil {
		r.findOnly()
	} else {
		r.queue.add(listRepositories, r.findProjects)
	}
	r.queue.run(workCtx, max(1, req.Workers))
	close(r.backlog.repositories)
	_ = writers.Wait() // the writers return no error

	// 3.
	report := r.finish()
	err := context.Cause(workCtx)
	if err == nil && (req.Only == nil || len(report.Gone) > 0) {
		if _, err = authenticate(ctx, client); err != nil {
			err = cmp.Or(context.Cause(ctx), err)
		}
	}
	if err != nil {
		report.Gone, report.NotFound = nil, nil
	}
	return report, err
}

// run is the state of one Run.
type run struct {
	client    *harbor.Client
	req       Request
	sink      Sink
	stop      context.CancelCauseFunc
	queue     *queue
	sightings *sightings
	backlog   *backlog
	held      map[string][]string // project -> full names
	stamps    bool                // whether update_time tells every change

	// noWide: Harbor refuses the listing of a whole project, or its filter.
	noWide atomic.Bool

	// unanswered counts tasks that Harbor did not answer, since one that it did.
	unanswered atomic.Int32

	mu     sync.Mutex
	unsure bool            // a project could not be listed
	chosen map[string]bool // projects with a repository that is selected
	report Report
}

// heldByProject leaves out what the selection no longer covers: the caller
// knows that without Harbor.
func heldByProject(req Request) map[string][]string {
	held := map[string][]string{}
	for _, full := range req.Held {
		if project, _, ok := harbor.SplitRepository(full); ok && req.Selection.Repository(full) {
			held[project] = append(held[project], full)
		}
	}
	return held
}

func (r *run) isHeld(full string) bool {
	project, _, _ := harbor.SplitRepository(full)
	return slices.Contains(r.held[project], full)
}

// gone notes those of the repositories that the caller holds.
func (r *run) gone(full ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range full {
		if r.isHeld(name) {
			r.report.Gone = append(r.report.Gone, name)
		}
	}
}

func (r *run) finish() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	if len(r.req.Selection.repositories) > 0 {
		report.Projects = len(r.chosen)
	}
	sortFailures(report.Failures)
	slices.Sort(report.Gone)
	report.Gone = slices.Compact(report.Gone)
	slices.SortFunc(report.Seen, func(a, b harbor.Project) int { return cmp.Compare(a.Name, b.Name) })
	if r.req.Only == nil {
		report.NotFound = r.sightings.missing(r.unsure)
	}
	return report
}
