// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// matrixFault is a row of the matrix. One that passes is got over where it hits
// some requests; the others are Harbor's or somebody's last word.
type matrixFault struct {
	name   string
	passes bool
	slow   bool   // it needs time-outs; the others must not meet them on a busy machine
	says   string // a part of the error where everything meets the fault
	fault  harbortest.Fault
	// serve, in place of a fault, serves with one of connections.
	serve func(testing.TB, *harbortest.Registry, float64) (*harbortest.Server, change)
}

const broke = "the connection failed or broke"

var matrixFaults = []matrixFault{
	{name: "429", passes: true, says: "HTTP status 429", fault: harbortest.TooManyRequests("")},
	{name: "429, Retry-After: 1", passes: true, says: "HTTP status 429", fault: harbortest.TooManyRequests("1")},
	{name: "500", passes: true, says: "HTTP status 500", fault: harbortest.InternalError()},
	{name: "502", passes: true, says: "HTTP status 502", fault: harbortest.Gateway(http.StatusBadGateway)},
	{name: "503", passes: true, says: "HTTP status 503", fault: harbortest.Gateway(http.StatusServiceUnavailable)},
	{name: "504", passes: true, says: "HTTP status 504", fault: harbortest.Gateway(http.StatusGatewayTimeout)},
	{name: "reset before the answer", passes: true, says: broke, fault: harbortest.Reset()},
	{name: "reset in mid-body", passes: true, says: broke, fault: harbortest.ResetMidBody()},
	{name: "truncated", passes: true, says: "JSON is broken, cut off", fault: harbortest.Truncate()},
	{name: "stalled", passes: true, slow: true, says: "no answer in time", fault: harbortest.Stall()},
	{name: "stalled in mid-body", passes: true, slow: true, says: "no answer in time", fault: harbortest.StallMidBody()},
	{name: "slow trickle", passes: true, slow: true, fault: harbortest.Trickle(512, 5*time.Millisecond)},
	{name: "invalid JSON", passes: true, says: "JSON is broken", fault: harbortest.InvalidJSON()},
	{name: "wrong totals", passes: true, says: "kept contradicting", fault: harbortest.TotalCount(1)},
	{name: "HTML 200", passes: true, says: "not JSON", fault: harbortest.HTML()},
	{name: "redirect elsewhere", says: "redirected to another host", fault: harbortest.Redirect("http://127.0.0.1:1/")},
	{name: "TLS handshake fails", passes: true, says: broke, serve: handshakes},
	{name: "another's certificate", says: "certificate cannot be verified", serve: certificates},
	{name: "name not found", passes: true, says: "host name cannot be resolved", serve: names},
}

// matrixRetry makes it unlikely enough, 1 in 10 million, that one call meets a
// fault at every try where one request in five does. The client's own default, 8
// tries, leaves 1 in 390,000: a test must not fail for that.
var matrixRetry = transport.RetryPolicy{Tries: 10, Base: 2 * time.Millisecond, Max: 4 * time.Millisecond, MaxRetryAfter: time.Millisecond}

// matrixLatency is enough for a run's time to depend on its requests, more than on
// what else the machine does.
const matrixLatency = 5 * time.Millisecond

// matrixRun is what came of one run.
type matrixRun struct {
	outcome  string
	requests int
	took     time.Duration
	complete bool
	gone     int
	wrong    string // something that was handed on and is not so
	errs     error  // that of the run and of the failures
	sink     *collector
}

