// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// metrics of a receiver. No label holds a name, so the number of series is fixed.
type metrics struct {
	received    prometheus.Counter
	refused     *prometheus.CounterVec
	events      *prometheus.CounterVec
	folded      *prometheus.CounterVec
	hints       prometheus.Counter
	delay       prometheus.Histogram
	inWork      prometheus.Gauge
	waiting     prometheus.Gauge
	connections prometheus.Gauge
	evicted     prometheus.Counter
}

// Values of the label "by" of folded events.
const (
	byRepeat = "repeat" // the same event was received before
	byQueue  = "queue"  // another hint that waited covers it
)

func newMetrics() *metrics {
	m := &metrics{
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_requests_total",
			Help: "Requests to the webhook receiver.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_refused_total",
			Help: "Requests to the webhook receiver that were refused, by reason.",
		}, []string{"reason"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_events_total",
			Help: "Events of Harbor that were received, by type; unknown types are those of a later Harbor.",
		}, []string{"type"}),
		folded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_folded_total",
			Help: "Events that caused no hint of their own: received before (repeat), or covered by a hint that waited (queue).",
		}, []string{"by"}),
		hints: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_hints_total",
			Help: "Hints that were passed on.",
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "harbor_inventory_webhook_hint_delay_seconds",
			Help:    "Time from receiving the first event of a hint to passing the hint on.",
			Buckets: []float64{0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5},
		}),
		inWork: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "harbor_inventory_webhook_requests_in_work",
			Help: "Requests to the webhook receiver that are worked on.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "harbor_inventory_webhook_hints_waiting",
			Help: "Hints that wait for more of their kind.",
		}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "harbor_inventory_webhook_connections",
			Help: "Open connections of the webhook receiver.",
		}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "harbor_inventory_webhook_connections_evicted_total",
			Help: "Connections that were closed because there were too many.",
		}),
	}
	for _, r := range refusals {
		m.refused.WithLabelValues(r.reason)
	}
	m.folded.WithLabelValues(byRepeat)
	m.folded.WithLabelValues(byQueue)
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{
		m.received, m.refused, m.events, m.folded, m.hints, m.delay, m.inWork, m.waiting, m.connections, m.evicted,
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) event(t harbor.EventType) {
	if t == "" {
		t = "unknown"
	}
	m.events.WithLabelValues(string(t)).Inc()
}
