// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// cached stands in for a cache that holds so many inventories.
type cached struct {
	client.Reader
	n int
}

func (c cached) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	all := list.(*v1alpha1.HarborInventoryList) //nolint:errcheck // asked for nothing else
	for i := range c.n {
		inv := v1alpha1.HarborInventory{}
		inv.Namespace, inv.Name = "a", fmt.Sprintf("inv-%04d", i)
		all.Items = append(all.Items, inv)
	}
	return nil
}

// However many inventories and repositories there are, the series are bounded,
// and a metric says how many are left out. Only the leader tells of them.
func TestSeriesOfInventoriesAreBounded(t *testing.T) {
	const inventories, each, bound = maxInventorySeries + 100, 3, 10
	leads := make(chan struct{})
	m := &inventoryMetrics{
		cache: cached{n: inventories}, selector: labels.Everything(), elected: leads, memory: newMemory(), hints: newHints(), repositories: bound,
	}
	for i := range inventories {
		k := &knowledge{repositories: map[string]remembered{}}
		for r := range each {
			k.repositories[fmt.Sprintf("library/%d", r)] = remembered{}
		}
		m.memory.of[types.NamespacedName{Namespace: "a", Name: fmt.Sprintf("inv-%04d", i)}] = k
	}
	if got := count(m); got != 0 {
		t.Errorf("%d series of a replica that does not lead", got)
	}
	close(leads)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	left := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = len(f.GetMetric())
		if f.GetName() == "harbor_inventory_metrics_left_out" {
			for _, s := range f.GetMetric() {
				left[kindOf(s)] = s.GetGauge().GetValue()
			}
		}
	}
	for name, want := range map[string]int{
		"harbor_inventory_suspended": maxInventorySeries, "harbor_inventory_repository_artifacts": bound, "harbor_inventory_inventories": 1,
	} {
		if got[name] != want {
			t.Errorf("%d series of %s, want %d", got[name], name, want)
		}
	}
	if left["inventory"] != inventories-maxInventorySeries || left["repository"] != each*maxInventorySeries-bound {
		t.Errorf("left out: %v", left)
	}
}

func kindOf(m *dto.Metric) string { return m.GetLabel()[0].GetValue() }
