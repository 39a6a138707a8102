// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
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
	fault  harbortest.Fault
	config change // in place of a fault: what the client meets at every connection
}

var matrixFaults = []matrixFault{
	{name: "429", passes: true, fault: harbortest.TooManyRequests("")},
	{name: "429, Retry-After: 1", passes: true, fault: harbortest.TooManyRequests("1")},
	{name: "500", passes: true, fault: harbortest.InternalError()},
	{name: "502", passes: true, fault: harbortest.Gateway(http.StatusBadGateway)},
	{name: "503", passes: true, fault: harbortest.Gateway(http.StatusServiceUnavailable)},
	{name: "504", passes: true, fault: harbortest.Gateway(http.StatusGatewayTimeout)},
	{name: "reset before the answer", passes: true, fault: harbortest.Reset()},
	{name: "reset in mid-body", passes: true, fault: harbortest.ResetMidBody()},
	{name: "truncated", passes: true, fault: harbortest.Truncate()},
	{name: "stalled", passes: true, fault: harbortest.Stall()},
	{name: "stalled in mid-body", passes: true, fault: harbortest.StallMidBody()},
	{name: "slow trickle", passes: true, fault: harbortest.Trickle(512, 20*time.Millisecond)},
	{name: "invalid JSON", passes: true, fault: harbortest.InvalidJSON()},
	{name: "wrong totals", passes: true, fault: harbortest.TotalCount(1)},
	{name: "HTML 200", passes: true, fault: harbortest.HTML()},
	{name: "redirect elsewhere", fault: harbortest.Redirect("http://127.0.0.1:1/")},
	{name: "TLS failure", config: func(c *harbor.Config) { c.URL = strings.Replace(c.URL, "http:", "https:", 1) }},
	{name: "DNS failure", config: func(c *harbor.Config) { c.URL = "http://harbor.invalid" }},
}

// matrixRetry makes it unlikely enough, 1 in 10 million, that one call meets a
// fault at every try where one request in five does. The client's own default, 8
// tries, leaves 1 in 390,000: a test must not fail for that.
var matrixRetry = transport.RetryPolicy{Tries: 10, Base: 2 * time.Millisecond, Max: 4 * time.Millisecond, MaxRetryAfter: time.Millisecond}

// matrixRun is what came of one run.
type matrixRun struct {
	outcome  string
	requests int
	took     time.Duration
	complete bool
	gone     int
	wrong    string // something that was handed on and is not so
}

// meets reads a registry while so much of the requests, all if 1, meet the fault.
func (f matrixFault) meets(tb testing.TB, reg *harbortest.Registry, rate float64) matrixRun {
	tb.Helper()
	srv := harbortest.NewServer(tb, reg, harbortest.Options{Seed: rand.Uint64()})
	defer srv.Close()
	if f.config == nil && rate > 0 {
		srv.Inject(harbortest.Rule{Rate: rate, Fault: f.fault})
	}
	config := harbor.Config{
		URL: srv.URL, Username: "robot$inventory", Password: "secret", UserAgent: "test",
		MaxConnections: 5, Limiters: []*transport.Limiter{transport.NewLimiter(5)}, Retry: matrixRetry,
		Timeouts: transport.Timeouts{Dial: time.Second, TLS: time.Second, Header: 400 * time.Millisecond, Idle: 400 * time.Millisecond, Request: 1500 * time.Millisecond},
	}
	if f.config != nil && rate > 0 {
		f.config(&config)
	}
	client, err := harbor.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	selection, err := fetch.NewSelection(nil, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	sink := &collector{}
	start := time.Now()
	report, err := fetch.Run(context.Background(), client, fetch.Request{
		Selection: selection, Details: harbor.Details{Tags: true}, Workers: 10, Writers: 2,
		Held: []string{"p/large", "p/r0", "q/gone-from-the-listing"}, // nobody may call the first two gone
	}, sink)
	run := matrixRun{took: time.Since(start), requests: srv.Stats().Total}
	run.judge(reg, report, err, sink)
	return run
}

func (run *matrixRun) judge(reg *harbortest.Registry, report fetch.Report, err error, sink *collector) {
	run.gone = len(slices.DeleteFunc(slices.Clone(report.Gone), func(name string) bool { return name == "q/gone-from-the-listing" }))
	for _, name := range sink.names() {
		if want, got := listed(reg, name+"@"), linesOf(sink.repositories[name]); !slices.Equal(want, got) {
			run.wrong = fmt.Sprintf("%s: Harbor lists %d artifacts, %d were handed on, or other tags", name, len(want), len(got))
		}
	}
	run.complete = err == nil && len(report.Failures) == 0 && slices.Equal(listed(reg, ""), sink.lines())
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
		reasons := map[fetch.Reason]int{}
		for _, failure := range report.Failures {
			reasons[failure.Reason]++
		}
		run.outcome = fmt.Sprintf("%d named: %s", len(report.Failures), strings.Trim(fmt.Sprint(reasons), "map[]"))
	}
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

// Where one request in five meets a fault that passes, everything is read all the
// same. Where all do, nothing is said to be gone, and nothing wrong handed on; a
// slow trickle may be got over by smaller pages.
func TestFaultMatrix(t *testing.T) { //nolint:tparallel // other tests of the package change its page size
	reg := matrixRegistry()
	for _, f := range matrixFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if f.passes {
				if run := f.meets(t, reg, 0.2); !run.complete || run.gone > 0 || run.wrong != "" {
					t.Errorf("one in five: %s, %d gone, %s", run.outcome, run.gone, run.wrong)
				}
			}
			if run := f.meets(t, reg, 1); run.complete && f.name != "slow trickle" || run.gone > 0 || run.wrong != "" {
				t.Errorf("always: %s, %d gone, %s", run.outcome, run.gone, run.wrong)
			}
		})
	}
}

// BenchmarkFaultMatrix prints docs/faults.md's table.
func BenchmarkFaultMatrix(b *testing.B) {
	reg := matrixRegistry()
	for b.Loop() {
		free := matrixFault{name: "none"}.meets(b, reg, 0)
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', tabwriter.Debug)
		_, _ = fmt.Fprintf(out, "\n| Fault \t 1 %% \t 20 %% \t always\t\n|---\t---\t---\t---\t\n")
		_, _ = fmt.Fprintf(out, "| none \t %s, %d requests \t \t \t\n", free.outcome, free.requests)
		for _, f := range matrixFaults {
			_, _ = fmt.Fprintf(out, "| %s", f.name)
			for _, rate := range []float64{0.01, 0.2, 1} {
				if f.config != nil && rate < 1 {
					_, _ = fmt.Fprintf(out, " \t ")
					continue
				}
				run := f.meets(b, reg, rate)
				if run.gone > 0 || run.wrong != "" {
					b.Fatalf("%s at %g: %d gone, %s", f.name, rate, run.gone, run.wrong)
				}
				_, _ = fmt.Fprintf(out, " \t %s, %d requests, %.1f x", run.outcome, run.requests, float64(run.took)/float64(free.took))
			}
			_, _ = fmt.Fprintf(out, "\t\n")
		}
		if err := out.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}
