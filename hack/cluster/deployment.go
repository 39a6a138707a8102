// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Deployed is a manager that runs as a Deployment has it.
type Deployed struct {
	*Manager
	// Account is the Deployment's ServiceAccount.
	Account client.ObjectKey
	// Metrics is the address of its metrics; empty where the Deployment serves none.
	Metrics string
}

// StartDeployed does what a node would do with the only Deployment of a
// namespace: it starts the manager with the Deployment's arguments and variables
// and a token of its ServiceAccount. Only the addresses that it listens on are
// others. flags are added.
func (c *Cluster) StartDeployed(ctx context.Context, namespace string, flags ...string) (*Deployed, error) {
	template, err := c.Template(ctx, namespace)
	if err != nil {
		return nil, err
	}
	container := template.Spec.Containers[0]
	if command := strings.Join(container.Command, " "); command != "/manager" {
		return nil, fmt.Errorf("the Deployment runs %q, the image has /manager", command)
	}
	variables, environment, err := variables(container.Env, namespace)
	if err != nil {
		return nil, err
	}
	d := &Deployed{Account: client.ObjectKey{Namespace: namespace, Name: template.Spec.ServiceAccountName}}
	// A Pod knows its namespace from a file.
	args := []string{"--leader-elect-namespace=" + namespace}
	for _, arg := range container.Args {
		args = append(args, variables.Replace(arg))
		if strings.HasPrefix(arg, "--metrics-bind-address=") {
			if d.Metrics, err = testbed.FreeAddress(ctx); err != nil {
				return nil, err
			}
			args = append(args, "--metrics-bind-address="+d.Metrics)
		}
	}
	kubeconfig, err := c.ServiceAccount(ctx, d.Account)
	if err != nil {
		return nil, err
	}
	// As against an API server before 1.32, which has to be asked for lists: a newer
	// one sends them as the beginning of a watch.
	environment = append(environment, "KUBE_FEATURE_WatchListClient=false")
	d.Manager, err = c.StartManager(ctx, kubeconfig, environment, append(args, flags...)...)
	return d, err
}

// Template returns the Pods that the only Deployment of a namespace makes.
func (c *Cluster) Template(ctx context.Context, namespace string) (*corev1.PodTemplateSpec, error) {
	var all appsv1.DeploymentList
	if err := c.Client.List(ctx, &all, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	if len(all.Items) != 1 || len(all.Items[0].Spec.Template.Spec.Containers) != 1 {
		return nil, fmt.Errorf("%s has %d Deployments, want one with one container", namespace, len(all.Items))
	}
	return &all.Items[0].Spec.Template, nil
}

// variables returns what replaces $(NAME) in arguments, and the environment.
func variables(env []corev1.EnvVar, namespace string) (*strings.Replacer, []string, error) {
	var pairs, environment []string
	for _, v := range env {
		switch {
		case v.ValueFrom == nil:
		case v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
			v.Value = namespace
		default:
			return nil, nil, fmt.Errorf("the variable %s comes from %v: only metadata.namespace is known here", v.Name, v.ValueFrom)
		}
		pairs = append(pairs, "$("+v.Name+")", v.Value)
		environment = append(environment, v.Name+"="+v.Value)
	}
	return strings.NewReplacer(pairs...), environment, nil
}
