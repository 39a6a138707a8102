// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// own is the namespace that the operator is installed in.
const own = "harbor-inventory-system"

// way is one of installing. Its commands stand in docs/install.md, which a test
// sees to.
type way struct {
	name string
	// made tells that installing makes the namespace; else there is one.
	made bool
	// tenants are the namespaces that inventories are in.
	tenants []string
	// files is the command that writes those that install takes.
	files   string
	install []string
	// flags are added to the Deployment's.
	flags []string
	// reader is the ClusterRole with which the metrics are read, if there are any.
	reader string
	// keep has the inventories stay when the operator is uninstalled.
	keep      bool
	uninstall []string
	// left is what there is after that, and purge is how the rest is removed.
	left  string
	purge []string
}

const (
	definitions = "3 CustomResourceDefinition"
	emptying    = "kubectl delete harborinventories --all --all-namespaces"
)

// purge removes what helm uninstall leaves.
var purge = []string{
	"kubectl delete crd --selector app.kubernetes.io/instance=harbor-inventory",
	"kubectl delete namespace " + own,
}

// mine is a kustomization as users write it.
const mine = `mkdir -p dist/mine
cat >dist/mine/kustomization.yaml <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../../config/default
images:
- name: controller
  newName: registry.example.com/harbor-inventory
  newTag: dev
EOF
`

// rollout waits for Pods, which a control plane alone has none of.
const rollout = "kubectl --namespace " + own + " rollout status deployment/harbor-inventory-controller-manager"

// namespace makes the namespace for the ways that make none.
var namespace = []string{
	"kubectl create namespace " + own,
	"kubectl label namespace " + own + " pod-security.kubernetes.io/enforce=restricted",
}

var ways = []way{
	{
		name: "`kubectl apply -k config/default`", made: true, tenants: []string{"team-a", "team-b"},
		files:     mine,
		install:   []string{"kubectl apply --server-side -k dist/mine"},
		reader:    "harbor-inventory-metrics-reader",
		uninstall: []string{emptying, "kubectl delete -k dist/mine"},
		left:      "nothing",
	},
	{
		name: "`kubectl apply -k config/namespaced`", made: true, tenants: []string{"team-a", own},
		install: []string{
			"kubectl apply --server-side -k config/namespaced",
			"kubectl apply -k config/namespaced/tenant --namespace=team-a",
		},
		flags: []string{"--namespaces=" + own + ",team-a"},
		uninstall: []string{
			emptying, "kubectl delete -k config/namespaced/tenant --namespace=team-a", "kubectl delete -k config/namespaced",
		},
		left: "nothing",
	},
	{
		name: "`kubectl apply -f dist/harbor-inventory.yaml`", made: true, tenants: []string{"team-a", "team-b"},
		install:   []string{"kubectl apply --server-side -f dist/harbor-inventory.yaml"},
		reader:    "harbor-inventory-metrics-reader",
		uninstall: []string{emptying, "kubectl delete -f dist/harbor-inventory.yaml"},
		left:      "nothing",
	},
	{
		name: "`helm install`, all namespaces", tenants: []string{"team-a", "team-b"},
		install:   []string{"helm upgrade --install harbor-inventory charts/harbor-inventory --namespace harbor-inventory-system"},
		reader:    "harbor-inventory-metrics-reader",
		uninstall: []string{emptying, "helm uninstall harbor-inventory --namespace harbor-inventory-system"},
		left:      definitions + ", 1 Lease", purge: purge,
	},
	{
		name: "`helm install`, the inventories kept", tenants: []string{"team-a", "team-b"},
		install:   []string{"helm upgrade --install harbor-inventory charts/harbor-inventory --namespace harbor-inventory-system"},
		reader:    "harbor-inventory-metrics-reader",
		keep:      true,
		uninstall: []string{"helm uninstall harbor-inventory --namespace harbor-inventory-system"},
		left:      "2 ArtifactList, " + definitions + ", 2 HarborInventory, 1 Lease, 2 VulnerabilityReport", purge: purge,
	},
	{
		name: "`helm install`, Roles in two namespaces", tenants: []string{"team-a", "team-b"},
		install: []string{
			"helm upgrade --install harbor-inventory charts/harbor-inventory --namespace harbor-inventory-system --set 'namespaces={team-a,team-b}'",
		},
		uninstall: []string{emptying, "helm uninstall harbor-inventory --namespace harbor-inventory-system"},
		left:      definitions + ", 1 Lease", purge: purge,
	},
}

// row is what came of a check.
type row struct {
	inventories, rights int
	left                snapshot
}

