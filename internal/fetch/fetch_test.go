// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"slices"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector is a sink that keeps everything.
type collector struct {
	mu           sync.Mutex
	found        int
	repositories map[string][]harbor.Artifact
	verified     map[string]bool
	twice        []string
}

func (c *collector) Found(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found += n
}

func (c *collector) Repository(_ context.Context, r fetch.Repository) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repositories == nil {
		c.repositories, c.verified = map[string][]harbor.Artifact{}, map[string]bool{}
	}
	if _, ok := c.repositories[r.Name]; ok {
		c.twice = append(c.twice, r.Name)
	}
	c.repositories[r.Name], c.verified[r.Name] = r.Artifacts, r.Verified
	return nil
}

// lines tells the content as "repository@digest tags", sorted.
func (c *collector) lines() []string {
	var lines []string
	for name, artifacts := range c.repositories {
		for _, a := range artifacts {
			tags := []string{}
			for _, t := range a.Tags {
				tags = append(tags, t.Name)
			}
			slices.Sort(tags)
			lines = append(lines, fmt.Sprintf("%s@%s %v", name, a.Digest, tags))
		}
	}
	slices.Sort(lines)
	return lines
}

// listed tells what Harbor lists now, in the form of collector.lines.
func listed(reg *harbortest.Registry, projects ...string) []string {
	artifacts, _ := reg.Listed(projects...)
	var lines []string
	for _, a := range artifacts {
		tags := slices.Clone(a.Tags)
		if tags == nil {
			tags = []string{}
		}
		slices.Sort(tags)
		lines = append(lines, fmt.Sprintf("%s@%s %v", a.Repository, a.Digest, tags))
	}
	slices.Sort(lines)
	return lines
}

var quickRetry = transport.RetryPolicy{Tries: 6, Base: 2 * time.Millisecond, Max: 10 * time.Millisecond, MaxRetryAfter: 5 * time.Millisecond}

func client(t *testing.T, srv *harbortest.Server, user, secret string, change ...func(*harbor.Config)) *harbor.Client {
	t.Helper()
	config := harbor.Config{
		URL: srv.URL, Username: user, Password: secret, UserAgent: "test",
		MaxConnections: 5, Limiters: []*transport.Limiter{transport.NewLimiter(5)}, Retry: quickRetry,
		Timeouts: transport.Timeouts{Header: 2 * time.Second, Idle: time.Second},
	}
	for _, c := range change {
		c(&config)
	}
	c, err := harbor.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func selection(t *testing.T, projects, repositories, exclude []string) *fetch.Selection {
	t.Helper()
	s, err := fetch.NewSelection(projects, repositories, exclude)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func request(t *testing.T) fetch.Request {
	return fetch.Request{Selection: selection(t, nil, nil, nil), Details: harbor.Details{Tags: true}, Workers: 10, Writers: 2}
}

func TestEverythingOnce(t *testing.T) {
	for name, reg := range map[string]*harbortest.Registry{
		"recorded":  harbortest.Recorded(),
		"generated": harbortest.Generated(harbortest.Size{Projects: 3, Repositories: 7, Artifacts: 250}),
	} {
		t.Run(name, func(t *testing.T) {
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			sink := &collector{}
			report, err := fetch.Run(t.Context(), client(t, srv, "robot$inventory", "secret"), request(t), sink)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Failures)+len(report.NotFound)+len(report.Gone)+len(sink.twice) > 0 {
				t.Errorf("report %+v, twice %v", report, sink.twice)
			}
			if diff := cmp.Diff(listed(reg), sink.lines()); diff != "" {
				t.Errorf("Harbor lists (-), read (+):\n%s", diff)
			}
			if report.Unverified != 0 {
				t.Errorf("nothing changed, yet %d repositories are unverified", report.Unverified)
			}
			if sink.found != report.Repositories || report.Repositories != len(sink.repositories) {
				t.Errorf("found %d, report says %d, sink got %d", sink.found, report.Repositories, len(sink.repositories))
			}
			t.Logf("requests %d, highest in flight %d", srv.Stats().Total, srv.Stats().Highest)
		})
	}
}
