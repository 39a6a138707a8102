// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// inventoryName is the name of every inventory here; each is in a namespace of its own.
const inventoryName = "all"

// syncLimit bounds a sync; spec.timeout is the same.
const syncLimit = 2 * time.Hour

// createInventory makes a namespace with an inventory of everything, with the
// account's Secret.
func (b *bed) createInventory(ctx context.Context, namespace string, s settings, change ...func(*v1alpha1.HarborInventorySpec)) error {
	if err := b.namespace(ctx, namespace); err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "robot"},
		Type:       corev1.SecretTypeBasicAuth,
		StringData: map[string]string{"username": b.account, "password": testbed.SimulatorSecret},
	}
	if err := b.kube.Create(ctx, secret); err != nil {
		return err
	}
	inv := &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: inventoryName},
		Spec: v1alpha1.HarborInventorySpec{
			Harbor: v1alpha1.HarborEndpoint{
				URL: b.harbor.Base, PlainHTTP: true, CredentialsSecretRef: &v1alpha1.LocalObjectReference{Name: secret.Name},
			},
			MaxConnections: int32(s.connections), //nolint:gosec // the API server refuses more than 100
			Interval:       metav1.Duration{Duration: 168 * time.Hour},
			Timeout:        metav1.Duration{Duration: syncLimit},
		},
	}
	for _, c := range change {
		c(&inv.Spec)
	}
	return b.kube.Create(ctx, inv)
}

// awaitInventory returns the inventory as soon as it satisfies the condition.
func (b *bed) awaitInventory(ctx context.Context, namespace string, satisfies func(*v1alpha1.HarborInventory) bool) (*v1alpha1.HarborInventory, error) {
	ctx, cancel := context.WithTimeout(ctx, syncLimit)
	defer cancel()
	for {
		inv, err := b.watchInventory(ctx, namespace, satisfies)
		if inv != nil || err != nil {
			return inv, b.explain(err)
		}
	}
}

// watchInventory is awaitInventory for as long as one watch lasts.
func (b *bed) watchInventory(ctx context.Context, namespace string, satisfies func(*v1alpha1.HarborInventory) bool) (*v1alpha1.HarborInventory, error) {
	w, err := b.kube.Watch(ctx, &v1alpha1.HarborInventoryList{}, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	last := "it has not been seen"
	for {
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), errors.New(last))
		case lost := <-b.lost:
			return nil, fmt.Errorf("%w; see the logs in %s", lost, b.work.Path("logs"))
		case event, open := <-w.ResultChan():
			if !open {
				return nil, nil
			}
			inv, ok := event.Object.(*v1alpha1.HarborInventory)
			if !ok {
				return nil, fmt.Errorf("watching the inventory: %v", event.Object)
			}
			if satisfies(inv) {
				return inv, nil
			}
			last = fmt.Sprintf("its conditions were %v", inv.Status.Conditions)
		}
	}
}

// complete tells whether the last sync ended and read everything.
func complete(inv *v1alpha1.HarborInventory) bool {
	return inv.Status.ObservedGeneration == inv.Generation &&
		apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionReady) &&
		apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) &&
		!apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionReconciling)
}

// request asks for a sync and returns the value that the status will echo.
func (b *bed) request(ctx context.Context, namespace string) (string, error) {
	inv := &v1alpha1.HarborInventory{}
	if err := b.kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: inventoryName}, inv); err != nil {
		return "", err
	}
	before := inv.DeepCopy()
	value := time.Now().Format(time.RFC3339Nano)
	inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: value}
	return value, b.kube.Patch(ctx, inv, client.MergeFrom(before))
}

// handled tells whether the requested sync has ended well.
func handled(value string) func(*v1alpha1.HarborInventory) bool {
	return func(inv *v1alpha1.HarborInventory) bool {
		return complete(inv) && inv.Status.LastHandledReconcileAt == value
	}
}

// syncNow asks for a sync and waits for its end.
func (b *bed) syncNow(ctx context.Context, namespace string) error {
	value, err := b.request(ctx, namespace)
	if err != nil {
		return err
	}
	_, err = b.awaitInventory(ctx, namespace, handled(value))
	return err
}
