// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestMain makes the test's program the server and the clients, too.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(context.Background(), role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny has repositories of two pages.
var tiny = registry{projects: 2, repositories: 2, artifacts: 110}

// TestClientsFindTheSame: measure fails where one does not find everything.
func TestClientsFindTheSame(t *testing.T) {
	server, err := startServer(t.Context(), serverTask{Dataset: tiny.dataset(), Record: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	const connections = 3
	contenders, err := contendersWith(t.Context(), server, tiny, connections)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			m, err := measure(t.Context(), server, tiny, c.task, time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			// The listings of projects and repositories, and two pages of each repository.
			if least := int64(1 + 2 + 2*4); m.Requests < least {
				t.Errorf("%d requests, want at least %d", m.Requests, least)
			}
			if m.Made > 0 {
				t.Errorf("%d answers were not in memory", m.Made)
			}
			if c.task.Client != goClient && m.Connections > connections {
				t.Errorf("%d connections opened, want at most %d", m.Connections, connections)
			}
			if m.result.CPU <= 0 || m.Mallocs == 0 || m.PeakRSS == 0 || m.Wall <= 0 {
				t.Errorf("figures are missing: %+v", m)
			}
		})
	}
	if all, pages := len(contenders[2].task.Requests), len(contenders[3].task.Requests); pages >= all {
		t.Errorf("the loop over pages alone makes %d requests, the one with the engine's %d", pages, all)
	}
}

func TestHeapIsSampled(t *testing.T) {
	m, err := measureMemory(t.Context(), tiny, 2)
	if err != nil {
		t.Fatal(err)
	}
	if m.PeakObjects == 0 || m.PeakHeap < m.PeakObjects {
		t.Errorf("heap %d, of it objects %d", m.PeakHeap, m.PeakObjects)
	}
}

// TestRecorderAnswersAsTheSimulator: also the second time, from memory.
func TestRecorderAnswersAsTheSimulator(t *testing.T) {
	data, err := harbortest.Dataset(tiny.dataset())
	if err != nil {
		t.Fatal(err)
	}
	simulator := harbortest.NewHandler(data, harbortest.Options{})
	counts := &counting{}
	counts.next = &recorder{simulator: simulator, counting: counts}
	for _, path := range []string{"/api/v2.0/projects?page_size=100", "/api/v2.0/projects/team-001/repositories?page_size=1", "/api/v2.0/projects/nobody"} {
		for range 2 {
			want, got := ask(t, simulator, path), ask(t, counts, path)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-simulator +recorder):\n%s", path, diff)
			}
		}
	}
	if w := counts.window(); w.Requests != 6 || w.Made != 3 {
		t.Errorf("%d requests and %d answers made, want 6 and 3", w.Requests, w.Made)
	}
}

// shown is what a client sees of an answer, without what is random.
type shown struct {
	Status  int
	Names   []string // of the headers
	Total   string
	Framing []string
	Body    string
}

func ask(t *testing.T, h http.Handler, path string) shown {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(username, password)
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return shown{
		Status: resp.StatusCode, Names: slices.Sorted(maps.Keys(resp.Header)), Total: resp.Header.Get("X-Total-Count"),
		Framing: resp.TransferEncoding, Body: string(body),
	}
}
