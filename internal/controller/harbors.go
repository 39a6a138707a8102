// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// harbors holds one limiter for each Harbor, which all inventories share that name it.
type harbors struct {
	connections int

	mu       sync.Mutex
	limiters map[string]*transport.Limiter
	lanes    map[string]*transport.Limiter // one request each
}

func newHarbors(connections int) *harbors {
	return &harbors{connections: connections, limiters: map[string]*transport.Limiter{}, lanes: map[string]*transport.Limiter{}}
}

// harborKey is the same for all spellings of a Harbor's URL.
func harborKey(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	key := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		key += ":" + port
	}
	return key
}

// limiter returns the limiter of the Harbor at this URL. Different spellings of
// one host count as one Harbor; so do http and https.
func (h *harbors) limiter(address string) *transport.Limiter {
	key := harborKey(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.limiters[key]
	if l == nil {
		l = transport.NewAdaptiveLimiter(h.connections)
		h.limiters[key] = l
	}
	return l
}

// lane returns the limiter of what looks up details in the Harbor at this URL:
// one request at a time, whatever the number of inventories.
func (h *harbors) lane(address string) *transport.Limiter {
	key := harborKey(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lanes[key] == nil {
		h.lanes[key] = transport.NewLimiter(1)
	}
	return h.lanes[key]
}

// maxCollected bounds the Harbors that the metrics tell of, each with its host as
// the label; the first by name.
const maxCollected = 100

var (
	inFlightDesc = prometheus.NewDesc("harbor_inventory_harbor_requests_in_flight",
		"Requests to a Harbor that are under way.", []string{"harbor"}, nil)
	waitingDesc = prometheus.NewDesc("harbor_inventory_harbor_requests_waiting",
		"Requests to a Harbor that wait for one under way to end.", []string{"harbor"}, nil)
	concurrencyDesc = prometheus.NewDesc("harbor_inventory_harbor_concurrency",
		"Requests to a Harbor that may be under way at present: less than the flag --max-connections-per-harbor where Harbor is in trouble.",
		[]string{"harbor"}, nil)
)

// Describe is of prometheus.Collector.
func (h *harbors) Describe(to chan<- *prometheus.Desc) {
	to <- inFlightDesc
	to <- waitingDesc
	to <- concurrencyDesc
}

// Collect is of prometheus.Collector.
func (h *harbors) Collect(to chan<- prometheus.Metric) {
	h.mu.Lock()
	limiters := maps.Clone(h.limiters)
	h.mu.Unlock()
	names := slices.Sorted(maps.Keys(limiters))
	for _, name := range names[:min(maxCollected, len(names))] {
		l := limiters[name]
		_, now := l.Bounds()
		for desc, value := range map[*prometheus.Desc]int{inFlightDesc: l.InFlight(), waitingDesc: l.Waiting(), concurrencyDesc: now} {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), name)
		}
	}
}
