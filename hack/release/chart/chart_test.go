// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package chart tests the Helm chart.
package chart

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	dir       = "../../../charts/harbor-inventory"
	config    = "../../../config"
	release   = "test"
	namespace = "harbor-inventory-system"
)

// sets are the values that the chart is tried with, by their names.
func sets(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = read[map[string]any](t, file)
	}
	return all
}

func read[T any](t *testing.T, file string) (value T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return value
}

// render returns what helm install would send, a text for each template.
func render(values map[string]any) (map[string]string, error) {
	chart, err := loader.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, values, options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	templates := map[string]string{}
	for name, text := range rendered {
		if strings.TrimSpace(text) != "" {
			templates[path.Base(name)] = text
		}
	}
	return templates, nil
}

// objects returns the objects in templates.
func objects(t *testing.T, templates map[string]string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		if name == "NOTES.txt" {
			continue
		}
		for document := range strings.SplitSeq("\n"+templates[name], "\n---\n") {
			o := &unstructured.Unstructured{}
			if err := yaml.UnmarshalStrict([]byte(document), &o.Object); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			if len(o.Object) > 0 {
				all = append(all, o)
			}
		}
	}
	return all
}

func rendered(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	templates, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func TestLint(t *testing.T) {
	for name, values := range sets(t) {
		for _, m := range lint.RunAll(dir, values, namespace).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// TestGolden holds what the chart makes of each set of values, but for what is
// config's: see TestDefinitions and TestRights.
func TestGolden(t *testing.T) {
	for name, values := range sets(t) {
		var got bytes.Buffer
		templates := rendered(t, values)
		delete(templates, "crds.yaml")
		delete(templates, "rbac_users.yaml")
		for _, file := range slices.Sorted(maps.Keys(templates)) {
			got.WriteString("# " + file + "\n" + strings.TrimSpace(templates[file]) + "\n")
		}
		golden := filepath.Join("testdata/golden", name+".yaml")
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: rendered differently, see flag -update (-golden +rendered):\n%s", name, diff)
		}
	}
}

// TestRefused holds that values which cannot work are refused, with a word that
// tells which.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ values, says string }{
		{"replica: 2", "'replica' not allowed"},
		{"image: {tga: v1}", "'tga' not allowed"},
		{"image: {digest: abc}", "/image/digest"},
		{"replicas: 2\nleaderElection: false", "leaderElection: true"},
		{"namespaces: [team_a]", "/namespaces/0"},
		{"namespaces: team-a", "/namespaces"},
		{"log: {level: loud}", "/log/level"},
		{"metrics: {port: 80}", "/metrics/port"},
		{"webhook: {service: {type: ExternalName}}", "/webhook/service/type"},
		{"extraArgs: {writers: 4}", "/extraArgs"},
		{"writers: 0", "/writers"},
		{"auditLogInterval: 30", "/auditLogInterval"},
		{"egress: {allowedHosts: harbor.example.com}", "/egress/allowedHosts"},
		{"egress: {allowedHosts: ['https://harbor.example.com']}", "/egress/allowedHosts/0"},
		{"egress: {allowedHosts: ['a.example.com,b.example.com']}", "/egress/allowedHosts/0"},
		{"egress: {allowedCIDRs: [harbor.example.com]}", "/egress/allowedCIDRs/0"},
		{"egress: {allowedCidrs: [10.0.0.0/8]}", "'allowedCidrs' not allowed"},
		{"egress: {deniedCIDRs: ['10.0.0.0/8 ']}", "/egress/deniedCIDRs/0"},
		{"egress: {allowPlainHTTP: 'true'}", "/egress/allowPlainHTTP"},
		{"tracing: {endpoint: 'collector:4317'}", "/tracing/endpoint"},
		{"tracing: {sampleRatio: 2}", "/tracing/sampleRatio"},
		{"metrics: {repositories: -1}", "/metrics/repositories"},
		{"serviceAccount: {create: false}", "serviceAccount.name is required"},
		{"namespaces: [a]\nmetrics: {serviceMonitor: {enabled: true}}", "metrics.clusterRole"},
	} {
		var values map[string]any
		if err := yaml.Unmarshal([]byte(c.values), &values); err != nil {
			t.Fatal(err)
		}
		if _, err := render(values); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, without %q", c.values, err, c.says)
		}
	}
}
