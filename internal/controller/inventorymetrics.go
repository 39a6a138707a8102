// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// inventoryMetrics tells of each inventory what its status says, at the time of
// a scrape: so the series of an inventory go with it, and those of a new leader
// are right from the start. Replicas that wait for the lead tell nothing.
type inventoryMetrics struct {
	cache        client.Reader
	selector     labels.Selector
	elected      <-chan struct{}
	memory       *memory
	hints        *hints
	repositories int // that have series of their own, at most
}

const (
	// maxInventorySeries bounds the inventories that have series: the first by
	// namespace and name.
	maxInventorySeries = 1000

	// collectLimit bounds the wait for a cache that is still being filled.
	collectLimit = time.Second
)

// ofInventory describes a metric of single inventories.
func ofInventory(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"namespace", "name"}, labels...), nil)
}

var (
	conditionDesc = ofInventory("harbor_inventory_condition",
		"1 for each condition in the status.", "type", "status", "reason")
	lastSyncDesc = ofInventory("harbor_inventory_last_sync_timestamp_seconds",
		"When the last sync ended that found Harbor answering; when the inventory was created, if none did.")
	lastFullSyncDesc = ofInventory("harbor_inventory_last_full_sync_timestamp_seconds",
		"When the last sync ended that read everything selected; none if none did.")
	intervalDesc = ofInventory("harbor_inventory_interval_seconds",
		"spec.interval, the time from one sync to the next.")
	timeoutDesc = ofInventory("harbor_inventory_timeout_seconds",
		"spec.timeout, the longest that a sync may take.")
	suspendedDesc = ofInventory("harbor_inventory_suspended",
		"1 if spec.suspend is true, else 0.")
	projectsDesc = ofInventory("harbor_inventory_projects",
		"Projects of which something is selected.")
	repositoriesDesc = ofInventory("harbor_inventory_repositories",
		"Repositories selected.")
	artifactsDesc = ofInventory("harbor_inventory_artifacts",
		"Artifacts in the inventory.")
	artifactListsDesc = ofInventory("harbor_inventory_artifactlists",
		"ArtifactLists that hold them.")
	sizeDesc = ofInventory("harbor_inventory_size_bytes",
		"Sum of the artifacts' sizes, as Harbor gives them.")
	vulnerabilitiesDesc = ofInventory("harbor_inventory_vulnerabilities",
		"Vulnerabilities of the artifacts, where spec.include names them: critical, high, medium, low, other.", "severity")
	failuresDesc = ofInventory("harbor_inventory_failures",
		"Projects and repositories that the last sync could not read or write.")
	notFoundDesc = ofInventory("harbor_inventory_not_found",
		"Names and patterns of the spec that matched nothing.")

	repositoryArtifactsDesc = ofInventory("harbor_inventory_repository_artifacts",
		"Artifacts of a repository in the inventory.", "repository")
	repositorySizeDesc = ofInventory("harbor_inventory_repository_size_bytes",
		"Sum of their sizes.", "repository")
	repositoryReadDesc = ofInventory("harbor_inventory_repository_read_timestamp_seconds",
		"When the reading of the repository began whose result its lists hold.", "repository")

	inventoriesDesc = prometheus.NewDesc("harbor_inventory_inventories",
		"HarborInventories that the operator works on.", nil, nil)
	hintsWaitingDesc = prometheus.NewDesc("harbor_inventory_hinted_repositories_waiting",
		"Repositories that hints have named and that were not read yet.", nil, nil)
	leftOutDesc = prometheus.NewDesc("harbor_inventory_metrics_left_out",
		"Objects without series of their own, because there are too many: inventory, repository.", []string{"kind"}, nil)
)

func (r *Reconciler) inventoryMetrics(mgr ctrl.Manager) *inventoryMetrics {
	return &inventoryMetrics{
		cache: r.cache, selector: r.options.Selector, elected: mgr.Elected(),
		memory: r.memory, hints: r.hints, repositories: r.options.MetricsRepositories,
	}
}

// Describe is of prometheus.Collector.
func (m *inventoryMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		conditionDesc, lastSyncDesc, lastFullSyncDesc, intervalDesc, timeoutDesc, suspendedDesc, projectsDesc, repositoriesDesc,
		artifactsDesc, artifactListsDesc, sizeDesc, vulnerabilitiesDesc, failuresDesc, notFoundDesc,
		repositoryArtifactsDesc, repositorySizeDesc, repositoryReadDesc, inventoriesDesc, hintsWaitingDesc, leftOutDesc,
	} {
		to <- desc
	}
}

