// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// serve serves a simulated Harbor until the input ends. Beside it, on a port of its
// own so that its connections do not count:
//
//	POST /window?latency=20ms   counts from here on, delays each answer
//	GET  /window                the counts
//	GET  /requests              the requests, in their order
func serve(ctx context.Context, task serverTask, input io.Reader, ready func(serverReady) error) error {
	registry, err := harbortest.Dataset(task.Dataset)
	if err != nil {
		return err
	}
	simulator := harbortest.NewHandler(registry, harbortest.Options{})
	defer simulator.Close()
	counts := &counting{next: simulator}
	if task.Record {
		counts.next = &recorder{simulator: simulator, counting: counts}
	}
	var group errgroup.Group
	harborURL, stopHarbor, err := listen(ctx, &group, &http.Server{Handler: counts, ConnState: counts.connState, ReadHeaderTimeout: time.Minute})
	if err != nil {
		return err
	}
	controlURL, stopControl, err := listen(ctx, &group, &http.Server{Handler: counts.control(), ReadHeaderTimeout: time.Minute})
	if err != nil {
		return err
	}
	if err := ready(serverReady{URL: harborURL, Control: controlURL}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, input)
	stopHarbor()
	stopControl()
	_ = group.Wait() // they say that they have been closed
	return err
}

// listen serves on a port of the loopback interface.
func listen(ctx context.Context, group *errgroup.Group, server *http.Server) (url string, stop func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	group.Go(func() error { return server.Serve(listener) })
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// openWindow begins to count, and delays each answer from now on.
func (s *serverProcess) openWindow(ctx context.Context, latency time.Duration) error {
	return s.ask(ctx, http.MethodPost, "/window?latency="+latency.String(), nil)
}

// window returns the counts since openWindow.
func (s *serverProcess) window(ctx context.Context) (w window, err error) {
	return w, s.ask(ctx, http.MethodGet, "/window", &w)
}

// requests returns the targets of the requests since openWindow.
func (s *serverProcess) requests(ctx context.Context) (targets []string, err error) {
	return targets, s.ask(ctx, http.MethodGet, "/requests", &targets)
}

func (s *serverProcess) ask(ctx context.Context, method, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.Control+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("server: %s %s: %s", method, path, resp.Status)
	}
	if to == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(to)
}
