// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Traces, for whom the process has set a tracer provider; else nothing is made.
// Everything below a sync is made only where the sync itself is recorded.
//
//	| span              | is below          | lasts                                            |
//	|-------------------|-------------------|--------------------------------------------------|
//	| sync              |                   | as long as the sync                              |
//	| hinted reads      |                   | as long as the reading of what hints named       |
//	| <phase>           | the sync          | look at lists, read Harbor, remove lists, count, |
//	|                   |                   | register webhooks, write status                  |
//	| harbor <endpoint> | the phase         | one request, each try of its own                 |
//	| repository        | the phase         | from the first request to the last list written  |
//	| list <verb>       | repository, phase | one write                                        |
//
// Spans hold names of repositories and lists, and nothing of what a server sent,
// no URL and no credentials.
const tracerName = "github.com/harbor-inventory/harbor-inventory"

// spanBound is how many spans of repositories, requests and writes a trace has at
// most, and how many of failed requests besides. A first sync would make tens of
// thousands; of what does not fit into the exporter's queue, 2,048 spans by
// default, it drops whichever come (OTEL_BSP_MAX_QUEUE_SIZE).
const spanBound = 500

// spanCount counts the spans of one trace.
type spanCount struct{ spans, failed, leftOut atomic.Int64 }

type spanCountKey struct{}

// traced begins the span of a sync, or of the reading of hints.
func traced(ctx context.Context, name string, inv *v1alpha1.HarborInventory, attributes ...attribute.KeyValue) (context.Context, func()) {
	ctx, span := otel.Tracer(tracerName).Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(append(attributes,
		attribute.String("k8s.namespace.name", inv.Namespace), attribute.String("harborinventory.name", inv.Name))...))
	if !span.IsRecording() {
		return ctx, func() {}
	}
	count := &spanCount{}
	return context.WithValue(ctx, spanCountKey{}, count), func() {
		span.SetAttributes(attribute.Int64("spans.left_out", count.leftOut.Load()))
		span.End()
	}
}

// recorded tells whether spans below the one of a context are of use.
func recorded(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// room tells whether there is to be one more span below the one of a context.
func room(ctx context.Context, failed bool) bool {
	count, ok := ctx.Value(spanCountKey{}).(*spanCount)
	if !ok || !recorded(ctx) {
		return false
	}
	if count.spans.Add(1) <= spanBound || failed && count.failed.Add(1) <= spanBound {
		return true
	}
	count.leftOut.Add(1)
	return false
}

// tracedPhase begins the span of a part of a sync.
func tracedPhase(ctx context.Context, name string) (context.Context, func()) {
	if !recorded(ctx) {
		return ctx, func() {}
	}
	ctx, span := otel.Tracer(tracerName).Start(ctx, name)
	return ctx, func() { span.End() }
}

// endSync tells the span of a sync what came of it.
func endSync(span trace.Span, res *result, status *v1alpha1.HarborInventoryStatus) {
	if !span.IsRecording() {
		return
	}
	complete := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	span.SetAttributes(
		attribute.String("outcome", complete.Reason), attribute.Int("repositories", res.done), attribute.Int("unmoved", res.report.Known),
		attribute.Int64("artifacts", res.totals.Artifacts), attribute.Int("failures", int(status.FailuresTotal)))
	if complete.Status != "True" {
		span.SetStatus(codes.Error, complete.Reason)
	}
}

// tracedRepository begins the span of a repository that was read, at the time
// when its reading began.
func tracedRepository(ctx context.Context, repository *fetch.Repository) (context.Context, func(error)) {
	if !room(ctx, false) {
		return ctx, func(error) {}
	}
	ctx, span := otel.Tracer(tracerName).Start(ctx, "repository", trace.WithTimestamp(repository.Began), trace.WithAttributes(
		attribute.String("repository", repository.Name), attribute.Int("artifacts", len(repository.Artifacts)), attribute.Bool("verified", repository.Verified)))
	return ctx, func(err error) { end(span, err) }
}

// tracedWrite begins the span of one write of a list.
func tracedWrite(ctx context.Context, verb, list string) (context.Context, func(error)) {
	if !room(ctx, false) {
		return ctx, func(error) {}
	}
	ctx, span := otel.Tracer(tracerName).Start(ctx, "list "+verb, trace.WithAttributes(attribute.String("list", list)))
	return ctx, func(err error) { end(span, err) }
}

// end ends a span. Of an error only that there was one is told: its text may hold
// what the API server said.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "failed")
	}
	span.End()
}

// traceRequest makes the span of a request to Harbor that has just ended.
func traceRequest(o *transport.Observation) {
	failed := o.Failure != transport.FailureNone || o.Status >= 400
	if o.Context == nil || !room(o.Context, failed) {
		return
	}
	now := time.Now()
	_, span := otel.Tracer(tracerName).Start(o.Context, "harbor "+o.Endpoint, trace.WithTimestamp(now.Add(-o.Duration)), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", o.Method), attribute.Int("http.response.status_code", o.Status),
			attribute.Int64("http.response.body.size", o.Bytes), attribute.Int("http.request.resend_count", o.Try-1)))
	if o.Failure != transport.FailureNone {
		span.SetStatus(codes.Error, string(o.Failure))
	} else if o.Status >= 400 {
		span.SetStatus(codes.Error, codeOf(o.Status))
	}
	span.End(trace.WithTimestamp(now))
}
