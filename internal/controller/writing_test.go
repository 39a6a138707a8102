// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// writers is the suite's Options.Writers.
const writers = 6

// traffic is between the operator and the API server.
var traffic = &apiTraffic{spaces: map[string]*space{}}

// apiTraffic watches, and hinders, the writes of lists in some namespaces.
type apiTraffic struct {
	mu     sync.Mutex
	spaces map[string]*space
}

// space is a namespace that is looked at.
type space struct {
	delay  time.Duration // of each write
	refuse int           // so many writes more get 429
	forbid bool          // every write gets 403, as of a quota

	sent, refused, inFlight, highest int
}

// look begins to look at a namespace. The returned function tells how it stands.
func (a *apiTraffic) look(namespace string, s space) (now func() space) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spaces[namespace] = &s
	return func() space {
		a.mu.Lock()
		defer a.mu.Unlock()
		return s
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (a *apiTraffic) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/artifactlists") && r.URL.Query().Get("watch") == "true" {
			response, err := next.RoundTrip(r)
			if err == nil {
				response.Body = late(response.Body)
			}
			return response, err
		}
		_, rest, found := strings.Cut(r.URL.Path, "/v1alpha1/namespaces/")
		namespace, resource, _ := strings.Cut(rest, "/")
		if !found || !strings.HasPrefix(resource, "artifactlists") || r.Method == http.MethodGet {
			return next.RoundTrip(r)
		}
		refused, forbid, delay, end := a.begin(namespace)
		defer end()
		if forbid {
			return &http.Response{
				StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
				Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"exceeded quota"}`)),
			}, nil
		}
		if refused {
			return &http.Response{
				StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Request: r,
				Body: io.NopCloser(strings.NewReader("too many requests, please try again later")),
			}, nil
		}
		time.Sleep(delay)
		return next.RoundTrip(r)
	})
}

func (a *apiTraffic) begin(namespace string) (refused, forbid bool, delay time.Duration, end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.spaces[namespace]
	if s == nil {
		return false, false, 0, func() {}
	}
	s.sent++
	s.inFlight++
	s.highest = max(s.highest, s.inFlight)
	if refused = s.refused < s.refuse; refused {
		s.refused++
	}
	return refused, s.forbid, s.delay, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		s.inFlight--
	}
}

// One large repository is written by all writers, many small ones too, and by
// no more.
func TestWritersAreBounded(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]harbortest.Size{
		"one repository":    {Projects: 1, Repositories: 1, Artifacts: 600},
		"many repositories": {Projects: 2, Repositories: 40, Artifacts: 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, harbortest.Generated(size))
			// So slow that the operator, not the machine, decides how many are in flight.
			now := traffic.look(w.ns, space{delay: 30 * time.Millisecond})
			w.inventory("all", func(s *v1alpha1.HarborInventorySpec) { s.Output.MaxArtifactsPerList = new(int32(10)) })
			w.condition("all", "Ready=True", "Complete=True")
			w.equal(w.held(), w.shown("all"))
			if got, lists := now(), len(w.lists("all")); got.highest != writers || got.sent != lists {
				t.Errorf("%d writes for %d lists, %d in flight at the height, want %d", got.sent, lists, got.highest, writers)
			}
		})
	}
}

// An API server that is busy answers 429 with Retry-After: nothing is lost, and
// nothing is told, for it is no failure.
func TestBusyAPIServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	const refuse = 5
	now := traffic.look(w.ns, space{refuse: refuse})
	w.inventory("all")
	inv := w.condition("all", "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	if got, lists := now(), len(w.lists("all")); got.refused != refuse || got.sent != lists+refuse {
		t.Errorf("%d writes for %d lists, %d of them refused", got.sent, lists, got.refused)
	}
	if inv.Status.FailuresTotal != 0 {
		t.Errorf("failures %v", inv.Status.Failures)
	}
}

// An API server that takes no list, for a quota or a policy, is told of: in the
// conditions, in an event and in a metric.
func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	traffic.look(w.ns, space{forbid: true})
	before := gather(t)["harbor_inventory_artifactlist_write_failures_total"]
	w.inventory("all")
	inv := w.condition("all", "Ready=False WriteFailed", "Complete=False WriteFailed")
	if said := message(inv, "Ready"); !strings.Contains(said, "exceeded quota") {
		t.Errorf("the message lacks what the API server said: %s", said)
	}
	eventually(t, func() string {
		if events := w.events("all"); !slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, "Warning WriteFailed") }) {
			return fmt.Sprintf("no event tells of it: %v", events)
		}
		return ""
	})
	refused := map[string]string{"verb": "create", "reason": "Forbidden"}
	if was, is := before.value(refused), gather(t)["harbor_inventory_artifactlist_write_failures_total"].value(refused); is <= was {
		t.Errorf("the metric of failed writes went from %v to %v", was, is)
	}
}

// A periodic sync that finds nothing new changes the status once, at its end,
// however long it takes.
func TestPeriodicSyncIsOneStatusPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) {
		s.Interval = metav1.Duration{Duration: 10 * time.Second}
		s.MaxConnections = 1
	})
	inv := w.condition("all", "Ready=True", "Complete=True")
	w.harbor.SetLatency(500 * time.Millisecond) // the sync takes longer than the pause between two reports
	watch, err := kube.Watch(t.Context(), &v1alpha1.HarborInventoryList{}, client.InNamespace(w.ns))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	var versions []string
	for event := range watch.ResultChan() {
		next, ok := event.Object.(*v1alpha1.HarborInventory)
		if !ok {
			t.Fatalf("event %v", event)
		}
		if next.ResourceVersion == inv.ResourceVersion {
			continue
		}
		versions = append(versions, fmt.Sprintf("progress %v, last sync %v", next.Status.Progress, next.Status.LastSyncTime))
		if !next.Status.LastSyncTime.Equal(inv.Status.LastSyncTime) {
			break
		}
	}
	if len(versions) != 1 {
		t.Errorf("the status was changed %d times:\n%s", len(versions), strings.Join(versions, "\n"))
	}
}