// Collect is of prometheus.Collector.
func (m *inventoryMetrics) Collect(to chan<- prometheus.Metric) {
	select {
	case <-m.elected:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectLimit)
	defer cancel()
	var all v1alpha1.HarborInventoryList
	if err := m.cache.List(ctx, &all, client.UnsafeDisableDeepCopy, client.MatchingLabelsSelector{Selector: m.selector}); err != nil {
		return // the cache is being filled, or ends
	}
	slices.SortFunc(all.Items, func(a, b v1alpha1.HarborInventory) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	told := min(maxInventorySeries, len(all.Items))
	left, leftOut := m.repositories, 0
	for i := range all.Items[:told] {
		inv := &all.Items[i]
		series{to: to, inv: inv}.all()
		if m.repositories > 0 {
			one, rest := m.collectRepositories(to, inv, left)
			left, leftOut = left-one, leftOut+rest
		}
	}
	series{to: to}.put(inventoriesDesc, float64(len(all.Items)))
	series{to: to}.put(hintsWaitingDesc, float64(m.hints.count()))
	series{to: to}.put(leftOutDesc, float64(len(all.Items)-told), "inventory")
	series{to: to}.put(leftOutDesc, float64(leftOut), "repository")
}

// collectRepositories tells of at most so many repositories, the first by name,
// and returns how many it told of and how many not.
func (m *inventoryMetrics) collectRepositories(to chan<- prometheus.Metric, inv *v1alpha1.HarborInventory, most int) (told, rest int) {
	known := m.memory.snapshot(client.ObjectKeyFromObject(inv))
	names := slices.Sorted(maps.Keys(known))
	told = min(most, len(names))
	s := series{to: to, inv: inv}
	for _, name := range names[:told] {
		s.put(repositoryArtifactsDesc, float64(known[name].totals.Artifacts), name)
		s.put(repositorySizeDesc, float64(known[name].totals.SizeBytes), name)
		if began := known[name].Began; !began.IsZero() {
			s.put(repositoryReadDesc, seconds(began), name)
		}
	}
	return told, len(names) - told
}

// series writes metrics, of an inventory if there is one.
type series struct {
	to  chan<- prometheus.Metric
	inv *v1alpha1.HarborInventory
}

func (s series) put(desc *prometheus.Desc, value float64, labels ...string) {
	if s.inv != nil {
		labels = append([]string{s.inv.Namespace, s.inv.Name}, labels...)
	}
	s.to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

// all writes what the spec and the status of the inventory say.
func (s series) all() {
	spec, status := &s.inv.Spec, &s.inv.Status
	for i := range status.Conditions {
		c := &status.Conditions[i]
		s.put(conditionDesc, 1, c.Type, string(c.Status), c.Reason)
	}
	last := s.inv.CreationTimestamp
	if status.LastSyncTime != nil {
		last = *status.LastSyncTime
	}
	s.put(lastSyncDesc, seconds(last.Time))
	if status.LastFullSyncTime != nil {
		s.put(lastFullSyncDesc, seconds(status.LastFullSyncTime.Time))
	}
	s.put(intervalDesc, spec.Interval.Seconds())
	s.put(timeoutDesc, spec.Timeout.Seconds())
	suspended := 0.0
	if spec.Suspend {
		suspended = 1
	}
	s.put(suspendedDesc, suspended)
	putNumber(s, projectsDesc, status.Projects)
	putNumber(s, repositoriesDesc, status.Repositories)
	putNumber(s, artifactsDesc, status.Artifacts)
	putNumber(s, artifactListsDesc, status.ArtifactLists)
	putNumber(s, sizeDesc, status.SizeBytes)
	if v := status.Vulnerabilities; v != nil {
		for severity, n := range map[string]int64{"critical": v.Critical, "high": v.High, "medium": v.Medium, "low": v.Low, "other": v.Other} {
			s.put(vulnerabilitiesDesc, float64(n), severity)
		}
	}
	s.put(failuresDesc, float64(status.FailuresTotal))
	s.put(notFoundDesc, float64(len(status.NotFound)))
}

// putNumber writes a number that the status has, if it has it.
func putNumber[N int32 | int64](s series, desc *prometheus.Desc, n *N) {
	if n != nil {
		s.put(desc, float64(*n))
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
