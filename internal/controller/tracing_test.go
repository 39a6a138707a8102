// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// traces keeps those of the namespaces that ask for it.
var traces = struct {
	sync.Map
	*tracetest.InMemoryExporter
}{InMemoryExporter: tracetest.NewInMemoryExporter()}

func init() {
	otel.SetTracerProvider(sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(traces.InMemoryExporter), sdktrace.WithSampler(sdktrace.ParentBased(ofNamespaces{}))))
}

// ofNamespaces samples syncs by their namespace.
type ofNamespaces struct{}

func (ofNamespaces) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	for _, a := range p.Attributes {
		if _, ok := traces.Load(a.Value.AsString()); ok && a.Key == "k8s.namespace.name" {
			return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
		}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.Drop}
}

func (ofNamespaces) Description() string { return "of namespaces" }

// A sync is one trace: each repository, each request to Harbor and each write of
// a list is a span of it, with its retries and failures, and without any secret.
func TestTraces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	traces.Store(w.ns, true)
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/nginx/", Fault: harbortest.Gateway(503), Count: 1})
	w.inventory("all")
	w.condition("all", "Ready=True", "Complete=True")
	var spans []tracetest.SpanStub
	eventually(t, func() string { // the sync's span ends after its status
		spans = ofSync(w.ns)
		if len(spans) == 0 {
			return "the sync has no span"
		}
		return ""
	})

	count := map[string]int{}
	byID := map[trace.SpanID]string{}
	for _, s := range spans {
		byID[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range spans {
		count[byID[s.Parent.SpanID()]+" > "+s.Name]++
		if s.Status.Code == codes.Error {
			count["failed with "+s.Status.Description]++
		}
		if hasAttribute(s, attribute.Int("http.request.resend_count", 1)) {
			count["tried again"]++
		}
		for _, text := range textsOf(s) {
			if strings.Contains(text, canary) || strings.Contains(text, "://") {
				t.Errorf("%s holds %s", s.Name, text)
			}
		}
	}
	for name, want := range map[string]int{
		" > sync": 1, "sync > look at lists": 1, "sync > read Harbor": 1, "sync > remove lists": 1, "sync > count": 1, "sync > write status": 1,
		"read Harbor > repository": 3, "repository > list create": len(w.lists("all")), "read Harbor > harbor systeminfo": 2,
		"failed with 503": 1, "tried again": 1,
	} {
		if count[name] != want {
			t.Errorf("%d spans %q, want %d: %v", count[name], name, want, count)
		}
	}
	t.Log(tree(spans, trace.SpanID{}, 0))
	// A sync of a namespace that is not sampled leaves none.
	other := synced(t, small())
	if got := ofSync(other.ns); len(got) != 0 {
		t.Errorf("%d spans of a sync that was not sampled", len(got))
	}
}

// A trace has a bound, keeps what failed beyond it, and tells what it left out.
func TestTracesAreBounded(t *testing.T) {
	t.Parallel()
	// Of this version, each repository is read by itself.
	registry := harbortest.New(harbortest.WithVersion(harbortest.Version{Major: 2, Minor: 14}))
	registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary, SystemScope: true})
	for i := range 250 {
		registry.Push(fmt.Sprintf("library/app-%03d", i), harbortest.Image{Tags: []string{"1.0"}})
	}
	w := newWorld(t, registry)
	traces.Store(w.ns, true)
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/app-249/", Fault: harbortest.InternalError()})
	w.inventory("all")
	w.condition("all", "Ready=True", "Complete=False")
	var spans []tracetest.SpanStub
	eventually(t, func() string {
		spans = ofSync(w.ns)
		if len(spans) == 0 {
			return "the sync has no span"
		}
		return ""
	})
	failed, leftOut := 0, int64(0)
	for _, s := range spans {
		if s.Status.Description == "500" {
			failed++
		}
		for _, a := range s.Attributes {
			if a.Key == "spans.left_out" {
				leftOut = a.Value.AsInt64()
			}
		}
	}
	// Besides those of repositories, requests and writes there are the sync and its phases.
	if len(spans) > 520 || failed == 0 || leftOut < 200 {
		t.Errorf("%d spans, %d of requests that failed, %d left out", len(spans), failed, leftOut)
	}
}

// tree renders the spans below one, by when they began.
func tree(spans []tracetest.SpanStub, parent trace.SpanID, depth int) string {
	spans = slices.SortedFunc(slices.Values(spans), func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var text strings.Builder
	for _, s := range spans {
		if s.Parent.SpanID() == parent {
			fmt.Fprintf(&text, "\n%-50s %8s  %s", strings.Repeat("  ", depth)+s.Name, s.EndTime.Sub(s.StartTime).Round(100*time.Microsecond), s.Status.Description)
			for _, a := range s.Attributes {
				fmt.Fprintf(&text, " %s=%s", a.Key, a.Value.String())
			}
			text.WriteString(tree(spans, s.SpanContext.SpanID(), depth+1))
		}
	}
	return text.String()
}

// ofSync returns the spans of the first sync of a namespace that has ended.
func ofSync(namespace string) (spans []tracetest.SpanStub) {
	all := traces.GetSpans()
	for _, root := range all {
		if root.Name != "sync" || !hasAttribute(root, attribute.String("k8s.namespace.name", namespace)) {
			continue
		}
		for _, s := range all {
			if s.SpanContext.TraceID() == root.SpanContext.TraceID() {
				spans = append(spans, s)
			}
		}
		return spans
	}
	return nil
}

func hasAttribute(s tracetest.SpanStub, want attribute.KeyValue) bool {
	return slices.Contains(s.Attributes, want)
}

// textsOf renders all that a span says.
func textsOf(s tracetest.SpanStub) []string {
	texts := []string{s.Name, s.Status.Description}
	for _, a := range s.Attributes {
		texts = append(texts, fmt.Sprint(a.Key, "=", a.Value.AsInterface()))
	}
	for _, e := range s.Events {
		texts = append(texts, fmt.Sprint(e))
	}
	return texts
}
