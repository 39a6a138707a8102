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
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Whatever is wrong with one repository, the others are complete.
func TestFaultOfOneRepository(t *testing.T) { //nolint:tparallel // other tests of the package change its page size
	for name, c := range map[string]struct {
		fault harbortest.Fault
		want  fetch.Reason
	}{
		"502":               {harbortest.Gateway(502), fetch.ReasonUnavailable},
		"503, wait":         {harbortest.All(harbortest.Gateway(503), harbortest.RetryAfter("1")), fetch.ReasonUnavailable},
		"504":               {harbortest.Gateway(504), fetch.ReasonUnavailable},
		"500":               {harbortest.InternalError(), fetch.ReasonUnavailable},
		"429":               {harbortest.TooManyRequests("1"), fetch.ReasonUnavailable},
		"proxy's 404":       {harbortest.Gateway(404), fetch.ReasonInvalidAnswer},
		"page":              {harbortest.HTML(), fetch.ReasonInvalidAnswer},
		"invalid JSON":      {harbortest.InvalidJSON(), fetch.ReasonInvalidAnswer},
		"content type":      {harbortest.ContentType("text/plain"), fetch.ReasonInvalidAnswer},
		"redirect":          {harbortest.Redirect("http://other.example.com/"), fetch.ReasonInvalidAnswer},
		"reset":             {harbortest.Reset(), fetch.ReasonUnavailable},
		"reset in mid-body": {harbortest.ResetMidBody(), fetch.ReasonUnavailable},
		"stall":             {harbortest.Stall(), fetch.ReasonUnavailable},
		"stall in mid-body": {harbortest.StallMidBody(), fetch.ReasonUnavailable},
		"forbidden":         {harbortest.DatabaseShort(harbortest.Shortage{Forbidden: 1}), fetch.ReasonForbidden},
		"anonymous":         {harbortest.Anonymous(), fetch.ReasonUnauthorized},
		"table locked":      {harbortest.ArtifactTableLocked(), fetch.ReasonUnavailable},
		"database down":     {harbortest.DatabaseDown(), fetch.ReasonUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := small(8)
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/r3/", Fault: c.fault})
			req := request(t)
			req.Held = []string{"p/r3"}
			report, sink := run(t, srv, req, tries(2), func(config *harbor.Config) {
				if strings.Contains(name, "stall") { // a busy machine must not look like another fault
					config.Timeouts.Header, config.Timeouts.Idle = time.Second, time.Second
				}
			})
			if len(report.Failures) != 1 || report.Failures[0].Reason != c.want ||
				report.Failures[0].Repository != "p/r3" || report.Failures[0].Project != "p" || report.Failures[0].Err == nil {
				t.Errorf("failures %v, want %s", report.Failures, c.want)
			}
			report.Failures = nil
			clean(t, report, sink)
			all := listed(reg, "")
			same(t, slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, "p/r3@") }), sink.lines())
		})
	}
}

// Every phase of a long listing may fail.
func TestFaultInMidListing(t *testing.T) {
	queried := func(part string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, part) }
	}
	for _, c := range []struct {
		name    string
		version harbortest.Version
		rule    harbortest.Rule
	}{
		{"page", harbortest.Harbor216, harbortest.Rule{Class: harbortest.ClassArtifacts, If: queried("page=2")}},
		{"cut", harbortest.Harbor2151, harbortest.Rule{Class: harbortest.ClassArtifacts, If: queried("page_size=1&")}},
		{"window", harbortest.Harbor2151, harbortest.Rule{Class: harbortest.ClassArtifacts, If: queried("page_size=100&q=id")}},
		{"untagged", harbortest.Harbor216, harbortest.Rule{Class: harbortest.ClassArtifacts, If: queried("tags%253Dnil")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := large(c.version, 330)
			for range 20 {
				reg.Push("p/large", harbortest.Image{})
			}
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			c.rule.Path, c.rule.Fault = "/large/", harbortest.InternalError()
			srv.Inject(c.rule)
			report, sink := run(t, srv, request(t), tries(2))
			if len(report.Failures) != 1 || report.Failures[0].Repository != "p/large" || report.Failures[0].Reason != fetch.ReasonUnavailable {
				t.Errorf("failures %v", report.Failures)
			}
			if want := []string{"p/before", "p/small"}; !slices.Equal(sink.names(), want) {
				t.Errorf("read %q, want %q", sink.names(), want)
			}
		})
	}
}

