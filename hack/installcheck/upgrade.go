// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// size of the Harbor that is read before and after the upgrade.
var size = harbortest.Size{Projects: 5, Repositories: 100, Artifacts: 5}

// upgrade installs what another commit has, has its manager write lists, installs
// what is here over it, and has this manager read everything again: each list is
// the one that it was, in the same version.
func upgrade(ctx context.Context, b *bed, base string) (err error) {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var cleanups cluster.Cleanups
	defer cleanups.Run()
	dir, err := os.MkdirTemp("", "base")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	from := filepath.Join(dir, "manager")
	if err := b.shell(ctx, fmt.Sprintf("git archive %s | tar -x -C %s; cd %s; go build -o %s ./cmd", base, dir, dir, from)); err != nil {
		return fmt.Errorf("%w\nGive a commit that is there with -base; a shallow clone has one only", err)
	}
	before, after, how, err := b.upgrades(ctx, dir)
	if err != nil {
		return err
	}
	harbor := harbortest.NewServer(&cleanups, harbortest.Generated(size), harbortest.Options{})
	if err := b.Namespace(ctx, "team-a", "robot$inventory", "secret"); err != nil {
		return err
	}
	if err := b.shell(ctx, before); err != nil {
		return err
	}
	if err := b.Client.Create(ctx, cluster.Inventory("team-a", "all", harbor.URL)); err != nil {
		return err
	}
	current := b.Manager
	b.Manager = from
	if err := b.reads(ctx, "before"); err != nil {
		return fmt.Errorf("before the upgrade: %w", err)
	}
	b.Manager = current
	lists, err := b.versions(ctx)
	if err != nil {
		return err
	}
	if len(lists) < size.Repositories {
		return fmt.Errorf("there are %d lists before the upgrade, want %d", len(lists), size.Repositories)
	}
	if err := b.shell(ctx, after); err != nil {
		return err
	}
	if err := b.same(ctx, lists); err != nil {
		return err
	}
	if err := b.reads(ctx, "after"); err != nil {
		return fmt.Errorf("after the upgrade: %w", err)
	}
	if err := b.same(ctx, lists); err != nil {
		return err
	}
	fmt.Printf("\nUpgraded by %s from %s: %d lists before and after, 0 rewritten, 0 lost, 0 made anew (%.0f s).\n",
		how, base, len(lists), time.Since(started).Seconds())
	return nil
}

// upgrades returns the commands that install the other commit and this one.
func (b *bed) upgrades(ctx context.Context, dir string) (before, after, how string, err error) {
	const helm = "helm upgrade --install harbor-inventory %s/charts/harbor-inventory --namespace " + own
	_, err = os.Stat(filepath.Join(dir, "charts/harbor-inventory"))
	if errors.Is(err, os.ErrNotExist) {
		const apply = "kubectl apply --server-side -k %s/config/default"
		return fmt.Sprintf(apply, dir), fmt.Sprintf(apply, "."), "`kubectl apply -k config/default`", nil
	}
	return fmt.Sprintf(helm, dir), fmt.Sprintf(helm, "."), "`helm upgrade`", errors.Join(err, b.shell(ctx, namespace...))
}

// reads runs the manager for as long as it takes to read everything.
func (b *bed) reads(ctx context.Context, request string) error {
	m, err := b.StartDeployed(ctx, own)
	if err != nil {
		return err
	}
	defer func() { _ = m.Kill() }()
	if err := b.synced(ctx, request); err != nil {
		return fmt.Errorf("%w\n%s", err, m.Log())
	}
	return m.Stop()
}

// synced asks every inventory for a sync of everything and waits for its end.
func (b *bed) synced(ctx context.Context, request string) error {
	var all v1alpha1.HarborInventoryList
	if err := b.Client.List(ctx, &all); err != nil {
		return err
	}
	for i := range all.Items {
		inv := &all.Items[i]
		before := inv.DeepCopy()
		inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: request}
		if err := b.Client.Patch(ctx, inv, client.MergeFrom(before)); err != nil {
			return err
		}
		err := testbed.Await(ctx, func(ctx context.Context) error {
			if err := b.Client.Get(ctx, client.ObjectKeyFromObject(inv), inv); err != nil {
				return err
			}
			if inv.Status.LastHandledReconcileAt != request || !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
				return fmt.Errorf("%s/%s: %q has not been handled: %v", inv.Namespace, inv.Name, request, inv.Status.Conditions)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// versions returns the UID and the version of every list.
func (b *bed) versions(ctx context.Context) (map[string]string, error) {
	var lists v1alpha1.ArtifactListList
	if err := b.Client.List(ctx, &lists); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, l := range lists.Items {
		all[l.Namespace+"/"+l.Name] = string(l.UID) + " " + l.ResourceVersion
	}
	return all, nil
}

// same fails unless the lists are the same in the same versions.
func (b *bed) same(ctx context.Context, before map[string]string) error {
	now, err := b.versions(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(before, now) {
		return fmt.Errorf("there were the lists\n%v\nand now there are\n%v", before, now)
	}
	return nil
}
