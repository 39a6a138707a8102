// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// TestServerTakes holds that a real API server takes what the chart makes of
// each set of values, in namespaces that enforce the Pod Security Standard
// "restricted", and a Pod of the Deployment too. Of the Prometheus operator's
// kind, which it does not know, it holds that it has no unknown field.
func TestServerTakes(t *testing.T) {
	server := start(t)
	for _, name := range []string{namespace, "team-a", "team-b"} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest",
		}}}
		if err := server.Create(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
	for name, values := range sets(t) {
		t.Run(name, func(t *testing.T) {
			all := objects(t, rendered(t, values))
			kinds[monitoringv1.ServiceMonitor](t, all, "ServiceMonitor")
			for _, o := range all {
				if o.GetKind() == "ServiceMonitor" {
					continue
				}
				err := server.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o),
					client.DryRunAll, client.FieldOwner("helm"), client.ForceOwnership)
				if err != nil {
					t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
				}
			}
			if err := server.Create(t.Context(), pod(t, all), client.DryRunAll); err != nil {
				t.Errorf("a Pod: %v", err)
			}
		})
	}
	unsafe := map[string]any{"securityContext": map[string]any{"allowPrivilegeEscalation": true}}
	err := server.Create(t.Context(), pod(t, objects(t, rendered(t, unsafe))), client.DryRunAll)
	if err == nil || !strings.Contains(err.Error(), "allowPrivilegeEscalation") {
		t.Errorf("the namespace enforces nothing: %v", err)
	}
}

// pod returns one of the Deployment's.
func pod(t *testing.T, all []*unstructured.Unstructured) *corev1.Pod {
	t.Helper()
	deployments := slices.Collect(maps.Values(kinds[appsv1.Deployment](t, all, "Deployment")))
	if len(deployments) != 1 {
		t.Fatalf("there are %d Deployments", len(deployments))
	}
	template := deployments[0].Spec.Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.GenerateName = namespace, deployments[0].Name+"-"
	return pod
}

// start starts a control plane.
func start(t *testing.T) client.Client {
	t.Helper()
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); !filepath.IsAbs(assets) {
		t.Fatalf("KUBEBUILDER_ASSETS is %q: run make test, or set it to the absolute path of bin/k8s after make controlplane", assets)
	}
	env := &envtest.Environment{}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	server, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return server
}
