// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// bed is a control plane, and its administrator's kubeconfig.
type bed struct {
	*cluster.Cluster
	kubeconfig string
}

// shell runs command lines as the administrator, with the programs that make has
// put into bin.
func (b *bed) shell(ctx context.Context, lines ...string) error {
	bin, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	for _, line := range lines {
		command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
		command.Env = append(os.Environ(), "KUBECONFIG="+b.kubeconfig,
			"PATH="+strings.Join([]string{bin, filepath.Join(bin, "k8s"), os.Getenv("PATH")}, string(os.PathListSeparator)))
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, out)
		}
	}
	return nil
}

// refuses fails unless the API server refuses a Pod that the standard forbids,
// which else would admit every one.
func (b *bed) refuses(ctx context.Context) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "refused", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := b.Client.Create(ctx, ns); err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Namespace: "refused", Name: "root"}
	if err := b.Client.Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}); err != nil {
		return err
	}
	pod := &corev1.Pod{
		ObjectMeta: meta,
		Spec:       corev1.PodSpec{ServiceAccountName: meta.Name, Containers: []corev1.Container{{Name: "root", Image: "root"}}},
	}
	if err := b.Client.Create(ctx, pod, client.DryRunAll); err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
		return fmt.Errorf("a Pod that may run as root is not refused for that: %w", err)
	}
	return nil
}

// admitted fails unless the API server takes a Pod of the Deployment, with its
// ServiceAccount, in a namespace that enforces the standard.
func (b *bed) admitted(ctx context.Context, namespace string) error {
	var ns corev1.Namespace
	if err := b.Client.Get(ctx, client.ObjectKey{Name: namespace}, &ns); err != nil {
		return err
	}
	if level := ns.Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		return fmt.Errorf("the namespace enforces %q, not restricted", level)
	}
	template, err := b.Template(ctx, namespace)
	if err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.GenerateName = namespace, "manager-"
	// The admission may not know of the ServiceAccount at once.
	return testbed.Await(ctx, func(ctx context.Context) error { return b.Client.Create(ctx, pod, client.DryRunAll) })
}

// emptied removes the namespaces of a check and waits for their end.
func (b *bed) emptied(ctx context.Context, names ...string) error {
	for _, name := range names {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := client.IgnoreNotFound(b.Client.Delete(ctx, ns)); err != nil {
			return err
		}
		err := testbed.Await(ctx, func(ctx context.Context) error {
			if err := b.Client.Get(ctx, client.ObjectKeyFromObject(ns), ns); err != nil {
				return client.IgnoreNotFound(err)
			}
			return errors.New("the namespace " + name + " is still there")
		})
		if err != nil {
			return err
		}
	}
	return nil
}
