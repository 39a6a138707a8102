// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestConnectionsAreUsedAgain: over hundreds of requests, many of which fail with
// an answer, no more connections are opened than may be open.
func TestConnectionsAreUsedAgain(t *testing.T) {
	const connections, workers, each = 3, 12, 20
	s := recordedServer(t)
	s.Inject(
		harbortest.Rule{Rate: 0.1, Fault: harbortest.InternalError()}, harbortest.Rule{Rate: 0.1, Fault: harbortest.Gateway(502)},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.TooManyRequests("1")}, harbortest.Rule{Rate: 0.1, Fault: harbortest.HTML()},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.InvalidJSON()}, harbortest.Rule{Rate: 0.1, Fault: harbortest.Anonymous()},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.Redirect("/harbor")}, harbortest.Rule{Rate: 0.1, Fault: harbortest.Redirect("http://elsewhere.invalid/")},
	)
	c := simClient(t, s.URL, func(c *harbor.Config) { c.MaxConnections = connections })
	var failed atomic.Int32
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range each {
				if _, err := c.ArtifactsPage(t.Context(), "bulk/many", harbor.ArtifactOptions{Details: everyDetail}); err != nil {
					failed.Add(1)
				}
				_, _ = c.ProjectExists(t.Context(), "library")
				_, _ = c.Repository(t.Context(), "library/nosuch")
			}
		})
	}
	group.Wait()
	got := s.Stats()
	t.Logf("%d requests, %d calls failed, %d connections", got.Total, failed.Load(), got.Connections)
	if got.Connections > connections || got.HighestEver > connections || got.Total < workers*each || failed.Load() == 0 {
		t.Errorf("%d connections, at most %d in flight, of %d requests, want at most %d", got.Connections, got.HighestEver, got.Total, connections)
	}
}

// injectBounded are those after which the server has done with a request when the
// client has.
func injectBounded(s *harbortest.Server) {
	s.Inject(
		harbortest.Rule{Rate: 0.1, Fault: harbortest.TooManyRequests("")}, harbortest.Rule{Rate: 0.1, Fault: harbortest.InternalError()},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.Reset()}, harbortest.Rule{Rate: 0.1, Fault: harbortest.ResetMidBody()},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.Truncate()}, harbortest.Rule{Rate: 0.1, Fault: harbortest.InvalidJSON()},
		harbortest.Rule{Rate: 0.1, Fault: harbortest.Redirect("http://elsewhere.invalid/")},
	)
}

// simGate holds requests back until as many are in flight at once as is expected.
type simGate struct {
	mu      sync.Mutex
	waiting int
	open    chan struct{}
}

func (g *simGate) wait(n int) {
	g.mu.Lock()
	if g.waiting++; g.waiting == n {
		close(g.open)
	}
	g.mu.Unlock()
	<-g.open
}

// TestInFlight: as many requests as the limiter allows are in flight at its
// height, and never one more, through faults and with two clients that share it.
func TestInFlight(t *testing.T) {
	for _, n := range []int{1, 5, 20} {
		for _, clients := range []int{1, 2} {
			g := &simGate{open: make(chan struct{})}
			s := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{Observer: func(*http.Request) { g.wait(n) }})
			injectBounded(s)
			shared := transport.NewLimiter(n)
			var group sync.WaitGroup
			var answered atomic.Int32
			for range clients {
				own := transport.NewLimiter(n)
				c := simClient(t, s.URL, func(c *harbor.Config) {
					c.MaxConnections, c.Limiters = n+5, []*transport.Limiter{own, shared}
				})
				for range n + 10 {
					group.Go(func() {
						for range 8 {
							if _, err := c.ArtifactsPage(t.Context(), "bulk/many", harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: 10}}); err == nil {
								answered.Add(1)
							}
							_, _ = c.ProjectExists(t.Context(), "library")
						}
					})
				}
			}
			group.Wait()
			got := s.Stats()
			t.Logf("n %d, %d clients: highest %d of %d requests, %d answers", n, clients, got.Highest, got.Total, answered.Load())
			if got.Highest != n || shared.InFlight() != 0 || answered.Load() == 0 {
				t.Errorf("n %d, %d clients: highest %d, left %d, want %d and 0", n, clients, got.Highest, shared.InFlight(), n)
			}
		}
	}
}