// A connection that breaks off in mid-answer may look like one of several faults.
func TestTruncatedAnswers(t *testing.T) {
	srv := harbortest.NewServer(t, small(4), harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/r3/", Fault: harbortest.Truncate()})
	report, sink := run(t, srv, request(t), tries(2))
	reasons := []fetch.Reason{fetch.ReasonInvalidAnswer, fetch.ReasonUnavailable}
	if len(report.Failures) != 1 || !slices.Contains(reasons, report.Failures[0].Reason) || len(sink.repositories) != 3 {
		t.Errorf("failures %v, read %q", report.Failures, sink.names())
	}
}

// A fault that passes leaves no trace.
func TestFaultsThatPass(t *testing.T) {
	reg := small(30)
	fill(reg, "p/large", 350)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	for _, fault := range []harbortest.Fault{
		harbortest.Gateway(502), harbortest.InternalError(), harbortest.Reset(), harbortest.Truncate(), harbortest.InvalidJSON(), harbortest.ResetMidBody(),
	} {
		srv.Inject(harbortest.Rule{Rate: 0.05, Fault: fault})
	}
	report, sink := run(t, srv, request(t), tries(20))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
}

// A Harbor that goes down is not asked for everything that is left.
func TestHarborDownInMidRun(t *testing.T) {
	fetch.NeverWide(t)
	for name, fault := range map[string]harbortest.Fault{
		"core": harbortest.CoreDown(), "database": harbortest.DatabaseDown(), "network": harbortest.Reset(),
	} {
		t.Run(name, func(t *testing.T) {
			reg := small(400)
			var asked, down atomic.Int64
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(*http.Request) { asked.Add(1) }})
			srv.Inject(harbortest.Rule{Fault: fault, If: func(*http.Request) bool {
				return asked.Load() > 100 && down.Add(1) > 0
			}})
			req := request(t)
			req.Held = []string{"p/gone", "nosuch/gone"}
			sink := &collector{}
			report, err := fetch.Run(t.Context(), client(t, srv, tries(3)), req, sink)
			if !errors.Is(err, fetch.ErrUnavailable) {
				t.Errorf("error %v", err)
			}
			if len(report.Gone)+len(report.NotFound) > 0 || len(sink.repositories) == 0 {
				t.Errorf("gone %q, not found %q, %d read", report.Gone, report.NotFound, len(sink.repositories))
			}
			// Those in a row, those at work beside them, and the question whether Harbor
			// lives, three tries each; net/http repeats one of its own on a connection
			// that broke.
			if most := int64(6 * (fetch.UnansweredBeforeCheck + req.Workers + 4)); down.Load() > most {
				t.Errorf("%d requests after Harbor went down, want at most %d", down.Load(), most)
			}
		})
	}
}

// Many repositories that keep failing, the last ones of a run, do not make
// Harbor look as if it were down.
func TestManyBadRepositories(t *testing.T) {
	fetch.NeverWide(t)
	reg := small(50)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/r1", Fault: harbortest.InternalError()}) // r1, r10 to r19
	srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/r2", Fault: harbortest.InternalError()})
	req := request(t)
	req.Held = []string{"p/gone"}
	report, sink := run(t, srv, req, tries(2))
	if len(report.Failures) != 22 || len(sink.repositories) != 28 || !slices.Equal(report.Gone, []string{"p/gone"}) {
		t.Errorf("%d failures, %d read, gone %q", len(report.Failures), len(sink.repositories), report.Gone)
	}
}

