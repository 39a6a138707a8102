// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

// Metrics of this package that are counted as things happen; docs/metrics.md has
// all in a table, and says what bounds the number of series. The label harbor is
// one of [harbors.label].
var (
	harborRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_requests_total",
		Help: "Requests to Harbor, each try of its own, by HTTP status; code 0 is no answer, other is a status that HTTP does not know.",
	}, []string{"harbor", "endpoint", "code"})

	harborRetries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_retries_total",
		Help: "Requests to Harbor that were not the first try of a call, by what was wrong with the try before: an HTTP status, or a failure as of harbor_inventory_harbor_failures_total.",
	}, []string{"endpoint", "reason"})

	harborBudgetSpent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_retry_budget_spent_total",
		Help: "Calls to Harbor that failed and were not tried again because too many others had been.",
	}, []string{"harbor"})

	harborFailures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_failures_total",
		Help: "Requests to Harbor that failed in another way than by their status: canceled, timeout, name, address, certificate, client_certificate, scheme, connection, invalid, too_large.",
	}, []string{"endpoint", "failure"})

	harborPageRows = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "harbor_inventory_harbor_page_rows",
		Help: "Artifacts asked for with the last page: less than 100 where Harbor was too slow for that.",
	})

	harborLatency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "harbor_inventory_harbor_request_duration_seconds",
		Help:    "Time from sending a request to the end of its answer.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	}, []string{"endpoint"})

	harborBytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "harbor_inventory_harbor_received_bytes_total",
		Help: "Bytes of Harbor's answers.",
	})

	syncs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_syncs_total",
		Help: "Syncs that came to an end, by the reason of the condition Complete.",
	}, []string{"reason"})

	syncDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "harbor_inventory_sync_duration_seconds",
		Help:    "Duration of syncs; scope is changed where only what Harbor's listings show to have changed was read, else all.",
		Buckets: prometheus.ExponentialBuckets(0.1, 2, 15),
	}, []string{"scope"})

	drift = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "harbor_inventory_drift_total",
		Help: "Repositories that a reading in full found changed, of which neither Harbor's listing of repositories nor a hint had told.",
	})

	hintsReceived = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_hints_total",
		Help: "Hints that an inventory took, by where they came from: webhook, audit_log, edit (of a list, by somebody else).",
	}, []string{"source"})

	hintedReads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_hinted_reads_total",
		Help: "Repositories that were read because something named them, by what as of harbor_inventory_hints_total, and by outcome: succeeded, failed.",
	}, []string{"source", "outcome"})

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
		Help: "ArtifactLists written: create, update, delete.",
	}, []string{"verb"})

	listWriteFailures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_artifactlist_write_failures_total",
		Help: "Writes of ArtifactLists that the API server did not take; a Conflict, AlreadyExists or NotFound is planned again. The reason is one of Kubernetes', else other.",
	}, []string{"verb", "reason"})

	reportWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_vulnerabilityreport_writes_total",
		Help: "VulnerabilityReports written: create, update, delete.",
	}, []string{"verb"})

	reportReads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "harbor_inventory_vulnerabilityreport_reads_total",
		Help: "Vulnerability reports that were read from Harbor: written, unchanged, gone, failed.",
	}, []string{"outcome"})

	buildInfo = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "harbor_inventory_build_info",
		Help:        "1, with the version of the operator and of Go.",
		ConstLabels: prometheus.Labels{"version": version.String(), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
)

func init() {
	metrics.Registry.MustRegister(harborRequests, harborRetries, harborBudgetSpent, harborFailures, harborPageRows, harborLatency, harborBytes,
		syncs, syncDuration, drift, hintsReceived, hintedReads, laneRequestsTotal, laneArtifactsTotal,
		listWrites, listWriteFailures, reportWrites, reportReads, buildInfo)
	// From 0 on, so that the first one shows as an increase.
	for _, source := range []hinter{byWebhook, byEdit, byAuditLog} {
		hintsReceived.WithLabelValues(source.String())
	}
	for _, verb := range []string{verbCreate, verbUpdate, verbDelete} {
		listWrites.WithLabelValues(verb)
	}
}

func countLooks(kind lookKind, found, changed int) {
	laneArtifactsTotal.WithLabelValues(string(kind), "changed").Add(float64(changed))
	laneArtifactsTotal.WithLabelValues(string(kind), "unchanged").Add(float64(max(0, found-changed)))
}

// observe counts a request, all but what tells which Harbor it went to.
func observe(o transport.Observation) {
	if o.Try > 1 {
		harborRetries.WithLabelValues(o.Endpoint, o.After).Inc()
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

// Values of the label verb.
const (
	verbCreate = "create"
	verbUpdate = "update"
	verbDelete = "delete"
)

// knownReasons are those reasons of the API server that a write can meet. An
// admission webhook may answer with any other text.
var knownReasons = []metav1.StatusReason{
	metav1.StatusReasonUnauthorized, metav1.StatusReasonForbidden, metav1.StatusReasonNotFound, metav1.StatusReasonAlreadyExists,
	metav1.StatusReasonConflict, metav1.StatusReasonGone, metav1.StatusReasonInvalid, metav1.StatusReasonServerTimeout,
	metav1.StatusReasonTimeout, metav1.StatusReasonTooManyRequests, metav1.StatusReasonBadRequest, metav1.StatusReasonMethodNotAllowed,
	metav1.StatusReasonRequestEntityTooLarge, metav1.StatusReasonInternalError, metav1.StatusReasonServiceUnavailable,
}

// noteWrite counts a write of a list, or its failure.
func noteWrite(verb string, err error) {
	if err == nil {
		listWrites.WithLabelValues(verb).Inc()
		return
	}
	reason := apierrors.ReasonForError(err)
	if !slices.Contains(knownReasons, reason) {
		reason = "other"
	}
	listWriteFailures.WithLabelValues(verb, string(reason)).Inc()
}
