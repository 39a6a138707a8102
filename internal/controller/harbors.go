// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// harbors holds one limiter for each Harbor that an inventory names, which all
// inventories share that name it. What nobody names any more is forgotten, and
// its metrics with it.
type harbors struct {
	connections int

	mu       sync.Mutex
	limiters map[string]*transport.Limiter
	named    map[types.NamespacedName]string // the Harbor that each inventory names
	labels   map[string]bool                 // those Harbors that metrics tell of by name
}

func newHarbors(connections int) *harbors {
	return &harbors{
		connections: connections, limiters: map[string]*transport.Limiter{},
		named: map[types.NamespacedName]string{}, labels: map[string]bool{},
	}
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

// limiter returns the limiter of the Harbor at the URL that an inventory names.
// Different spellings of one host count as one Harbor; so do http and https.
func (h *harbors) limiter(inventory types.NamespacedName, address string) *transport.Limiter {
	key := harborKey(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.named[inventory] = key
	h.prune()
	l := h.limiters[key]
	if l == nil {
		l = transport.NewAdaptiveLimiter(h.connections)
		h.limiters[key] = l
		if len(h.labels) < maxHarborLabels {
			h.labels[key] = true
		}
		harborBudgetSpent.WithLabelValues(h.label(key)) // from 0 on
	}
	return l
}

// forget notes that an inventory is gone.
func (h *harbors) forget(inventory types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.named, inventory)
	h.prune()
}

// prune forgets the Harbors that nobody names, but none with requests under way.
// The caller holds the lock.
func (h *harbors) prune() {
	named := map[string]bool{}
	for _, key := range h.named {
		named[key] = true
	}
	for key, l := range h.limiters {
		if named[key] || l.InFlight()+l.Waiting() > 0 {
			continue
		}
		delete(h.limiters, key)
		if h.labels[key] {
			delete(h.labels, key)
			harborRequests.DeletePartialMatch(prometheus.Labels{"harbor": key})
			harborBudgetSpent.DeleteLabelValues(key)
		}
	}
}

// maxHarborLabels bounds the Harbors that metrics tell of by their host.
const maxHarborLabels = 100

// label is the value of the metrics' label harbor: the host of a Harbor that an
// inventory names, else other. The caller holds the lock.
func (h *harbors) label(key string) string {
	if h.labels[key] {
		return key
	}
	return "other"
}

// observer counts the requests to the Harbor at a URL.
func (h *harbors) observer(address string) transport.Observer {
	key := harborKey(address)
	return func(o transport.Observation) {
		observe(o)
		traceRequest(&o)
		h.mu.Lock() // nothing is counted under a name that was just forgotten
		defer h.mu.Unlock()
		harborRequests.WithLabelValues(h.label(key), o.Endpoint, codeOf(o.Status)).Inc()
	}
}

// codeOf bounds the values of the label code.
func codeOf(status int) string {
	if status != 0 && http.StatusText(status) == "" {
		return "other"
	}
	return strconv.Itoa(status)
}

// spent returns what counts the calls that the budget of retries gave up.
func (h *harbors) spent(address string) func() {
	key := harborKey(address)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		harborBudgetSpent.WithLabelValues(h.label(key)).Inc()
	}
}

var (
	inFlightDesc = prometheus.NewDesc("harbor_inventory_harbor_requests_in_flight",
		"Requests under way.", []string{"harbor"}, nil)
	waitingDesc = prometheus.NewDesc("harbor_inventory_harbor_requests_waiting",
		"Requests that wait for one under way to end.", []string{"harbor"}, nil)
	concurrencyDesc = prometheus.NewDesc("harbor_inventory_harbor_concurrency",
		"Requests that may be under way at present: less than --max-connections-per-harbor where Harbor is in trouble.",
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
	defer h.mu.Unlock()
	h.prune()
	for key := range h.labels {
		l := h.limiters[key]
		_, now := l.Bounds()
		for desc, value := range map[*prometheus.Desc]int{inFlightDesc: l.InFlight(), waitingDesc: l.Waiting(), concurrencyDesc: now} {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), key)
		}
	}
}
