// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// chartArguments returns what the chart starts the manager with, from a golden
// file of its tests.
func chartArguments(t *testing.T, golden string) []string {
	t.Helper()
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n# deployment.yaml\n")
	manifest, _, _ := strings.Cut(rest, "\n# ")
	var deployment appsv1.Deployment
	if err := yaml.Unmarshal([]byte(manifest), &deployment); err != nil {
		t.Fatal(err)
	}
	if containers := deployment.Spec.Template.Spec.Containers; len(containers) == 1 && len(containers[0].Args) > 0 {
		return containers[0].Args
	}
	t.Fatalf("%s has no Deployment of a container with arguments", golden)
	return nil
}

// TestChart holds that the flags which the chart sets are the manager's, and that
// their values reach it.
func TestChart(t *testing.T) {
	const dir = "../hack/release/chart/testdata/golden"
	all, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(all) == 0 {
		t.Fatal(err, all)
	}
	for _, golden := range all {
		if _, err := parse(chartArguments(t, golden)...); err != nil {
			t.Errorf("%s: %v", golden, err)
		}
	}
	s, err := parse(chartArguments(t, filepath.Join(dir, "everything.yaml"))...)
	if err != nil {
		t.Fatal(err)
	}
	egress := s.controller.Egress
	got := map[string]any{
		"hosts": len(egress.Hosts), "allowed": len(egress.Allowed), "denied": len(egress.Denied),
		"http": egress.PlainHTTP, "insecure": egress.InsecureTLS,
		"audit": s.controller.AuditInterval.String(), "writers": s.controller.Writers, "repositories": s.controller.MetricsRepositories,
	}
	want := map[string]any{
		"hosts": 3, "allowed": 2, "denied": 1, "http": true, "insecure": true,
		"audit": "1m0s", "writers": 4, "repositories": 200,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-chart's values +manager's):\n%s", diff)
	}
}
