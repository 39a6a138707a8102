// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// A Harbor is known as long as an inventory names it, and as long as requests to
// it are under way.
func TestHarborsAreForgotten(t *testing.T) {
	h := newHarbors(3)
	a, b := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	first := h.limiter(a, "https://One.example.com")
	if h.limiter(b, "http://one.example.com:443/") != first {
		t.Error("two spellings of one Harbor have two limiters")
	}
	h.limiter(a, "https://two.example.com:8443")
	knows := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(h.limiters))); diff != "" {
			t.Errorf("%s, wanted (-), known (+):\n%s", when, diff)
		}
	}
	knows("both named", "one.example.com", "two.example.com:8443")
	release, err := first.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.forget(b)
	knows("not named, a request under way", "one.example.com", "two.example.com:8443")
	if h.limiter(b, "https://one.example.com") != first {
		t.Error("while a request is under way, there is a second limiter")
	}
	h.forget(b)
	release()
	h.forget(b)
	knows("one named", "two.example.com:8443")
	h.forget(a)
	knows("none named")
}

// However many Harbors there are, and whatever they answer, the series are bounded.
func TestSeriesOfHarborsAreBounded(t *testing.T) {
	h := newHarbors(1)
	before := count(harborRequests)
	for i := range 2 * maxHarborLabels {
		address := fmt.Sprintf("https://many-%d.example.com", i)
		h.limiter(types.NamespacedName{Name: address}, address)
		for status := range 2 {
			h.observer(address)(transport.Observation{Endpoint: "artifacts.list", Status: 600 + 10*i + status})
		}
	}
	if got := count(harborRequests) - before; got != maxHarborLabels+1 {
		t.Errorf("%d series of requests, want one for each of %d Harbors and one for all others", got, maxHarborLabels)
	}
	if got := count(h); got != 3*maxHarborLabels {
		t.Errorf("%d series of limiters, want 3 for each of %d Harbors", got, maxHarborLabels)
	}
	for i := range 2 * maxHarborLabels {
		h.forget(types.NamespacedName{Name: fmt.Sprintf("https://many-%d.example.com", i)})
	}
	if got := count(harborRequests) - before; got != 1 || count(h) != 0 {
		t.Errorf("when none is named, %d series of requests and %d of limiters are left, want 1 and 0", got, count(h))
	}
}

// count is the number of a collector's series.
func count(c prometheus.Collector) (n int) {
	series := make(chan prometheus.Metric)
	go func() {
		c.Collect(series)
		close(series)
	}()
	for range series {
		n++
	}
	return n
}
