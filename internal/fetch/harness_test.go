// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestMain makes rapid check 300 cases of each property; the flag -rapid.checks
// says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "300"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	goleak.VerifyTestMain(m)
}

// collector is a sink that keeps everything.
type collector struct {
	// before, if set, is called first; its error is returned.
	before func(ctx context.Context, r fetch.Repository) error

	mu           sync.Mutex
	found        int
	repositories map[string]fetch.Repository
	twice        []string
}

func (c *collector) Found(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found += n
}

func (c *collector) Repository(ctx context.Context, r fetch.Repository) error {
	if c.before != nil {
		if err := c.before(ctx, r); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repositories == nil {
		c.repositories = map[string]fetch.Repository{}
	}
	if _, ok := c.repositories[r.Name]; ok {
		c.twice = append(c.twice, r.Name)
	}
	c.repositories[r.Name] = r
	return nil
}

// names of the repositories that came, sorted.
func (c *collector) names() []string { return slices.Sorted(maps.Keys(c.repositories)) }

// lines tells the content as "repository@digest tags", sorted.
func (c *collector) lines() []string {
	var lines []string
	for _, r := range c.repositories {
		lines = append(lines, linesOf(r)...)
	}
	slices.Sort(lines)
	return lines
}

func linesOf(r fetch.Repository) []string {
	lines := []string{}
	for _, a := range r.Artifacts {
		tags := []string{}
		for _, t := range a.Tags {
			tags = append(tags, t.Name)
		}
		slices.Sort(tags)
		lines = append(lines, fmt.Sprintf("%s@%s %v", r.Name, a.Digest, tags))
	}
	slices.Sort(lines)
	return lines
}

// listed tells what Harbor lists now, in the form of collector.lines. Only
// lines with the prefix count.
func listed(reg *harbortest.Registry, prefix string) []string {
	artifacts, _ := reg.Listed()
	var lines []string
	for _, a := range artifacts {
		if line := lineOf(a); strings.HasPrefix(line, prefix) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func lineOf(a harbortest.ListedArtifact) string {
	return fmt.Sprintf("%s@%s %v", a.Repository, a.Digest, slices.Sorted(slices.Values(a.Tags)))
}

// same reports a difference between what Harbor lists and what was read.
func same(t *testing.T, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Harbor lists (-), read (+):\n%s", diff)
	}
}

// clean reports everything in a report that tells of a problem.
func clean(t *testing.T, report fetch.Report, sink *collector) {
	t.Helper()
	if len(report.Failures)+len(report.NotFound)+len(report.Gone)+len(sink.twice) > 0 {
		t.Errorf("report %+v, twice %v", report, sink.twice)
	}
}

var quickRetry = transport.RetryPolicy{Tries: 6, Base: 2 * time.Millisecond, Max: 4 * time.Millisecond, MaxRetryAfter: time.Millisecond}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Cleanup(func())
	Fatal(...any)
	Context() context.Context
}

type change func(*harbor.Config)

func tries(n int) change { return func(c *harbor.Config) { c.Retry.Tries = n } }

func limited(n int) change {
	return func(c *harbor.Config) {
		c.MaxConnections, c.Limiters = n, []*transport.Limiter{transport.NewLimiter(n)}
	}
}

func as(user, secret string) change {
	return func(c *harbor.Config) { c.Username, c.Password = user, secret }
}

// client returns a client with the account robot$inventory.
func client(t tester, srv *harbortest.Server, changes ...change) *harbor.Client {
	t.Helper()
	config := harbor.Config{
		URL: srv.URL, Username: "robot$inventory", Password: "secret", UserAgent: "test",
		MaxConnections: 5, Limiters: []*transport.Limiter{transport.NewLimiter(5)}, Retry: quickRetry,
		Timeouts: transport.Timeouts{Header: 30 * time.Second, Idle: 30 * time.Second},
	}
	for _, c := range changes {
		c(&config)
	}
	c, err := harbor.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func selection(t tester, projects, repositories, exclude []string) *fetch.Selection {
	t.Helper()
	s, err := fetch.NewSelection(projects, repositories, exclude)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request asks for everything, with tags.
func request(t tester) fetch.Request {
	t.Helper()
	return fetch.Request{Selection: selection(t, nil, nil, nil), Details: harbor.Details{Tags: true}, Workers: 10, Writers: 2}
}

// run reads with a fresh collector and fails the test on an error.
func run(t tester, srv *harbortest.Server, req fetch.Request, changes ...change) (fetch.Report, *collector) {
	t.Helper()
	sink := &collector{}
	report, err := fetch.Run(t.Context(), client(t, srv, changes...), req, sink)
	if err != nil {
		t.Fatal(err)
	}
	return report, sink
}

// robot adds the account of client to a registry.
func robot(reg *harbortest.Registry) *harbortest.Registry {
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
	return reg
}

// seconds is a clock that moves on by a second each time it is read.
func seconds() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

// project makes a private project, or does nothing if it exists.
func project(reg *harbortest.Registry, name string) {
	if !slices.Contains(reg.Projects(), name) {
		_ = reg.CreateProject(name, false) // it does not exist
	}
}

// fill pushes n images, each with a tag of its own, and returns their digests.
func fill(reg *harbortest.Registry, repository string, n int) []string {
	var digests []string
	for i := range n {
		digests = append(digests, reg.Push(repository, harbortest.Image{Tags: []string{fmt.Sprintf("v%d", i)}}))
	}
	return digests
}

// small returns a registry with n repositories p/r0, p/r1, ... of three images each.
func small(n int) *harbortest.Registry {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	for i := range n {
		fill(reg, fmt.Sprintf("p/r%d", i), 3)
	}
	return reg
}

// through sends the client's requests through a proxy that edits bodies.
func through(t *testing.T, target string, edit func(body string) string) change {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			edited := edit(string(body))
			r.Body = io.NopCloser(strings.NewReader(edited))
			r.ContentLength = int64(len(edited))
			r.Header.Set("Content-Length", strconv.Itoa(len(edited)))
			return nil
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return func(c *harbor.Config) { c.URL = srv.URL }
}

// rewriting sends the client's requests through a proxy that edits their queries.
func rewriting(t *testing.T, target string, edit func(query string) string) change {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.URL.RawQuery = edit(r.Out.URL.RawQuery)
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	t.Cleanup(srv.Close)
	return func(c *harbor.Config) { c.URL = srv.URL }
}

// counter is a sink that counts.
type counter struct {
	mu        sync.Mutex
	artifacts int
}

func (c *counter) Found(int) {}

func (c *counter) Repository(_ context.Context, r fetch.Repository) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.artifacts += len(r.Artifacts)
	return nil
}
