// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
)

const (
	own     = "harbor-inventory-system"
	tenant  = "tenant"
	another = "another"
)

// The manager, with the arguments of the Deployment and a token of its
// ServiceAccount, does its work with the rights that the manifests give it and no
// others: it is refused nothing, and uses every one. To get a Secret or a
// ConfigMap by name is among them, to list or watch them is not, so no informer
// can hold them.
func TestManagerWorksWithTheseRights(t *testing.T) {
	t.Parallel()
	for overlay, c := range map[string]struct {
		flags []string // added to the Deployment's
		works []string
	}{
		"default":    {works: []string{own, tenant, another}},
		"namespaced": {flags: []string{"--namespaces=" + own + "," + tenant}, works: []string{own, tenant}},
	} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			readAll(t)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			running := startCluster(ctx, t)
			kubectl(ctx, t, running, "apply", "--server-side", "--kustomize", overlay)
			exercises := map[string]*cluster.Exercise{}
			for _, ns := range []string{own, tenant, another} {
				e, err := running.NewExercise(ctx, t, ns)
				must(t, err)
				must(t, e.Create(ctx))
				exercises[ns] = e
			}
			if overlay == "namespaced" {
				kubectl(ctx, t, running, "apply", "--kustomize", "namespaced/tenant", "--namespace", tenant)
			}
			m, err := running.StartDeployed(ctx, own, c.flags...)
			must(t, err)
			for _, ns := range c.works {
				must(t, exercises[ns].Ready(ctx))
				must(t, exercises[ns].Run(ctx))
			}
			if len(c.works) < len(exercises) {
				inv, err := exercises[another].Get(ctx)
				must(t, err)
				if len(inv.Status.Conditions) > 0 {
					t.Errorf("an inventory of a namespace that was not named has the conditions %v", inv.Status.Conditions)
				}
			}
			if m.Metrics != "" {
				must(t, m.Scrape(ctx, running, "harbor-inventory-metrics-reader"))
			}
			must(t, m.Stop())
			if strings.Contains(m.Log(), "forbidden") {
				t.Errorf("the manager was refused something:\n%s", m.Log())
			}
			must(t, running.Compare(ctx, m.Account))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func startCluster(ctx context.Context, t *testing.T) *cluster.Cluster {
	t.Helper()
	running, err := cluster.Start(ctx, "..")
	must(t, err)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

func kubectl(ctx context.Context, t *testing.T, running *cluster.Cluster, args ...string) {
	t.Helper()
	_, err := running.Kubectl(ctx, args...)
	must(t, err)
}
