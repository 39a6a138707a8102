// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// bareBuffer is what the bare loop reads at once.
const bareBuffer = 64 << 10

// fetchWithBareLoop asks for what it is told to, over so many connections that
// are kept, and throws the bodies away: the least that Go's HTTP client takes.
// As any client it lists projects before their repositories, and these before
// their artifacts. Of what it reads it knows nothing, so what it found is 0.
func fetchWithBareLoop(ctx context.Context, task clientTask) (found, error) {
	wire := &http.Transport{MaxConnsPerHost: task.Connections, MaxIdleConnsPerHost: task.Connections, DisableCompression: true}
	defer wire.CloseIdleConnections()
	for _, targets := range stages(task.Requests) {
		if err := discardAll(ctx, wire, task, targets); err != nil {
			return found{}, err
		}
	}
	return found{}, nil
}

// stages splits requests into those that can be made side by side: who am I, the
// projects, their repositories, everything else, and again who am I.
func stages(targets []string) [][]string {
	all := make([][]string, 5)
	for i, target := range targets {
		path, _, _ := strings.Cut(target, "?")
		stage := 3
		switch {
		case strings.HasSuffix(path, "/systeminfo") && i < len(targets)/2:
			stage = 0
		case strings.HasSuffix(path, "/projects"):
			stage = 1
		case strings.HasSuffix(path, "/repositories"):
			stage = 2
		case strings.HasSuffix(path, "/systeminfo"):
			stage = 4
		}
		all[stage] = append(all[stage], target)
	}
	return all
}

func discardAll(ctx context.Context, wire *http.Transport, task clientTask, targets []string) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range task.Connections {
		group.Go(func() error {
			buffer := make([]byte, bareBuffer)
			for i := next.Add(1); i <= int64(len(targets)); i = next.Add(1) {
				if err := discard(ctx, wire, task.URL+targets[i-1], buffer); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func discard(ctx context.Context, wire *http.Transport, target string, buffer []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(username, password)
	resp, err := wire.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", target, resp.Status)
	}
	for {
		if _, err := resp.Body.Read(buffer); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// isPage tells whether a request is for a page of projects, of repositories or
// of artifacts with tags: not one of those that the engine makes besides, to be
// sure of what it read.
func isPage(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	return strings.HasSuffix(path, "/projects") || strings.HasSuffix(path, "/repositories") ||
		strings.HasSuffix(path, "/artifacts") && strings.Contains(query, "with_tag=true")
}