// The context's end is the run's error, and makes no failures.
func TestContextEnds(t *testing.T) {
	fetch.NeverWide(t)
	reg := small(40)
	errEnough := errors.New("enough")

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	sink := &collector{before: func(_ context.Context, r fetch.Repository) error {
		if r.Name == "p/r9" {
			cancel(errEnough)
		}
		return nil
	}}
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Held = []string{"p/gone"}
	report, err := fetch.Run(ctx, client(t, srv), req, sink)
	if !errors.Is(err, errEnough) || len(report.Failures)+len(report.Gone)+len(report.NotFound) > 0 {
		t.Errorf("canceled: error %v, report %+v", err, report)
	}

	for _, class := range []harbortest.Class{harbortest.ClassSystemInfo, harbortest.ClassProjects, harbortest.ClassRepositories, harbortest.ClassArtifacts} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errEnough)
		srv := harbortest.NewServer(t, reg, harbortest.Options{})
		srv.Inject(harbortest.Rule{Class: class, Fault: harbortest.Stall()})
		report, err := fetch.Run(ctx, client(t, srv), req, &collector{})
		cancel()
		if !errors.Is(err, errEnough) || len(report.Failures)+len(report.Gone)+len(report.NotFound) > 0 {
			t.Errorf("deadline at %s: error %v, report %+v", class, err, report)
		}
	}
}

// The sink's errors are failures, also those that look like the end of the run.
func TestSinkErrors(t *testing.T) {
	reg := small(10)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	sink := &collector{before: func(_ context.Context, r fetch.Repository) error {
		switch r.Name {
		case "p/r3":
			return errors.New("disk full")
		case "p/r5":
			return fmt.Errorf("writing: %w", context.DeadlineExceeded)
		}
		return nil
	}}
	report, err := fetch.Run(t.Context(), client(t, srv), request(t), sink)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Failures) != 2 || report.Failures[0].Repository != "p/r3" || report.Failures[1].Repository != "p/r5" ||
		report.Failures[0].Reason != fetch.ReasonWrite || report.Failures[1].Reason != fetch.ReasonWrite {
		t.Errorf("failures %v", report.Failures)
	}
	if len(sink.repositories) != 8 {
		t.Errorf("read %q", sink.names())
	}
}

// A repository that stalls, in Harbor or in the sink, goes on when all others
// are through: it does not hold them up.
func TestStalledRepositoryHoldsUpNoOther(t *testing.T) {
	const n = 40
	t.Run("Harbor", func(t *testing.T) {
		srv := harbortest.NewServer(t, small(n), harbortest.Options{})
		remove := srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/r0/", Fault: harbortest.Stall()})
		var others atomic.Int64
		sink := &collector{before: func(_ context.Context, r fetch.Repository) error {
			if r.Name != "p/r0" && others.Add(1) == n-1 {
				remove()
			}
			return nil
		}}
		report, err := fetch.Run(t.Context(), client(t, srv), request(t), sink)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, report, sink)
		if len(sink.repositories) != n {
			t.Errorf("%d repositories", len(sink.repositories))
		}
	})
	t.Run("sink", func(t *testing.T) {
		srv := harbortest.NewServer(t, small(n), harbortest.Options{})
		released := make(chan struct{})
		var others atomic.Int64
		sink := &collector{before: func(_ context.Context, r fetch.Repository) error {
			if r.Name == "p/r0" {
				<-released
			} else if others.Add(1) == n-1 {
				close(released)
			}
			return nil
		}}
		report, err := fetch.Run(t.Context(), client(t, srv), request(t), sink)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, report, sink)
	})
}

// However many workers there are, and whatever goes wrong: no more requests are
// in flight than the limiter lets through.
func TestInFlight(t *testing.T) {
	for _, limit := range []int{1, 3, 8} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			reg := small(60)
			fill(reg, "p/large", 950)
			srv := harbortest.NewServer(t, reg, harbortest.Options{Latency: 2 * time.Millisecond})
			for _, fault := range []harbortest.Fault{
				harbortest.Gateway(502), harbortest.Reset(), harbortest.Truncate(), harbortest.InvalidJSON(),
				harbortest.TooManyRequests(""), harbortest.Trickle(2000, time.Millisecond),
			} {
				srv.Inject(harbortest.Rule{Rate: 0.05, Fault: fault})
			}
			req := request(t)
			req.Workers = 2 * limit
			report, sink := run(t, srv, req, tries(20), limited(limit))
			clean(t, report, sink)
			same(t, listed(reg, ""), sink.lines())
			if highest := srv.Stats().HighestEver; highest > limit || highest < min(limit, 2) {
				t.Errorf("%d requests in flight, want up to %d", highest, limit)
			}
		})
	}
}
