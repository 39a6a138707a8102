// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// TestAdmissionPolicy applies the example of a policy for hosts, and holds that
// the API server enforces it: each namespace has its own hosts.
func TestAdmissionPolicy(t *testing.T) {
	t.Parallel()
	readAll(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	running := startCluster(ctx, t)
	for _, ns := range []string{tenant, another} {
		must(t, running.Namespace(ctx, ns, "robot$inventory", "secret"))
	}
	before := cluster.Inventory(another, "before", "https://old.example.com")
	must(t, running.Client.Create(ctx, before))
	kubectl(ctx, t, running, "annotate", "namespace", tenant, "harbor-hosts=harbor.example.com,harbor.example.net:8443")
	kubectl(ctx, t, running, "apply", "--server-side", "-f", "samples/admission/harbor_hosts.yaml")

	try := func(namespace, url string) error {
		return running.Client.Create(ctx, cluster.Inventory(namespace, "all", url), client.DryRunAll)
	}
	must(t, testbed.Await(ctx, func(context.Context) error { // the API server takes a moment to heed it
		if try(another, "https://anything.example.com") == nil {
			return context.DeadlineExceeded
		}
		return nil
	}))
	for _, tt := range []struct{ namespace, url, refused string }{
		{tenant, "https://harbor.example.com", ""},
		{tenant, "https://HARBOR.example.com/prefix", ""},
		{tenant, "https://harbor.example.net:8443", ""},
		{tenant, "https://harbor.example.net", "harbor.example.net is not among the hosts that the annotation harbor-hosts of this namespace allows: harbor.example.com, harbor.example.net:8443"},
		{tenant, "https://harbor.example.com.evil.example", "is not among the hosts"},
		{tenant, "https://evil.example/harbor.example.com", "evil.example is not among the hosts"},
		{another, "https://harbor.example.com", "there is none"},
	} {
		err := try(tt.namespace, tt.url)
		if tt.refused == "" && err != nil || tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)) {
			t.Errorf("%s in namespace %s: %v, want %q", tt.url, tt.namespace, err, tt.refused)
		}
	}
	before.Spec.Suspend = true
	if err := running.Client.Update(ctx, before); err != nil {
		t.Errorf("one that was there before cannot be changed: %v", err)
	}
	before.Spec.Harbor.URL = "https://another.example.com"
	if err := running.Client.Update(ctx, before); err == nil {
		t.Error("one that was there before may name another host")
	}
	// What the API server itself finds wrong with the expressions.
	var policy admissionv1.ValidatingAdmissionPolicy
	must(t, running.Client.Get(ctx, client.ObjectKey{Name: "harbor-hosts"}, &policy))
	if checked := policy.Status.TypeChecking; checked != nil && len(checked.ExpressionWarnings) > 0 {
		t.Errorf("the API server warns: %v", checked.ExpressionWarnings)
	}
}
