// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// shards is a cluster with two operators that share the work by a label, each a
// process of its own.
type shards struct {
	*testing.T
	ctx      context.Context
	cluster  *cluster.Cluster
	registry *harbortest.Registry
	harbor   *harbortest.Server
}

const ns = "shards"

func startShards(t *testing.T) *shards {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	s := &shards{T: t, ctx: ctx, registry: harbortest.New()}
	var err error
	s.cluster, err = cluster.Start(ctx, "..")
	s.must(err)
	t.Cleanup(func() {
		if err := s.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
	for i := range 30 {
		s.registry.Push(fmt.Sprintf("library/app-%d", i), harbortest.Image{Tags: []string{"1.0"}})
	}
	s.harbor = harbortest.NewServer(t, s.registry, harbortest.Options{})
	s.must(s.cluster.Namespace(ctx, ns, "robot$inventory", "secret"))
	kubeconfig, err := s.cluster.Kubeconfig("")
	s.must(err)
	for _, shard := range []string{"a", "b"} {
		_, err := s.cluster.StartManager(ctx, kubeconfig, nil, "--watch-label-selector=shard="+shard, "--leader-elect", "--leader-elect-namespace="+ns)
		s.must(err)
	}
	return s
}

func (s *shards) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shards) create(name string, labels map[string]string) {
	s.Helper()
	inv := cluster.Inventory(ns, name, s.harbor.URL)
	inv.Labels = labels
	inv.Spec.Interval = metav1.Duration{Duration: time.Hour}
	s.must(s.cluster.Client.Create(s.ctx, inv))
}

func (s *shards) get(name string) *v1alpha1.HarborInventory {
	s.Helper()
	inv := &v1alpha1.HarborInventory{}
	s.must(s.cluster.Client.Get(s.ctx, client.ObjectKey{Namespace: ns, Name: name}, inv))
	return inv
}

// relabel gives an inventory to a shard, and asks for a sync if request is not empty.
func (s *shards) relabel(name, shard, request string) {
	s.Helper()
	inv := s.get(name)
	before := inv.DeepCopy()
	inv.Labels = map[string]string{"shard": shard}
	if request != "" {
		inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: request}
	}
	s.must(s.cluster.Client.Patch(s.ctx, inv, client.MergeFrom(before)))
}

func (s *shards) await(name, request string) {
	s.Helper()
	s.must(testbed.Await(s.ctx, func(context.Context) error {
		inv := s.get(name)
		if inv.Status.LastHandledReconcileAt != request || !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
			return fmt.Errorf("%s has not been synced: %v", name, inv.Status.Conditions)
		}
		return nil
	}))
}

func (s *shards) lists(name string) []v1alpha1.ArtifactList {
	s.Helper()
	var lists v1alpha1.ArtifactListList
	s.must(s.cluster.Client.List(s.ctx, &lists, client.InNamespace(ns), client.MatchingLabels{v1alpha1.LabelInventory: name}))
	return lists.Items
}

// whole fails unless the lists show all that Harbor holds.
func (s *shards) whole(name string) {
	s.Helper()
	held, _ := s.registry.Listed()
	shown := map[string]bool{}
	for _, l := range s.lists(name) {
		for _, a := range l.Artifacts {
			shown[l.Repository+"@"+a.Digest] = true
		}
	}
	if len(shown) != len(held) {
		s.Errorf("%s shows %d artifacts, Harbor holds %d", name, len(shown), len(held))
	}
	for _, a := range held {
		if !shown[a.Repository+"@"+a.Digest] {
			s.Errorf("%s lacks %s@%s", name, a.Repository, a.Digest)
		}
	}
}

// An operator works on what its selector selects, and on nothing else: nobody
// touches the inventory of no shard, nor the lists of one that has lost its label.
func TestShardsShareTheWork(t *testing.T) {
	t.Parallel()
	s := startShards(t)
	s.create("of-a", map[string]string{"shard": "a"})
	s.create("of-b", map[string]string{"shard": "b"})
	s.create("of-none", nil)
	s.create("lost", map[string]string{"shard": "a"})
	for _, name := range []string{"of-a", "of-b", "lost"} {
		s.await(name, "")
		s.whole(name)
	}
	s.relabel("lost", "c", "never")
	before, lost := s.lists("lost"), s.get("lost")
	s.registry.Push("library/app-1", harbortest.Image{Tags: []string{"2.0"}})
	edited := before[0].DeepCopy()
	edited.Artifacts = []v1alpha1.ArtifactEntry{}
	edited.ArtifactCount = 0
	s.must(s.cluster.Client.Update(s.ctx, edited))
	for _, name := range []string{"of-a", "of-b"} {
		s.relabel(name, strings.TrimPrefix(name, "of-"), "now")
		s.await(name, "now")
		s.whole(name)
	}
	if inv := s.get("of-none"); len(inv.Status.Conditions) > 0 || len(s.lists("of-none")) > 0 {
		t.Errorf("an inventory of no shard has %d lists and the conditions %v", len(s.lists("of-none")), inv.Status.Conditions)
	}
	if after := s.get("lost"); !equality.Semantic.DeepEqual(lost.Status, after.Status) {
		t.Errorf("the status of an inventory of no shard went from %+v to %+v", lost.Status, after.Status)
	}
	for i, l := range s.lists("lost") {
		if l.Name != edited.Name && l.ResourceVersion != before[i].ResourceVersion || l.Name == edited.Name && l.ResourceVersion != edited.ResourceVersion {
			t.Errorf("list %s of an inventory of no shard was written", l.Name)
		}
	}
}

// An inventory that changes its shard, between syncs and in the middle of one,
// has all its entries all the time, and none is written twice.
func TestShardsHandOver(t *testing.T) {
	t.Parallel()
	s := startShards(t)
	journal, err := s.cluster.Record(s.ctx, ns)
	s.must(err)
	s.create("all", map[string]string{"shard": "a"})
	s.await("all", "")
	written := len(s.lists("all"))
	for round, shard := range []string{"b", "a"} {
		s.relabel("all", shard, fmt.Sprint("idle ", round))
		s.await("all", fmt.Sprint("idle ", round))
	}
	for round, shard := range []string{"b", "a", "b"} {
		for i := range 10 {
			s.registry.Push(fmt.Sprintf("library/app-%d", i), harbortest.Image{Tags: []string{fmt.Sprint("2.", round)}})
		}
		written += 10
		// The one that has it stalls after the first repositories; so does the other, until it may.
		release := s.harbor.Inject(
			harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 15, Fault: harbortest.Stall()},
			harbortest.Rule{Class: harbortest.ClassProjectArtifacts, Fault: harbortest.Stall()},
		)
		request := fmt.Sprint("busy ", round)
		s.relabel("all", map[string]string{"a": "b", "b": "a"}[shard], request)
		s.must(testbed.Await(s.ctx, func(context.Context) error {
			if s.harbor.Stats().InFlight == 0 {
				return fmt.Errorf("no sync is under way")
			}
			return nil
		}))
		s.relabel("all", shard, "")
		release()
		s.await("all", request)
		s.whole("all")
	}
	s.must(journal.Caught(s.ctx, s.cluster, ns))
	if got := journal.Writes(); got != written {
		t.Errorf("lists were written %d times, want %d", got, written)
	}
	if got := journal.Syncs(); got != 6 {
		t.Errorf("%d syncs came to an end, want 6", got)
	}
	for _, d := range journal.Doubled() {
		t.Errorf("%s says what the one before it said", d)
	}
}
