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

// serveHarbor serves a simulated Harbor that keeps what it is asked for, until
// it is ended.
func serveHarbor(args []string) error {
	flags := flag.NewFlagSet("harbor", flag.ContinueOnError)
	listen := flags.String("listen", "", "address to listen on")
	dataset := flags.String("dataset", "", "what it holds")
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
	harbor := harbortest.NewHandler(registry, harbortest.Options{Control: true, Observer: requests.note})
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ConnState: harbor.ConnState}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == requestsPath {
			requests.ServeHTTP(w, r)
			return
		}
		harbor.ServeHTTP(w, r)
	})
	return server.Serve(listener)
}

// requestLog keeps the targets of GET requests, in their order.
type requestLog struct {
	mu      sync.Mutex
	targets []string
}

func (l *requestLog) note(r *http.Request) {
	if r.Method != http.MethodGet {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.targets = append(l.targets, r.RequestURI)
}

func (l *requestLog) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := json.Marshal(l.targets)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client may have gone
}
