// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestRecordedWebhooks sends every webhook that was recorded, each to a receiver
// of its own. What must come of it is in testdata/hints.golden.
func TestRecordedWebhooks(t *testing.T) {
	var got strings.Builder
	for _, webhook := range harbortest.RecordedWebhooks() {
		r := newReceiver(t, Config{})
		req := httptest.NewRequest(http.MethodPost, Path(production), strings.NewReader(webhook.Body))
		req.Header = webhook.Header.Clone()
		req.Header.Set("Authorization", secret)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Fprintf(&got, "%s: %d", webhook.Name, w.Code)
		for _, h := range r.queue.folder.rest() {
			fmt.Fprintf(&got, " %s kinds=%04b", h.Repository, h.Kinds)
			for _, a := range h.Artifacts {
				fmt.Fprintf(&got, " %.14s", a.Digest)
				if a.Scan != nil {
					fmt.Fprintf(&got, " %s %v", a.Scan.Status, a.Scan.BySeverity)
				}
			}
			if h.Inventory != production || h.Harbor != endpoint || h.Project != "hooks-lab" || h.Events != 1 || time.Since(h.Received) < 0 {
				t.Errorf("%s: %+v", webhook.Name, h)
			}
		}
		got.WriteString("\n")
	}
	const golden = "testdata/hints.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	target := func(path string) func(*http.Request) {
		return func(req *http.Request) { req.URL.Path = path }
	}
	event := pushEvent("a/b", "v1")
	for _, tt := range []struct {
		about, body string
		change      func(*http.Request)
		status      int
		reason      string // "" = taken
	}{
		{"a push", event, set("X", ""), 200, ""},
		{"a pull", strings.Replace(event, "PUSH", "PULL", 1), set("X", ""), 200, ""},
		{"a content type with a charset", event, set("Content-Type", "application/json; charset=utf-8"), 200, ""},
		{"a value with blanks around", event, set("Authorization", " "+secret+" "), 200, ""},
		{"another method", event, func(req *http.Request) { req.Method = http.MethodGet }, 405, "method"},
		{"another path", event, target("/v2/team-a/production"), 404, "path"},
		{"no name", event, target("/v1/team-a/"), 404, "path"},
		{"a path too deep", event, target("/v1/team-a/production/x"), 404, "path"},
		{"a name that is none", event, target("/v1/team-a/Production"), 404, "path"},
		{"a long name", event, target("/v1/team-a/" + strings.Repeat("a", 400)), 404, "path"},
		{"no authorization", event, func(req *http.Request) { req.Header.Del("Authorization") }, 401, "authorization"},
		{"a wrong value", event, set("Authorization", "Bearer hook-secre"), 401, "authorization"},
		{"an unknown inventory", event, target("/v1/team-a/staging"), 401, "authorization"},
		{"another content type", event, set("Content-Type", "text/plain"), 415, "content-type"},
		{"no content type", event, func(req *http.Request) { req.Header.Del("Content-Type") }, 415, "content-type"},
		{"a batch of CloudEvents", "[" + event + "]", set("Content-Type", "application/cloudevents-batch+json"), 415, "content-type"},
		{"compressed", event, set("Content-Encoding", "gzip"), 415, "content-type"},
		{"too large, said before", strings.Repeat(" ", 5000) + event, set("X", ""), 413, "size"},
		{"too large, not said before", strings.Repeat(" ", 5000) + event, func(req *http.Request) { req.ContentLength = -1 }, 413, "size"},
		{"no JSON", "hello", set("X", ""), 400, "malformed"},
		{"nothing", "", set("X", ""), 400, "malformed"},
		{"Slack", "{\"blocks\":[\"\n\"]}", set("X", ""), 400, "slack"},
		{"a name that Harbor does not allow", pushEvent("a/../b", "v1"), set("X", ""), 400, "name"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			r := newReceiver(t, Config{Limits: Limits{BodyBytes: 4096}})
			server := httptest.NewServer(r)
			defer server.Close()
			req := request(t, server.URL+Path(production), tt.body)
			tt.change(req)
			response, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tt.status {
				t.Errorf("status %d, want %d", response.StatusCode, tt.status)
			}
			if refused := tt.reason != ""; refused != (len(text) > 0) {
				t.Errorf("answered %q", text)
			} else if refused && refusedBy(r, tt.reason) != 1 {
				t.Errorf("not counted as %s", tt.reason)
			}
			if n := testutil.ToFloat64(r.metrics.received); n != 1 {
				t.Errorf("received %v", n)
			}
		})
	}
}

// TestRepeatsAreFree: events that were received before do not use up the rate,
// and one that was refused is taken when it is sent again. Large bodies have a
// rate of their own.
func TestRepeatsAreFree(t *testing.T) {
	now := start
	r := newReceiver(t, Config{Limits: Limits{EventRate: 1, LargeRate: 1}, Now: func() time.Time { return now }})
	send := func(body string) int {
		req := httptest.NewRequest(http.MethodPost, Path(production), strings.NewReader(body))
		req.Header.Set("Authorization", secret)
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w.Code
	}
	event := func(n int) string { return pushEvent("a/b", fmt.Sprint("v", n)) }
	for range 50 {
		if got := send(event(0)); got != 200 {
			t.Errorf("a repeat: %d", got)
		}
	}
	for i, want := range []int{200, 200, 200, 429, 429} { // 4 at once, one of which was event 0
		if got := send(event(i + 1)); got != want {
			t.Errorf("event %d: %d, want %d", i+1, got, want)
		}
	}
	now = now.Add(30 * time.Second)
	if got := send(event(4)); got != 200 || testutil.ToFloat64(r.metrics.folded.WithLabelValues(byRepeat)) != 0 {
		t.Errorf("what was refused, again: %d", got)
	}
	blanks := strings.Repeat(" ", largeBody)
	for i, want := range []int{200, 200, 429} {
		if got := send(blanks + event(0)); got != want {
			t.Errorf("large %d: %d, want %d", i, got, want)
		}
	}
	if got := send(event(0)); got != 200 {
		t.Errorf("a small one: %d", got)
	}
}

// TestRates: events of one inventory have a rate, and do not use up that of
// another; wrong values have one for each remote address, and never keep out
// the right one.
func TestRates(t *testing.T) {
	now := start
	r := newReceiver(t, Config{
		Limits: Limits{EventRate: 1, FailureRate: 1, LookupRate: 1000}, Now: func() time.Time { return now },
		Secrets: func(ctx context.Context, _, _ string) ([][]byte, string, error) {
			return oneSecret(ctx, "team-a", "production")
		},
	})
	tags := 0
	send := func(name Name, value string) int {
		tags++
		req := httptest.NewRequest(http.MethodPost, Path(name), strings.NewReader(pushEvent("a/b", fmt.Sprint("v", tags))))
		req.Header.Set("Authorization", value)
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return w.Code
	}
	for i := range 20 {
		want := map[bool]int{true: 401, false: 429}[i < 4]
		if got := send(production, "wrong"); got != want {
			t.Errorf("wrong value %d: %d, want %d", i, got, want)
		}
	}
	for i := range 6 {
		want := map[bool]int{true: 200, false: 429}[i < 4]
		if got := send(production, secret); got != want {
			t.Errorf("event %d: %d, want %d", i, got, want)
		}
	}
	if got := send(Name{"team-b", "other"}, secret); got != 200 {
		t.Errorf("another inventory: %d", got)
	}
	now = now.Add(time.Second)
	if got := send(production, secret); got != 200 {
		t.Errorf("a second later: %d", got)
	}
}
