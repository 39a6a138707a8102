// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func TestDiscovery(t *testing.T) {
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	served, err := discoverer.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]metav1.APIResource{}
	for _, r := range served.APIResources {
		r.StorageVersionHash = ""
		got[r.Name] = r
	}
	all := metav1.Verbs{"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}
	want := map[string]metav1.APIResource{
		"harborinventories": {
			Name: "harborinventories", SingularName: "harborinventory", Kind: "HarborInventory", Namespaced: true,
			ShortNames: []string{"hinv"}, Categories: []string{"harbor"}, Verbs: all,
		},
		"harborinventories/status": {
			Name: "harborinventories/status", Kind: "HarborInventory", Namespaced: true, Verbs: metav1.Verbs{"get", "patch", "update"},
		},
		"artifactlists": {
			Name: "artifactlists", SingularName: "artifactlist", Kind: "ArtifactList", Namespaced: true,
			ShortNames: []string{"alist"}, Categories: []string{"harbor"}, Verbs: all,
		},
		"vulnerabilityreports": {
			Name: "vulnerabilityreports", SingularName: "vulnerabilityreport", Kind: "VulnerabilityReport", Namespaced: true,
			ShortNames: []string{"vrep"}, Categories: []string{"harbor"}, Verbs: all,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("served resources differ (-want +got):\n%s", diff)
	}
}

// TestDefinitions holds that the API server has nothing to complain of in the CRDs.
func TestDefinitions(t *testing.T) {
	warned := &warnings{}
	quiet := rest.CopyConfig(config)
	quiet.WarningHandler = warned
	all, err := dynamic.NewForConfig(quiet)
	if err != nil {
		t.Fatal(err)
	}
	crds := all.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	paths, err := filepath.Glob(filepath.Join(crdDirectory, "*.yaml"))
	if err != nil || len(paths) != 3 {
		t.Fatalf("%d CRDs in %s, want 3 (%v)", len(paths), crdDirectory, err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err = yaml.YAMLToJSONStrict(b)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		group, plural, _ := strings.Cut(name, "_")
		u, err := crds.Patch(context.Background(), plural+"."+group, "application/apply-patch+yaml", b,
			metav1.PatchOptions{FieldManager: "apitest", Force: new(true), FieldValidation: "Strict", DryRun: []string{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Status struct{ Conditions []metav1.Condition }
		}
		b, err = u.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &crd); err != nil {
			t.Fatal(err)
		}
		got := map[string]metav1.ConditionStatus{}
		for _, c := range crd.Status.Conditions {
			got[c.Type] = c.Status
		}
		// NonStructuralSchema and the like would stand beside these.
		if diff := cmp.Diff(map[string]metav1.ConditionStatus{"NamesAccepted": "True", "Established": "True"}, got); diff != "" {
			t.Errorf("%s: conditions differ (-want +got):\n%s", path, diff)
		}
	}
	if len(warned.texts) > 0 {
		t.Errorf("the API server warns: %q", warned.texts)
	}
}

type warnings struct {
	mu    sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// TestPrinterColumns holds what kubectl get shows: the server's own tables.
func TestPrinterColumns(t *testing.T) {
	ctx := context.Background()
	c := newClient(t)
	namespace := newNamespace(t)
	inventory := &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "production"},
		Spec:       v1alpha1.HarborInventorySpec{Harbor: v1alpha1.HarborEndpoint{URL: "https://harbor.example.com"}},
	}
	if err := c.Create(ctx, inventory); err != nil {
		t.Fatal(err)
	}
	inventory.Status = v1alpha1.HarborInventoryStatus{
		LastSyncTime: new(metav1.Now()), Projects: new(int32(16)), Repositories: new(int32(74)), Artifacts: new(int64(23908)),
		Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: "True", Reason: v1alpha1.ReasonSucceeded, Message: "23908 artifacts in 74 repositories", LastTransitionTime: metav1.Now()},
			{Type: v1alpha1.ConditionComplete, Status: "False", Reason: v1alpha1.ReasonPartialFailure, LastTransitionTime: metav1.Now()},
		},
	}
	if err := c.Status().Update(ctx, inventory); err != nil {
		t.Fatal(err)
	}
	fresh := &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "staging"},
		Spec:       v1alpha1.HarborInventorySpec{Harbor: v1alpha1.HarborEndpoint{URL: "https://harbor.example.com:8443"}},
	}
	if err := c.Create(ctx, fresh); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(ctx, newList(namespace, "production-1f3a9c2b7d-0", "library/nginx")); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(ctx, newReport(namespace)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, plural := range []string{"harborinventories", "artifactlists", "vulnerabilityreports"} {
		for _, wide := range []bool{false, true} {
			fmt.Fprintf(&text, "$ kubectl get %s%s\n%s\n", plural, map[bool]string{true: " -o wide"}[wide], table(t, namespace, plural, wide))
		}
	}
	golden(t, "columns.golden", strings.TrimSuffix(text.String(), "\n"))
}

