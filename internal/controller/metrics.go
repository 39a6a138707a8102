// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Metrics of this package; docs/metrics.md has them in a table. No label holds a
// name of a project, repository or inventory, so the number of series is bounded.
var (
	harborRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_requests_total",
		Help: "Requests to Harbor, each try of its own, by endpoint and HTTP status (0: no answer).",
	}, []string{"endpoint", "code"})

	harborRetries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_retries_total",
		Help: "Requests to Harbor that were not the first try of a call, by endpoint.",
	}, []string{"endpoint"})

	harborFailures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_failures_total",
		Help: "Requests to Harbor that failed in another way than by their status, by endpoint and failure: canceled, timeout, name, certificate, client_certificate, scheme, connection, invalid, too_large.",
	}, []string{"endpoint", "failure"})

	harborPageRows = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "harbor_inventory_harbor_page_rows",
		Help: "Artifacts asked for with the last page: less than 100 where Harbor was too slow for that.",
	})

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

	laneRequestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_detail_requests_total",
		Help: "Requests to Harbor that looked up details between the syncs, by outcome: succeeded, failed. spec.detailRequestsPerMinute bounds them.",
	}, []string{"outcome"})

	laneArtifactsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_detail_artifacts_total",
		Help: "Artifacts whose details were looked up between the syncs, by why (pending, scanned, rotation) and by whether that changed what is shown (changed, unchanged).",
	}, []string{"why", "result"})

	listWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_artifactlist_writes_total",
		Help: "ArtifactLists written, by verb: create, update, delete.",
	}, []string{"verb"})
)

func init() {
	metrics.Registry.MustRegister(harborRequests, harborRetries, harborFailures, harborPageRows, harborLatency, harborBytes, syncs, syncDuration, listWrites, drift, hintedReads, laneRequestsTotal, laneArtifactsTotal)
}

func countLooks(kind lookKind, found, changed int) {
	laneArtifactsTotal.WithLabelValues(string(kind), "changed").Add(float64(changed))
	laneArtifactsTotal.WithLabelValues(string(kind), "unchanged").Add(float64(max(0, found-changed)))
}

func observeRequest(o transport.Observation) {
	harborRequests.WithLabelValues(o.Endpoint, strconv.Itoa(o.Status)).Inc()
	if o.Try > 1 {
		harborRetries.WithLabelValues(o.Endpoint).Inc()
	}
	if o.Failure != transport.FailureNone {
		harborFailures.WithLabelValues(o.Endpoint, string(o.Failure)).Inc()
	}
	if o.Rows > 1 {
		harborPageRows.Set(float64(o.Rows))
	}
	harborLatency.WithLabelValues(o.Endpoint).Observe(o.Duration.Seconds())
	harborBytes.Add(float64(o.Bytes))
}
