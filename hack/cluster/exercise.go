// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Exercise has a running operator use every right that it has in a namespace.
type Exercise struct {
	*Cluster
	Namespace string
	registry  *harbortest.Registry
	harbor    *harbortest.Server
	scanned   string // digest of an artifact that has a report
}

const (
	inventory = "all"      // name of the HarborInventory of an Exercise
	reported  = "reported" // tag that the scanned artifact gets
)

// NewExercise starts a Harbor that speaks HTTPS, and puts what an inventory of it
// refers to into a namespace: Secrets and a ConfigMap with its certificate.
func (c *Cluster) NewExercise(ctx context.Context, t harbortest.TB, namespace string) (*Exercise, error) {
	e := &Exercise{Cluster: c, Namespace: namespace, registry: harbortest.New()}
	e.registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret", Webhooks: true})
	e.scanned = e.registry.Push("library/nginx", harbortest.Image{Tags: []string{"1.0"}})
	err := e.registry.SetScan("library/nginx", e.scanned, harbortest.Scan{Findings: map[string]int{"Critical": 1}})
	if err != nil {
		return nil, err
	}
	e.harbor = harbortest.NewServer(t, e.registry, harbortest.Options{TLS: true})
	if err := c.Namespace(ctx, namespace, "robot$inventory", "secret"); err != nil {
		return nil, err
	}
	return e, errors.Join(
		c.Client.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ca"},
			Data:       map[string]string{"ca.crt": string(e.harbor.CertificatePEM())},
		}),
		c.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "hooks"},
			StringData: map[string]string{v1alpha1.SecretKeyAuthorization: "Bearer hook"},
		}),
	)
}

// Create makes the inventory, with webhook policies, for which it gets a finalizer,
// and with reports.
func (e *Exercise) Create(ctx context.Context) error {
	inv := Inventory(e.Namespace, inventory, e.harbor.URL)
	inv.Spec.Harbor.PlainHTTP = false
	inv.Spec.Harbor.CABundleRef = &v1alpha1.CABundleReference{Name: "ca"}
	inv.Spec.Include = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}
	inv.Spec.VulnerabilityReports = &v1alpha1.VulnerabilityReports{}
	inv.Spec.Webhook = v1alpha1.Webhook{
		Mode: v1alpha1.WebhookRegister, URL: "https://hooks.example.com", SecretRef: &v1alpha1.LocalObjectReference{Name: "hooks"},
	}
	return e.Client.Create(ctx, inv)
}

// Get returns the inventory as it is now.
func (e *Exercise) Get(ctx context.Context) (*v1alpha1.HarborInventory, error) {
	inv := &v1alpha1.HarborInventory{}
	return inv, e.Client.Get(ctx, client.ObjectKey{Namespace: e.Namespace, Name: inventory}, inv)
}

// Ready waits until the inventory is complete, its report too.
func (e *Exercise) Ready(ctx context.Context) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		inv, err := e.Get(ctx)
		if err != nil {
			return err
		}
		for _, condition := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionComplete} {
			if !apimeta.IsStatusConditionTrue(inv.Status.Conditions, condition) {
				return fmt.Errorf("%s: %v", e.Namespace, inv.Status.Conditions)
			}
		}
		if s := inv.Status.VulnerabilityReports; s == nil || s.Written != 1 {
			return fmt.Errorf("%s: its reports are %+v", e.Namespace, s)
		}
		return nil
	})
}

// Run has every kind of write made: a list and a report are updated, change their
// owner, are deleted, and are made again. In the end everything is as it was.
func (e *Exercise) Run(ctx context.Context) error {
	digest := e.registry.Push("library/nginx", harbortest.Image{Tags: []string{"for-" + e.Namespace}})
	if _, err := e.registry.TryPush("library/nginx", harbortest.Image{Digest: e.scanned, Tags: []string{reported}}); err != nil {
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
		{func(inv *v1alpha1.HarborInventory) {
			inv.Spec.ExcludeRepositories, inv.Spec.Output.DeletionPolicy = nil, v1alpha1.DeletionPolicyDelete
		}, 1, 2, true},
		{func(*v1alpha1.HarborInventory) { _ = e.registry.DeleteArtifact("library/nginx", digest) }, 1, 1, true},
	} {
		if err := e.change(ctx, n, step.change); err != nil {
			return err
		}
		if err := e.shows(ctx, step.lists, step.artifacts, step.owned); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
	}
	return nil
}

// change changes the inventory, and asks for a sync.
func (e *Exercise) change(ctx context.Context, n int, change func(*v1alpha1.HarborInventory)) error {
	inv, err := e.Get(ctx)
	if err != nil {
		return err
	}
	before := inv.DeepCopy()
	change(inv)
	inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: fmt.Sprint(n)}
	return e.Client.Patch(ctx, inv, client.MergeFrom(before))
}

func (e *Exercise) shows(ctx context.Context, lists, artifacts int, owned bool) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		var all v1alpha1.ArtifactListList
		if err := e.Client.List(ctx, &all, client.InNamespace(e.Namespace)); err != nil {
			return err
		}
		if len(all.Items) != lists || lists > 0 && (len(all.Items[0].Artifacts) != artifacts || len(all.Items[0].OwnerReferences) > 0 != owned) {
			return fmt.Errorf("%s has other lists than %d with %d artifacts, owned %t", e.Namespace, lists, artifacts, owned)
		}
		var reports v1alpha1.VulnerabilityReportList
		if err := e.Client.List(ctx, &reports, client.InNamespace(e.Namespace)); err != nil {
			return err
		}
		if len(reports.Items) != lists || lists > 0 && (len(reports.Items[0].OwnerReferences) > 0 != owned || !slices.Contains(reports.Items[0].Tags, reported)) {
			return fmt.Errorf("%s has other reports than %d with its new tag, owned %t: %+v", e.Namespace, lists, owned, reports.Items)
		}
		return nil
	})
}