func newReport(namespace string) *v1alpha1.VulnerabilityReport {
	return &v1alpha1.VulnerabilityReport{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "production-3d6726de3c3211b8-2e60aa673ed9f4a4ddc5255edc51e556",
			Labels: map[string]string{v1alpha1.LabelInventory: "production"},
		},
		Harbor: "https://harbor.example.com", Project: "library", Repository: "library/nginx", Digest: "sha256:2e60aa67",
		Tags: []string{"1.27", "latest"}, Severity: "Critical",
		Counts: v1alpha1.VulnerabilityCounts{Total: 17, Fixable: 5, Critical: 2, High: 7, Other: 8},
		CVSS:   v1alpha1.CVSSFigures{Scored: 12, Mean: "6.10", Median: "7.50", StandardDeviation: "2.31", Min: "0.0", Max: "9.8"},
	}
}

// TestReportsAreSelectable: reports can be selected by what they are about.
func TestReportsAreSelectable(t *testing.T) {
	c := newClient(t)
	namespace := newNamespace(t)
	report := newReport(namespace)
	if err := c.Create(context.Background(), report); err != nil {
		t.Fatal(err)
	}
	for field, values := range map[string][2]string{
		"project": {"library", "team-a"}, "repository": {"library/nginx", "library/redis"}, "digest": {"sha256:2e60aa67", "sha256:0f"}, "severity": {"Critical", "High"},
	} {
		wantNames(t, c, &v1alpha1.VulnerabilityReportList{}, report.Name, client.InNamespace(namespace), client.MatchingFields{field: values[0]})
		wantNames(t, c, &v1alpha1.VulnerabilityReportList{}, "", client.InNamespace(namespace), client.MatchingFields{field: values[1]})
	}
}

// table asks for the server's table and prints it as kubectl does.
func table(t *testing.T, namespace, plural string, wide bool) string {
	t.Helper()
	body, err := restClient(t).Get().
		AbsPath("/apis/harborinventory.io/v1alpha1/namespaces", namespace, plural).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(context.Background()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var served metav1.Table
	if err := json.Unmarshal(body, &served); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 8, 3, ' ', 0)
	line := func(cell func(i int) any) {
		var cells []string
		for i, column := range served.ColumnDefinitions {
			if column.Priority == 0 || wide {
				cells = append(cells, fmt.Sprint(cell(i)))
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			t.Fatal(err)
		}
	}
	line(func(i int) any { return strings.ToUpper(served.ColumnDefinitions[i].Name) })
	for _, row := range served.Rows {
		line(func(i int) any {
			switch {
			case row.Cells[i] == nil:
				return "" // as kubectl prints it
			case served.ColumnDefinitions[i].Name == "Age", served.ColumnDefinitions[i].Name == "Last Sync":
				if age, err := time.ParseDuration(fmt.Sprint(row.Cells[i])); err != nil || age > time.Hour {
					t.Errorf("%s is %v", served.ColumnDefinitions[i].Name, row.Cells[i])
				}
				return "(age)"
			}
			return row.Cells[i]
		})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
