// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// window counts what a client did to a server.
type window struct {
	Requests, Connections int64
	// Made counts the answers that were not in memory yet.
	Made int64
	// CPU is the server's own time.
	CPU time.Duration
}

// counting counts requests and connections, and delays the answers.
type counting struct {
	next                        http.Handler
	latency                     atomic.Int64
	requests, connections, made atomic.Int64

	mu      sync.Mutex
	targets []string
	cpu     time.Duration // at the window's start
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	c.mu.Lock()
	c.targets = append(c.targets, r.RequestURI)
	c.mu.Unlock()
	if d := time.Duration(c.latency.Load()); d > 0 {
		time.Sleep(d)
	}
	c.next.ServeHTTP(w, r)
}

func (c *counting) connState(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		c.connections.Add(1)
	}
}

func (c *counting) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /window", func(w http.ResponseWriter, r *http.Request) {
		latency, err := time.ParseDuration(r.URL.Query().Get("latency"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.open(latency)
	})
	mux.HandleFunc("GET /window", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, c.window()) })
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		answerJSON(w, slices.Clone(c.targets))
	})
	return mux
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // the client may have gone
}

func (c *counting) open(latency time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latency.Store(int64(latency))
	c.requests.Store(0)
	c.connections.Store(0)
	c.made.Store(0)
	c.targets, c.cpu = nil, cpuTime()
}

func (c *counting) window() window {
	c.mu.Lock()
	defer c.mu.Unlock()
	return window{Requests: c.requests.Load(), Connections: c.connections.Load(), Made: c.made.Load(), CPU: cpuTime() - c.cpu}
}