// meets reads a registry while so much of the requests, all if 1, meet the fault;
// those whose path has the part, if it is one of requests.
func (f matrixFault) meets(tb testing.TB, reg *harbortest.Registry, rate float64, path string) matrixRun {
	tb.Helper()
	var srv *harbortest.Server
	reaching := func(*harbor.Config) {}
	if f.serve != nil {
		srv, reaching = f.serve(tb, reg, rate)
	} else {
		srv = harbortest.NewServer(tb, reg, harbortest.Options{Seed: rand.Uint64(), Latency: matrixLatency})
	}
	defer srv.Close()
	if f.serve == nil && rate > 0 {
		srv.Inject(harbortest.Rule{Rate: rate, Path: path, Fault: f.fault})
	}
	config := harbor.Config{
		URL: srv.URL, Username: "robot$inventory", Password: "secret", UserAgent: "test",
		MaxConnections: 5, Limiters: []*transport.Limiter{transport.NewLimiter(5)}, Retry: matrixRetry,
	}
	if f.slow {
		config.Timeouts = transport.Timeouts{Header: 400 * time.Millisecond, Idle: 400 * time.Millisecond, Request: time.Second}
	}
	reaching(&config)
	client, err := harbor.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	selection, err := fetch.NewSelection(nil, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	run := matrixRun{sink: &collector{}}
	start := time.Now()
	report, err := fetch.Run(context.Background(), client, fetch.Request{
		Selection: selection, Details: harbor.Details{Tags: true}, Workers: 10, Writers: 2,
		Held: []string{"p/large", "p/r0", "q/gone-from-the-listing"}, // nobody may call the first two gone
	}, run.sink)
	run.took, run.requests = time.Since(start), srv.Stats().Total
	run.judge(reg, report, err)
	return run
}

func (run *matrixRun) judge(reg *harbortest.Registry, report fetch.Report, err error) {
	run.gone = len(slices.DeleteFunc(slices.Clone(report.Gone), func(name string) bool { return name == "q/gone-from-the-listing" }))
	for _, name := range run.sink.names() {
		if want, got := listed(reg, name+"@"), linesOf(run.sink.repositories[name]); !slices.Equal(want, got) {
			run.wrong = fmt.Sprintf("%s: Harbor lists %d artifacts, %d were handed on, or other tags", name, len(want), len(got))
		}
	}
	run.complete = err == nil && len(report.Failures) == 0 && slices.Equal(listed(reg, ""), run.sink.lines())
	run.errs = err
	reasons := map[string]bool{}
	for _, failure := range report.Failures {
		run.errs = errors.Join(run.errs, failure.Err)
		reasons[string(failure.Reason)] = true
	}
	switch {
	case run.complete:
		run.outcome = "complete"
	case errors.Is(err, fetch.ErrAuthenticationFailed):
		run.outcome = "ended: authentication"
	case errors.Is(err, fetch.ErrUnavailable), errors.Is(err, harbor.ErrUnavailable):
		run.outcome = "ended: unavailable"
	case errors.Is(err, harbor.ErrInvalidResponse):
		run.outcome = "ended: invalid answers"
	case err != nil:
		run.outcome = "ended: " + err.Error()
	default:
		run.outcome = "named: " + strings.Join(slices.Sorted(maps.Keys(reasons)), ", ")
	}
}

// bad tells what no run may do, whatever it meets.
func (run *matrixRun) bad() string {
	switch {
	case run.gone > 0:
		return fmt.Sprintf("%d repositories that are there are called gone", run.gone)
	case run.wrong != "":
		return run.wrong
	case !run.complete && run.errs == nil:
		return "something is missing that nothing names"
	}
	return ""
}

// matrixRegistry has a repository of several pages, some of one, and one that
// nobody lists.
func matrixRegistry() *harbortest.Registry {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	project(reg, "q")
	fill(reg, "p/large", 450)
	for i := range 10 {
		fill(reg, fmt.Sprintf("p/r%d", i), 20)
		fill(reg, fmt.Sprintf("q/r%d", i), 3)
	}
	return reg
}

// inProject is in the paths of all that is asked of project p.
const inProject = "/projects/p/"

// Where one request in five meets a fault that passes, everything is read all the
// same. Where all do, what is wrong is named, nothing is said to be gone, and
// nothing wrong handed on; a slow trickle may be got over by smaller pages. Where
// all of one project do, the other one is read.
func TestFaultMatrix(t *testing.T) { //nolint:tparallel // other tests of the package change its page size
	serveNames(t)
	reg := matrixRegistry()
	for _, f := range matrixFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if run := f.meets(t, reg, 0.2, ""); run.bad() != "" || f.passes && !run.complete {
				t.Errorf("one in five: %s %s: %v", run.outcome, run.bad(), run.errs)
			}
			run := f.meets(t, reg, 1, "")
			if run.bad() != "" || run.complete && f.says != "" || !run.complete && !strings.Contains(run.errs.Error(), f.says) {
				t.Errorf("always: %s %s: %v, want %q", run.outcome, run.bad(), run.errs, f.says)
			}
			if f.serve == nil {
				run := f.meets(t, reg, 1, inProject)
				other := slices.DeleteFunc(run.sink.lines(), func(line string) bool { return !strings.HasPrefix(line, "q/") })
				if run.bad() != "" {
					t.Errorf("in one project: %s %s: %v", run.outcome, run.bad(), run.errs)
				}
				same(t, listed(reg, "q/"), other)
			}
		})
	}
}

// matrixColumns are those of the table in docs/faults.md: which requests meet the
// fault, and of how many runs a cell tells.
var matrixColumns = []struct {
	name string
	rate float64
	path string
	runs int
}{{"1 %", 0.01, "", 10}, {"20 %", 0.2, "", 3}, {"all of one project", 1, inProject, 1}, {"all", 1, "", 1}}

// BenchmarkFaultMatrix prints docs/faults.md's table.
func BenchmarkFaultMatrix(b *testing.B) {
	serveNames(b)
	reg := matrixRegistry()
	for b.Loop() {
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', tabwriter.Debug)
		_, _ = fmt.Fprint(out, "\n| Fault \t none")
		for _, column := range matrixColumns {
			_, _ = fmt.Fprintf(out, " \t %s", column.name)
		}
		_, _ = fmt.Fprintf(out, "\t\n|---%s\t\n", strings.Repeat("\t---", 1+len(matrixColumns)))
		for _, f := range matrixFaults {
			free := f.cell(b, reg, 0, "", 10)
			_, _ = fmt.Fprintf(out, "| %s \t %s, %.0f", f.name, free.outcomes, free.requests)
			for _, column := range matrixColumns {
				if f.serve != nil && column.path != "" {
					_, _ = fmt.Fprint(out, " \t ")
					continue
				}
				c := f.cell(b, reg, column.rate, column.path, column.runs)
				_, _ = fmt.Fprintf(out, " \t %s, %.0f, %.1f x", c.outcomes, c.requests, c.seconds/free.seconds)
			}
			_, _ = fmt.Fprint(out, "\t\n")
		}
		if err := out.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

// matrixCell tells of several runs: of each outcome how many, unless all are
// alike, and the means.
type matrixCell struct {
	outcomes          string
	requests, seconds float64
}

func (f matrixFault) cell(b *testing.B, reg *harbortest.Registry, rate float64, path string, runs int) matrixCell {
	b.Helper()
	var c matrixCell
	outcomes := map[string]int{}
	for range runs {
		run := f.meets(b, reg, rate, path)
		if bad := run.bad(); bad != "" {
			b.Fatalf("%s at %g: %s", f.name, rate, bad)
		}
		outcomes[run.outcome]++
		c.requests += float64(run.requests) / float64(runs)
		c.seconds += run.took.Seconds() / float64(runs)
	}
	var all []string
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		if len(outcomes) > 1 {
			outcome = fmt.Sprintf("%d %s", outcomes[outcome], outcome)
		}
		all = append(all, outcome)
	}
	c.outcomes = strings.Join(all, "; ")
	return c
}
