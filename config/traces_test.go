// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
)

// collector takes spans as an OpenTelemetry collector does, over OTLP and gRPC,
// and passes on what it was sent.
func collector(t *testing.T, sent chan<- []byte) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/opentelemetry.proto.collector.trace.v1.TraceService/Export" {
			http.NotFound(w, r)
			return
		}
		sent <- body
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = w.Write(make([]byte, 5)) // an empty message
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// With the address of a collector in its environment, the manager sends it the
// trace of a sync.
func tracesReachCollector(ctx context.Context, t *testing.T, running *cluster.Cluster) {
	t.Helper()
	sent := make(chan []byte, 1000)
	kubeconfig, err := running.Kubeconfig(manager)
	must(t, err)
	_, err = running.StartManager(ctx, kubeconfig, []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector(t, sent), "OTEL_BSP_SCHEDULE_DELAY=100",
	}, "--metrics-bind-address=0", "--namespaces=traced")
	must(t, err)
	must(t, running.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "traced"}}))
	inv := cluster.Inventory("traced", "all", "http://127.0.0.1:1")
	inv.Spec.Harbor.CredentialsSecretRef = nil
	must(t, running.Client.Create(ctx, inv))
	var all []byte
	for _, word := range []string{"service.name", "harbor-inventory", "harbor systeminfo", "traced", "HarborUnavailable"} {
		for !bytes.Contains(all, []byte(word)) { // the span of the sync comes after those below it
			select {
			case body := <-sent:
				all = append(all, body...)
			case <-ctx.Done():
				t.Fatalf("the collector was sent nothing about %q: %v", word, context.Cause(ctx))
			}
		}
	}
}
