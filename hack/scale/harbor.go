// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// requestsPath answers the requests that were sent so far.
const requestsPath = "/scale/requests"

// currentAccount is a robot that may read the audit log and keep webhook
// policies, too. Its secret is that of the simulator's account.
const currentAccount = "robot$current"

// overviewsPath answers when overviews of scans were asked for, in nanoseconds
// since 1970.
const overviewsPath = "/scale/overviews"

// serveHarbor serves a simulated Harbor that keeps what it is asked for, until
// it is ended.
func serveHarbor(args []string) error {
	flags := flag.NewFlagSet("harbor", flag.ContinueOnError)
	listen := flags.String("listen", "", "address to listen on")
	dataset := flags.String("dataset", "", "what it holds")
	overview := flags.Duration("overview-latency", 0, "delay for each artifact whose overview is asked for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	registry, err := harbortest.Dataset(*dataset)
	if err != nil {
		return err
	}
	registry.AddRobot(harbortest.Robot{
		Name: strings.TrimPrefix(currentAccount, "robot$"), Secret: testbed.SimulatorSecret, SystemScope: true, Webhooks: true,
	})
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", *listen)
	if err != nil {
		return err
	}
	requests := &requestLog{}
	harbor := harbortest.NewHandler(registry, harbortest.Options{Control: true, Observer: requests.note, OverviewLatency: *overview})
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ConnState: harbor.ConnState}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case requestsPath:
			requests.tell(w, func() any { return requests.targets })
		case overviewsPath:
			requests.tell(w, func() any { return requests.overviews })
		default:
			harbor.ServeHTTP(w, r)
		}
	})
	return server.Serve(listener)
}

// requestLog keeps the targets of GET requests, in their order, and when those
// came that ask for overviews of scans.
type requestLog struct {
	mu        sync.Mutex
	targets   []string
	overviews []int64
}

func (l *requestLog) note(r *http.Request) {
	if r.Method != http.MethodGet {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.targets = append(l.targets, r.RequestURI)
	if strings.Contains(r.URL.RawQuery, "with_scan_overview=true") {
		l.overviews = append(l.overviews, time.Now().UnixNano())
	}
}

func (l *requestLog) tell(w http.ResponseWriter, what func() any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := json.Marshal(what())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client may have gone
}
