// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Metrics of this package. No label holds a name of a project, repository or
// inventory, so the number of series is fixed.
var (
	harborRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_requests_total",
		Help: "Requests to Harbor, each try of its own, by endpoint and HTTP status (0: no answer).",
	}, []string{"endpoint", "code"})

	harborLatency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "harbor_inventory_harbor_request_duration_seconds",
		Help:    "Time from sending a request to the end of its answer, by endpoint.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	}, []string{"endpoint"})

	harborBytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_received_bytes_total",
		Help: "Bytes of Harbor's answers that were read.",
	})

	syncs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_syncs_total",
		Help: "Syncs that came to an end, by the reason of the condition Complete.",
	}, []string{"reason"})

	syncDuration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "harbor_inventory_sync_duration_seconds",
		Help:    "Duration of syncs.",
		Buckets: prometheus.ExponentialBuckets(0.1, 2, 15),
	})

	drift = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "harbor_inventory_drift_total",
		Help: "Repositories that a reading in full found changed, of which neither Harbor's listing of repositories nor a hint had told.",
	})

	hintedReads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_hinted_reads_total",
		Help: "Repositories that were read because a webhook or an edit of a list named them, by outcome: succeeded, failed.",
	}, []string{"outcome"})

	listWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_artifactlist_writes_total",
		Help: "ArtifactLists written, by verb: create, update, delete.",
	}, []string{"verb"})
)

func init() {
	metrics.Registry.MustRegister(harborRequests, harborLatency, harborBytes, syncs, syncDuration, listWrites, drift, hintedReads)
}

func observeRequest(o transport.Observation) {
	harborRequests.WithLabelValues(o.Endpoint, strconv.Itoa(o.Status)).Inc()
	harborLatency.WithLabelValues(o.Endpoint).Observe(o.Duration.Seconds())
	harborBytes.Add(float64(o.Bytes))
}
