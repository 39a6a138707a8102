// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

const (
	own     = "harbor-inventory-system"
	tenant  = "tenant"
	another = "another"
)

// The manager, with the arguments of the Deployment, does its work with the
// rights that the manifests give it and no others: it meets no refusal. To get a
// Secret or a ConfigMap by name is among them, to list or watch them is not, so
// no informer can hold them.
func TestManagerWorksWithTheseRights(t *testing.T) {
	t.Parallel()
	for overlay, c := range map[string]struct {
		namespaces string // added to the Deployment's
		works      []string
	}{
		"default":    {works: []string{own, tenant, another}},
		"namespaced": {namespaces: "," + tenant, works: []string{own, tenant}},
	} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			readAll(t)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			running := startCluster(ctx, t)
			kubectl(ctx, t, running, "apply", "--server-side", "--kustomize", overlay)
			registry := harbortest.New()
			registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
			scanned := registry.Push("library/nginx", harbortest.Image{Tags: []string{"1.0"}})
			must(t, registry.SetScan("library/nginx", scanned, harbortest.Scan{Findings: map[string]int{"Critical": 1}}))
			harbor := harbortest.NewServer(t, registry, harbortest.Options{TLS: true})
			for _, ns := range []string{own, tenant, another} {
				must(t, running.Namespace(ctx, ns, "robot$inventory", "secret"))
				must(t, running.Client.Create(ctx, &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "ca"},
					Data:       map[string]string{"ca.crt": string(harbor.CertificatePEM())},
				}))
				inv := cluster.Inventory(ns, "all", harbor.URL)
				inv.Spec.Harbor.PlainHTTP = false
				if ns == tenant {
					inv.Spec.Include = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}
					inv.Spec.VulnerabilityReports = &v1alpha1.VulnerabilityReports{}
				}
				inv.Spec.Harbor.CABundleRef = &v1alpha1.CABundleReference{Name: "ca"}
				must(t, running.Client.Create(ctx, inv))
			}
			if overlay == "namespaced" {
				kubectl(ctx, t, running, "apply", "--kustomize", "namespaced/tenant", "--namespace", tenant)
			}
			m := startManager(ctx, t, running, c.namespaces)
			for _, ns := range c.works {
				must(t, ready(ctx, running, ns))
				must(t, reacts(ctx, running, registry, scanned, ns))
			}
			if len(c.works) < 3 {
				var inv v1alpha1.HarborInventory
				must(t, running.Client.Get(ctx, client.ObjectKey{Namespace: another, Name: "all"}, &inv))
				if len(inv.Status.Conditions) > 0 {
					t.Errorf("an inventory of a namespace that was not named has the conditions %v", inv.Status.Conditions)
				}
			}
			must(t, m.Terminate(ctx))
			if strings.Contains(m.Log(), "forbidden") {
				t.Errorf("the manager was refused something:\n%s", m.Log())
			}
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

// startManager starts it as the Deployment does, as the same service account;
// only the addresses that it listens on are others.
func startManager(ctx context.Context, t *testing.T, running *cluster.Cluster, namespaces string) *cluster.Manager {
	t.Helper()
	var deployment appsv1.Deployment
	must(t, running.Client.Get(ctx, client.ObjectKey{Namespace: own, Name: "harbor-inventory-controller-manager"}, &deployment))
	var flags []string
	for _, arg := range deployment.Spec.Template.Spec.Containers[0].Args {
		flags = append(flags, strings.ReplaceAll(arg, "$(POD_NAMESPACE)", own+namespaces))
	}
	if len(flags) == 0 {
		t.Fatal("the Deployment has no arguments")
	}
	kubeconfig, err := running.Kubeconfig(manager)
	must(t, err)
	m, err := running.StartManager(ctx, kubeconfig, nil,
		append(flags, "--metrics-bind-address=127.0.0.1:0", "--leader-elect-namespace="+own)...)
	must(t, err)
	return m
}

func ready(ctx context.Context, running *cluster.Cluster, ns string) error {
	return cluster.Await(ctx, func(ctx context.Context) error {
		var inv v1alpha1.HarborInventory
		if err := running.Client.Get(ctx, client.ObjectKey{Namespace: ns, Name: "all"}, &inv); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
			return fmt.Errorf("%s: %v", ns, inv.Status.Conditions)
		}
		if s := inv.Status.VulnerabilityReports; ns == tenant && (s == nil || s.Written != 1) {
			return fmt.Errorf("%s: its reports are %+v", ns, s)
		}
		return nil
	})
}

// reacts has every kind of write made: a list is updated, changes its owner, and
// one is deleted; and so is a report, in the namespace of the tenant.
func reacts(ctx context.Context, running *cluster.Cluster, registry *harbortest.Registry, scanned, ns string) error {
	shows := func(lists, artifacts int, owned bool) error {
		return cluster.Await(ctx, func(ctx context.Context) error {
			var all v1alpha1.ArtifactListList
			if err := running.Client.List(ctx, &all, client.InNamespace(ns)); err != nil {
				return err
			}
			if len(all.Items) != lists || lists > 0 && (len(all.Items[0].Artifacts) != artifacts || len(all.Items[0].OwnerReferences) > 0 != owned) {
				return fmt.Errorf("%s has other lists than %d with %d artifacts, owned %t", ns, lists, artifacts, owned)
			}
			if ns != tenant {
				return nil
			}
			var reports v1alpha1.VulnerabilityReportList
			if err := running.Client.List(ctx, &reports, client.InNamespace(ns)); err != nil {
				return err
			}
			if len(reports.Items) != lists || lists > 0 && (len(reports.Items[0].OwnerReferences) > 0 != owned || !slices.Contains(reports.Items[0].Tags, "for-"+ns)) {
				return fmt.Errorf("%s has other reports than %d with its tag, owned %t: %+v", ns, lists, owned, reports.Items)
			}
			return nil
		})
	}
	change := func(n int, change func(*v1alpha1.HarborInventory)) error {
		var inv v1alpha1.HarborInventory
		if err := running.Client.Get(ctx, client.ObjectKey{Namespace: ns, Name: "all"}, &inv); err != nil {
			return err
		}
		before := inv.DeepCopy()
		change(&inv)
		inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: fmt.Sprint(n)}
		return running.Client.Patch(ctx, &inv, client.MergeFrom(before))
	}
	digest := registry.Push("library/nginx", harbortest.Image{Tags: []string{ns}})
	if _, err := registry.TryPush("library/nginx", harbortest.Image{Digest: scanned, Tags: []string{"for-" + ns}}); err != nil {
		return err
	}
	for n, step := range []struct {
		change           func(*v1alpha1.HarborInventory)
		lists, artifacts int
		owned            bool
	}{
		{func(*v1alpha1.HarborInventory) {}, 1, 2, true},
		{func(inv *v1alpha1.HarborInventory) {
			inv.Spec.Output.DeletionPolicy = v1alpha1.DeletionPolicyOrphan
		}, 1, 2, false},
		{func(inv *v1alpha1.HarborInventory) {
			inv.Spec.ExcludeRepositories = []v1alpha1.RepositoryPattern{"nginx"}
		}, 0, 0, false},
	} {
		if err := change(n, step.change); err != nil {
			return err
		}
		if err := shows(step.lists, step.artifacts, step.owned); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
	}
	return registry.DeleteArtifact("library/nginx", digest)
}
