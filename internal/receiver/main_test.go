// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	if instruction := os.Getenv(floodVariable); instruction != "" {
		os.Exit(runFlood(instruction))
	}
	goleak.VerifyTestMain(m)
}

// The one inventory that tests know, and what it asks for.
var (
	production = Name{"team-a", "production"}
	secret     = "Bearer hook-secret"
	endpoint   = "https://harbor.example.com"
)

// oneSecret is a Secrets that knows production.
func oneSecret(_ context.Context, namespace, name string) ([][]byte, string, error) {
	if (Name{namespace, name}) != production {
		return nil, "", ErrUnknown
	}
	return [][]byte{[]byte(secret)}, endpoint, nil
}

// collected are the hints that were passed on.
type collected struct {
	mu    sync.Mutex
	hints []Hint
	each  chan Hint
}

func newCollected() *collected { return &collected{each: make(chan Hint, 1000)} }

func (c *collected) hint(h Hint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hints = append(c.hints, h)
	c.each <- h
}

func newReceiver(tb testing.TB, c Config) *Receiver {
	tb.Helper()
	if c.Secrets == nil {
		c.Secrets = oneSecret
	}
	if c.Hint == nil {
		c.Hint = func(Hint) {}
	}
	c.Registerer = prometheus.NewPedanticRegistry()
	r, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// serve serves r on a port of its own and returns its address; stop waits for the end.
func serve(tb testing.TB, r *Receiver, certificate *tls.Certificate) (address string, stop func()) {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &Server{Receiver: r}
	if certificate != nil {
		server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(stop)
	return listener.Addr().String(), stop
}

// request is a good one, in the Default format.
func request(tb testing.TB, target, body string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", secret)
	req.Header.Set("Content-Type", "application/json")
	return req
}

// pushEvent is an event for a push of the tag, which also makes its digest.
func pushEvent(repository, tag string) string {
	return `{"type":"PUSH_ARTIFACT","occur_at":1795393193,"event_data":{"resources":[{"digest":"` + digestOf(tag) + `","tag":"` + tag +
		`"}],"repository":{"repo_full_name":"` + repository + `"}}}`
}

func digestOf(tag string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(tag))) }

func refusedBy(r *Receiver, reason string) float64 {
	return testutil.ToFloat64(r.metrics.refused.WithLabelValues(reason))
}
