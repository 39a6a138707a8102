// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// family is a metric with its series; nil has none.
type family struct{ *dto.MetricFamily }

// told are the metrics of the operator that a test has seen, with the labels
// that they had then.
var told = struct {
	sync.Mutex
	families map[string]documentedMetric
}{families: map[string]documentedMetric{}}

// gather reads the operator's metrics, by name.
func gather(t *testing.T) map[string]family {
	t.Helper()
	gathered, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told.Lock()
	defer told.Unlock()
	families := map[string]family{}
	for _, f := range gathered {
		if strings.HasPrefix(f.GetName(), "harbor_inventory_") {
			families[f.GetName()] = family{f}
			told.families[f.GetName()] = documentedMetricOf(f)
		}
	}
	return families
}

// series returns the labels of those series that have these, each as "name=value".
func (f family) series(with map[string]string) (found [][]string) {
	for _, m := range f.MetricFamily.GetMetric() {
		if labels := labelsOf(m); matches(labels, with) {
			var texts []string
			for name, value := range labels {
				texts = append(texts, name+"="+value)
			}
			slices.Sort(texts)
			found = append(found, texts)
		}
	}
	return found
}

// value is the sum over the series with these labels.
func (f family) value(with map[string]string) (sum float64) {
	for _, m := range f.MetricFamily.GetMetric() {
		if matches(labelsOf(m), with) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

func matches(labels, with map[string]string) bool {
	for name, value := range with {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// The metrics of an inventory say what its status says, and go with it; so do
// those of a Harbor that no inventory names any more.
func TestMetricsOfAnInventory(t *testing.T) {
	t.Parallel()
	w := synced(t, harbortest.Recorded(), withVulnerabilities)
	inv := w.condition("all", "DetailsKnown=True Succeeded")
	own := map[string]string{"namespace": w.ns, "name": "all"}
	status := inv.Status
	var all map[string]family
	eventually(t, func() string { // the metrics are of the cached status
		all = gather(t)
		if got := all["harbor_inventory_vulnerabilities"].value(own); got != float64(status.Vulnerabilities.Total) {
			return fmt.Sprintf("%v vulnerabilities, want %d", got, status.Vulnerabilities.Total)
		}
		return ""
	})
	for name, want := range map[string]int64{
		"artifacts":                        *status.Artifacts,
		"artifactlists":                    int64(*status.ArtifactLists),
		"size_bytes":                       *status.SizeBytes,
		"projects":                         int64(*status.Projects),
		"repositories":                     int64(*status.Repositories),
		"failures":                         0,
		"not_found":                        0,
		"suspended":                        0,
		"vulnerabilities":                  status.Vulnerabilities.Total,
		"interval_seconds":                 3600,
		"timeout_seconds":                  300,
		"last_sync_timestamp_seconds":      status.LastSyncTime.Unix(),
		"last_full_sync_timestamp_seconds": status.LastFullSyncTime.Unix(),
		"repository_artifacts":             *status.Artifacts,
		"repository_size_bytes":            *status.SizeBytes,
		"condition":                        3,
	} {
		if got := all["harbor_inventory_"+name].value(own); got != float64(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	conditions := all["harbor_inventory_condition"].series(own)
	slices.SortFunc(conditions, slices.Compare)
	if diff := cmp.Diff([][]string{
		{"name=all", "namespace=" + w.ns, "reason=Succeeded", "status=True", "type=Complete"},
		{"name=all", "namespace=" + w.ns, "reason=Succeeded", "status=True", "type=DetailsKnown"},
		{"name=all", "namespace=" + w.ns, "reason=Succeeded", "status=True", "type=Ready"},
	}, conditions); diff != "" {
		t.Error(diff)
	}
	if n := len(all["harbor_inventory_repository_read_timestamp_seconds"].series(own)); n != int(*status.Repositories) {
		t.Errorf("%d repositories say when they were read, want %d", n, *status.Repositories)
	}

	address, err := url.Parse(w.harbor.URL)
	if err != nil {
		t.Fatal(err)
	}
	here := map[string]string{"harbor": address.Host}
	for _, name := range []string{"requests_total", "requests_in_flight", "requests_waiting", "concurrency", "retry_budget_spent_total"} {
		if len(all["harbor_inventory_harbor_"+name].series(here)) == 0 {
			t.Errorf("%s says nothing of %s", name, address.Host)
		}
	}
	if err := kube.Delete(context.Background(), inv); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		for name, family := range gather(t) {
			if n := len(family.series(own)) + len(family.series(here)); n > 0 {
				return name + " still tells of the inventory or its Harbor"
			}
		}
		return ""
	})
}
