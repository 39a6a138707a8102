// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// The benchmark's connections and the latency of each request. Pages are small,
// so that few artifacts make many requests and making a page costs the simulator
// little: it runs on the same processors and answers 1,000 requests a second.
const (
	benchConnections = 20
	benchLatency     = 20 * time.Millisecond
	benchPage        = 5
)

// benchShape is a registry, and the longest chain of requests in it that must
// follow one another, by endpoint. A request must follow another one that tells
// what it asks for, or whose answer it vouches for:
//
//	systeminfo         who we are; nothing else is believed before
//	projects.list      one page is enough to find the last project's name in time
//	repositories.list  the first page, then the others
//	artifacts.list     the first page, then the others (projects.artifacts likewise)
//	one check          the seqlock's end and the query for untagged artifacts vouch
//	                   for the same rows, so neither must follow the other; where
//	                   a tile is read, the seqlock must enclose that query
//	systeminfo         absence is believed after it
//
// What the engine does one after the other without having to is not in the chain.
//
// Before Harbor 2.15.2, a large repository's windows follow single rows that tell
// where to cut, and those the first page.
type benchShape struct {
	name    string
	version harbortest.Version
	fill    func(*harbortest.Registry)
	chain   []string
}

var benchShapes = []benchShape{
	{
		name: "flat", // 1 project, 200 repositories, 20 artifacts each
		fill: func(reg *harbortest.Registry) { fillMany(reg, "p", 200, 20) },
		chain: []string{
			"systeminfo", "projects.list", "repositories.list", "repositories.list",
			"artifacts.list", "artifacts.list", "repositories.get", "systeminfo",
		},
	},
	{
		name: "tiny", // 1 project, 2,000 repositories, 1 artifact each: read in tiles
		fill: func(reg *harbortest.Registry) { fillMany(reg, "p", 2000, 1) },
		chain: []string{
			"systeminfo", "projects.list", "repositories.list", "repositories.list",
			"projects.artifacts", "projects.artifacts", "projects.artifacts", "repositories.list", "systeminfo",
		},
	},
	{
		name: "tiny-2.15.1", version: harbortest.Harbor2151, // read one by one
		fill: func(reg *harbortest.Registry) { fillMany(reg, "p", 1000, 1) },
		chain: []string{
			"systeminfo", "projects.list", "repositories.list", "repositories.list", "artifacts.list", "artifacts.list", "systeminfo",
		},
	},
	{
		name: "huge", // 1 project, 200 repositories of 3 artifacts, and one of 3,000
		fill: fillHuge,
		chain: []string{
			"systeminfo", "projects.list", "repositories.list", "repositories.list",
			"artifacts.list", "artifacts.list", "repositories.get", "systeminfo",
		},
	},
	{
		name: "huge-2.15.1", version: harbortest.Harbor2151, fill: fillHuge,
		chain: []string{
			"systeminfo", "projects.list", "repositories.list", "repositories.list",
			"artifacts.list", "artifacts.list", "artifacts.list", "artifacts.list", "systeminfo",
		},
	},
	{
		name: "projects", // 300 projects, 4 repositories each, 3 artifacts each
		fill: func(reg *harbortest.Registry) {
			for i := range 300 {
				name := fmt.Sprintf("p%d", i)
				project(reg, name)
				fillMany(reg, name, 4, 3)
			}
		},
		chain: []string{"systeminfo", "projects.list", "repositories.list", "artifacts.list", "artifacts.list", "systeminfo"},
	},
}

func fillHuge(reg *harbortest.Registry) {
	fillMany(reg, "p", 100, 3)
	fillOne(reg, "p/huge", 3000)
	fillMany(reg, "p/more", 100, 3)
}

// fillMany makes n repositories whose names begin so.
func fillMany(reg *harbortest.Registry, prefix string, n, artifacts int) {
	for i := range n {
		fillOne(reg, fmt.Sprintf("%s/r%d", prefix, i), artifacts)
	}
}

// fillOne makes a repository of n artifacts, the last of them untagged.
func fillOne(reg *harbortest.Registry, repository string, n int) {
	fill(reg, repository, n-1)
	reg.Push(repository, harbortest.Image{})
}

// times sums up the requests by endpoint.
type times struct {
	mu       sync.Mutex
	count    map[string]int
	duration map[string]time.Duration
}

func (o *times) observe(seen transport.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count[seen.Endpoint]++
	o.duration[seen.Endpoint] += seen.Duration
}

func (o *times) sum() (requests int, duration time.Duration) {
	for endpoint, n := range o.count {
		requests += n
		duration += o.duration[endpoint]
	}
	return requests, duration
}

// chain is the time of requests to these endpoints one after the other, each
// with the mean time of its endpoint in this run.
func (o *times) chain(endpoints []string) (sum time.Duration) {
	for _, e := range endpoints {
		sum += o.duration[e] / time.Duration(max(1, o.count[e]))
	}
	return sum
}

// BenchmarkWorkConservation reads registries of four shapes from a simulator with
// a latency of 20 ms over 20 connections. It reports
//
//	wall/bound   the run's time / (sum of the requests' times / 20 + the chain);
//	             an engine that never leaves a connection idle while there is a
//	             request that could be made needs at most 1
//	busy         the mean part of the connections that are in use
//
// The request's times are measured in the run itself, so a slow machine makes
// both sides of the ratio greater.
func BenchmarkWorkConservation(b *testing.B) {
	for _, shape := range benchShapes {
		b.Run(shape.name, func(b *testing.B) { shape.measure(b) })
	}
}

func (s benchShape) measure(b *testing.B) {
	b.Helper()
	fetch.SetPageSize(b, benchPage)
	reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(s.version)))
	project(reg, "p")
	s.fill(reg)
	want, _ := reg.Listed()
	srv := harbortest.NewServer(b, reg, harbortest.Options{Latency: benchLatency})
	req := fetch.Request{
		Selection: selection(b, nil, nil, nil), Details: harbor.Details{Tags: true}, Workers: 2 * benchConnections, Writers: 2,
	}
	var wall, bound, used time.Duration
	var requests int
	for b.Loop() {
		o := &times{count: map[string]int{}, duration: map[string]time.Duration{}}
		c := client(b, srv, limited(benchConnections), func(c *harbor.Config) { c.Observer = o.observe })
		sink := &counter{}
		start := time.Now()
		report, err := fetch.Run(b.Context(), c, req, sink)
		took := time.Since(start)
		c.Close()
		if err != nil || len(report.Failures) > 0 || sink.artifacts != len(want) {
			b.Fatalf("%d of %d artifacts, report %+v, %v", sink.artifacts, len(want), report, err)
		}
		for _, e := range s.chain {
			if o.count[e] == 0 {
				b.Fatalf("the chain holds %s, and no such request was made", e)
			}
		}
		n, sum := o.sum()
		wall += took
		bound += sum/benchConnections + o.chain(s.chain)
		used += sum / benchConnections
		requests = n
	}
	b.ReportMetric(wall.Seconds()/bound.Seconds(), "wall/bound")
	b.ReportMetric(used.Seconds()/wall.Seconds(), "busy")
	b.ReportMetric(float64(requests), "requests")
}
