// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

const (
	namespace = "failover"
	inventory = "all"
	// repositories of the simulated Harbor, and how many of them change in a round.
	// So few are read each by itself, and can stall one by one.
	repositories = 20
	changes      = 10
)

// stop is a way to end the leader.
type stop string

const (
	clean stop = "clean stop (SIGTERM)"
	kill  stop = "kill -9"
)

// moment is when the leader ends.
type moment string

const (
	idle    moment = "between two syncs"
	midSync moment = "in the middle of a sync"
)

// scene is two replicas of the operator, one of which leads, and a Harbor.
type scene struct {
	cluster    *cluster.Cluster
	kubeconfig string
	flags      []string
	registry   *harbortest.Registry
	harbor     *harbortest.Server
	journal    *cluster.Journal

	leader, standby *cluster.Manager
	rounds          int // that were requested
}

// open starts everything; flags are added to those of both replicas.
func open(ctx context.Context, t harbortest.TB, root string, flags ...string) (_ *scene, err error) {
	s := &scene{registry: harbortest.New()}
	if s.cluster, err = cluster.Start(ctx, root); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = s.cluster.Stop() })
	if s.kubeconfig, err = s.cluster.Kubeconfig(""); err != nil {
		return nil, err
	}
	s.registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
	for i := range repositories {
		s.registry.Push(repository(i), harbortest.Image{Tags: []string{"1.0"}})
	}
	s.harbor = harbortest.NewServer(t, s.registry, harbortest.Options{})
	if err := s.cluster.Namespace(ctx, namespace, "robot$inventory", "secret"); err != nil {
		return nil, err
	}
	if s.journal, err = s.cluster.Record(ctx, namespace); err != nil {
		return nil, err
	}
	inv := cluster.Inventory(namespace, inventory, s.harbor.URL)
	inv.Spec.Interval = metav1.Duration{Duration: time.Hour}
	if err := s.cluster.Client.Create(ctx, inv); err != nil {
		return nil, err
	}
	s.flags = append(flags, "--leader-elect", "--leader-elect-namespace="+namespace)
	// The first one has the Lease before the second one starts.
	if s.leader, err = s.replica(ctx); err != nil {
		return nil, err
	}
	if err := s.settled(ctx, ""); err != nil {
		return nil, err
	}
	s.standby, err = s.replica(ctx)
	return s, err
}

func repository(i int) string { return fmt.Sprintf("library/app-%d", i) }

func (s *scene) replica(ctx context.Context) (*cluster.Manager, error) {
	return s.cluster.StartManager(ctx, s.kubeconfig, nil, s.flags...)
}

// fail has the leader end, before or after images are pushed and a sync is asked
// for, and returns how long after the signal the other replica has shown them
// all. Then a new replica stands by.
func (s *scene) fail(ctx context.Context, how stop, when moment) (time.Duration, error) {
	s.rounds++
	release := func() {}
	if when == midSync {
		release = s.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: repositories / 2, Fault: harbortest.Stall()})
		if err := s.change(ctx); err != nil {
			return 0, err
		}
		if err := s.underWay(ctx); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	end := s.leader.Stop
	if how == kill {
		end = s.leader.Kill
	}
	if err := end(); err != nil {
		return 0, err
	}
	// The first one has ended: whatever is done from here on, the other one does.
	release()
	if when == idle {
		if err := s.change(ctx); err != nil {
			return 0, err
		}
	}
	if err := s.settled(ctx, s.request()); err != nil {
		return 0, err
	}
	took := time.Since(start)
	s.leader = s.standby
	var err error
	s.standby, err = s.replica(ctx)
	return took, err
}

func (s *scene) request() string { return fmt.Sprint("round ", s.rounds) }

// change pushes images and asks for a sync.
func (s *scene) change(ctx context.Context) error {
	for i := range changes {
		s.registry.Push(repository(i), harbortest.Image{Tags: []string{fmt.Sprint("2.", s.rounds)}})
	}
	var inv v1alpha1.HarborInventory
	if err := s.cluster.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: inventory}, &inv); err != nil {
		return err
	}
	before := inv.DeepCopy()
	inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: s.request()}
	return s.cluster.Client.Patch(ctx, &inv, client.MergeFrom(before))
}

// underWay waits for the middle of a sync: some lists are written, and Harbor stalls.
func (s *scene) underWay(ctx context.Context) error {
	return testbed.Await(ctx, func(context.Context) error {
		if s.harbor.Stats().InFlight == 0 || s.journal.Writes() == s.expected()-changes {
			return errors.New("no list has been written")
		}
		return nil
	})
}

// settled waits until a request has been handled and the lists show what Harbor holds.
func (s *scene) settled(ctx context.Context, request string) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		var inv v1alpha1.HarborInventory
		if err := s.cluster.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: inventory}, &inv); err != nil {
			return err
		}
		if inv.Status.LastHandledReconcileAt != request || !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
			return fmt.Errorf("%q has not been handled: %v", request, inv.Status.Conditions)
		}
		return s.shown(ctx)
	})
}

func (s *scene) shown(ctx context.Context) error {
	var lists v1alpha1.ArtifactListList
	if err := s.cluster.Client.List(ctx, &lists, client.InNamespace(namespace)); err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, l := range lists.Items {
		for _, a := range l.Artifacts {
			shown[l.Repository+"@"+a.Digest] = true
		}
	}
	held, _ := s.registry.Listed()
	for _, a := range held {
		if !shown[a.Repository+"@"+a.Digest] {
			return fmt.Errorf("the lists lack %s@%s", a.Repository, a.Digest)
		}
	}
	if len(shown) != len(held) {
		return fmt.Errorf("the lists show %d artifacts, Harbor holds %d", len(shown), len(held))
	}
	return nil
}

// expected is how often lists have to be written: once for each change.
func (s *scene) expected() int { return repositories + changes*s.rounds }

// writes tells of writes that were not needed, if any were.
func (s *scene) writes(ctx context.Context) error {
	if err := s.journal.Caught(ctx, s.cluster, namespace); err != nil {
		return err
	}
	var problems []error
	if got, want := s.journal.Writes(), s.expected(); got != want {
		problems = append(problems, fmt.Errorf("lists were written %d times for %d changes", got, want))
	}
	if got, want := s.journal.Syncs(), 1+s.rounds; got != want {
		problems = append(problems, fmt.Errorf("%d syncs came to an end, %d were asked for", got, want))
	}
	for _, d := range s.journal.Doubled() {
		problems = append(problems, fmt.Errorf("%s shows what the one before it showed", d))
	}
	return errors.Join(problems...)
}