// check goes one way from the beginning to the end.
func (w *way) check(ctx context.Context, b *bed) (r row, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var cleanups cluster.Cleanups
	defer cleanups.Run()
	exercises, err := w.prepare(ctx, b, &cleanups)
	if err != nil {
		return r, err
	}
	before, err := b.snapshot(ctx)
	if err != nil {
		return r, err
	}
	if err := b.shell(ctx, append([]string{w.files}, w.install...)...); err != nil {
		return r, err
	}
	if err := b.admitted(ctx, own); err != nil {
		return r, err
	}
	if w.made { // what is in it goes with it
		for _, ns := range w.tenants {
			if ns == own {
				e, err := b.NewExercise(ctx, &cleanups, ns)
				if err != nil {
					return r, err
				}
				exercises = append(exercises, e)
			}
		}
	}
	if r.rights, err = w.work(ctx, b, exercises); err != nil {
		return r, err
	}
	r.inventories = len(exercises)
	r.left, err = w.remove(ctx, b, before)
	return r, err
}

// prepare makes what is there before the operator: namespaces, Secrets, Harbors.
func (w *way) prepare(ctx context.Context, b *bed, t *cluster.Cleanups) (all []*cluster.Exercise, err error) {
	if err := b.Audit.Clear(); err != nil {
		return nil, err
	}
	if !w.made {
		if err := b.shell(ctx, namespace...); err != nil {
			return nil, err
		}
	}
	for _, ns := range w.tenants {
		if ns == own {
			continue
		}
		e, err := b.NewExercise(ctx, t, ns)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// work runs the manager until every inventory is Ready and every right used, and
// returns how many rights there are.
func (w *way) work(ctx context.Context, b *bed, exercises []*cluster.Exercise) (rights int, err error) {
	for _, e := range exercises {
		if err := e.Create(ctx); err != nil {
			return 0, err
		}
	}
	m, err := b.StartDeployed(ctx, own, w.flags...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = m.Kill() }()
	for _, e := range exercises {
		if err := e.Ready(ctx); err != nil {
			return 0, fmt.Errorf("%w\n%s", err, m.Log())
		}
		if err := e.Run(ctx); err != nil {
			return 0, fmt.Errorf("%w\n%s", err, m.Log())
		}
	}
	if w.reader != "" {
		if err := m.Scrape(ctx, b.Cluster, w.reader); err != nil {
			return 0, err
		}
	} else if m.Metrics != "" {
		return 0, fmt.Errorf("metrics are served, and nobody is to read them")
	}
	granted, err := b.Granted(ctx, m.Account)
	if err != nil {
		return 0, err
	}
	if err := b.Compare(ctx, m.Account); err != nil {
		return 0, err
	}
	if !w.keep { // the first command, while there is somebody who lets go of them
		if err := b.shell(ctx, w.uninstall[0]); err != nil {
			return 0, fmt.Errorf("%w\n%s", err, m.Log())
		}
	}
	return len(granted), m.Stop()
}

// remove uninstalls the operator and returns what is left; then it removes that,
// too, and what prepare has made.
func (w *way) remove(ctx context.Context, b *bed, before snapshot) (left snapshot, err error) {
	if !w.keep {
		w.uninstall = w.uninstall[1:]
	}
	if err := b.shell(ctx, w.uninstall...); err != nil {
		return nil, err
	}
	if left, err = b.leaves(ctx, before, w.left); err != nil {
		return nil, err
	}
	if w.keep {
		if err := b.resume(ctx, w, before); err != nil {
			return nil, err
		}
	}
	if err := b.shell(ctx, w.purge...); err != nil {
		return nil, err
	}
	if _, err := b.leaves(ctx, before, "nothing"); err != nil {
		return nil, err
	}
	return left, b.emptied(ctx, append(w.tenants, own)...)
}

// leaves waits until what was added since before is as told.
func (b *bed) leaves(ctx context.Context, before snapshot, want string) (left snapshot, err error) {
	err = testbed.Await(ctx, func(ctx context.Context) error {
		now, err := b.snapshot(ctx)
		if err != nil {
			return err
		}
		if left = now.since(before); left.String() != want {
			var names []string
			for name := range left {
				names = append(names, name)
			}
			return fmt.Errorf("left is %s, want %s: %s", left, want, strings.Join(names, "; "))
		}
		return nil
	})
	return left, err
}

// resume installs again where the inventories were kept: the new operator takes
// up their lists and writes none. Then the inventories go as is told.
func (b *bed) resume(ctx context.Context, w *way, before snapshot) error {
	lists, err := b.versions(ctx)
	if err != nil {
		return err
	}
	if err := b.shell(ctx, w.install...); err != nil {
		return err
	}
	m, err := b.StartDeployed(ctx, own, w.flags...)
	if err != nil {
		return err
	}
	defer func() { _ = m.Kill() }()
	if err := b.synced(ctx, "again"); err != nil {
		return fmt.Errorf("%w\n%s", err, m.Log())
	}
	if err := b.same(ctx, lists); err != nil {
		return err
	}
	if err := b.shell(ctx, emptying); err != nil {
		return err
	}
	if err := m.Stop(); err != nil {
		return err
	}
	if err := b.shell(ctx, w.uninstall...); err != nil {
		return err
	}
	_, err = b.leaves(ctx, before, definitions+", 1 Lease")
	return err
}
