// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// namespace of the demo's inventory.
const namespace = "demo"

// start brings up everything that the demo needs.
func (d *demo) start(ctx context.Context) error {
	return d.steps(ctx,
		step{"Control plane", "starting etcd and the API server", 3 * testbed.StartLimit, []string{"etcd", "kube-apiserver"}, d.startControlPlane},
		step{"Garbage collector", "starting gc", testbed.StartLimit, []string{"gc"}, d.startCollector},
		step{"Harbor", d.harborStep(), testbed.StartLimit, []string{"harborsim"}, d.startHarbor},
		step{"Install", "the resource definitions and the operator's role", 2 * time.Minute, []string{"kube-apiserver"}, d.install},
		step{"Operator", "starting the manager", testbed.StartLimit, []string{"manager"}, d.startOperator},
	)
}

func (d *demo) startControlPlane(context.Context) (string, error) {
	p, err := testbed.StartPlane(d.work, testbed.PlaneOptions{Assets: d.assets, Namespace: namespace})
	if err != nil {
		return "", err
	}
	d.runs("etcd", p.Etcd.Stop)
	d.runs("API server", p.APIServer.Stop)
	d.kubectl = newKubectl(d.assets, d.work)
	if d.kube, err = newClient(p.Admin); err != nil {
		return "", err
	}
	return fmt.Sprintf("Kubernetes %s at %s", p.Version, p.Admin.Host), nil
}

// newClient returns a client without a cache.
func newClient(config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}

func (d *demo) startCollector(context.Context) (string, error) {
	err := d.launch("gc", filepath.Join(d.assets, "gc"), nil, "--kubeconfig", d.work.Path("kubeconfig"))
	return "running, so that what an inventory owns goes with it", err
}

// launch starts a program that is stopped at the end.
func (d *demo) launch(name, target string, environment []string, args ...string) error {
	p, err := d.work.Launch(name, target, d.lost, environment, args...)
	if err != nil {
		return err
	}
	d.runs(name, p.Stop)
	return nil
}

func (d *demo) harborStep() string {
	if d.real != nil {
		return "asking " + d.real.url
	}
	return "starting harborsim"
}

func (d *demo) startHarbor(ctx context.Context) (string, error) {
	if d.real != nil {
		r := newRemote(d.real)
		d.registry = r
		version, err := r.version(ctx)
		return fmt.Sprintf("%s at %s, which is only read from", version, d.real.url), err
	}
	address, err := testbed.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	if err := d.launch("harborsim", d.built("harborsim"), nil, "--listen", address, "--dataset", d.dataset); err != nil {
		return "", err
	}
	s := &simulator{testbed.Simulator{Base: "http://" + address}}
	d.registry = s
	if err := testbed.Await(ctx, testbed.Answers(s.Base+"/api/v2.0/ping")); err != nil {
		return "", err
	}
	held, err := s.listed(ctx)
	return fmt.Sprintf("simulated at %s, %s: %s", s.Base, d.dataset, count(len(held), "artifact", "artifacts")), err
}

func (d *demo) install(ctx context.Context) (string, error) {
	for _, args := range [][]string{
		{"apply", "--server-side", "-f", filepath.Join(d.root, "config/crd/bases"), "-f", filepath.Join(d.root, "config/rbac/role.yaml")},
		{"wait", "--for=condition=Established", "--timeout=60s", "-f", filepath.Join(d.root, "config/crd/bases")},
		{"create", "clusterrolebinding", testbed.OperatorUser, "--clusterrole=manager-role", "--user=" + testbed.OperatorUser},
		{"create", "namespace", namespace},
	} {
		if _, err := d.kubectl.run(ctx, nil, args...); err != nil {
			return "", err
		}
	}
	return "config/crd/bases, config/rbac/role.yaml, namespace " + namespace, nil
}

func (d *demo) startOperator(ctx context.Context) (string, error) {
	probes, err := testbed.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	metrics, err := testbed.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	flags := append(d.allowed(), "--health-probe-bind-address="+probes, "--metrics-bind-address="+metrics, "--metrics-secure=false")
	err = d.launch("manager", d.built("manager"), []string{"KUBECONFIG=" + d.work.Path("operator.kubeconfig")}, flags...)
	if err != nil {
		return "", err
	}
	d.metrics = "http://" + metrics + "/metrics"
	return "bin/manager is ready, with the rights of config/rbac/role.yaml", testbed.Await(ctx, testbed.Answers("http://"+probes+"/readyz"))
}

// allowed are the flags that let the operator ask the demo's Harbor. Whoever
// names one of their own may have it on this machine.
func (d *demo) allowed() []string {
	if d.real == nil {
		return slices.Clone(testbed.AllowSimulator)
	}
	return []string{
		"--allowed-harbor-cidrs=0.0.0.0/0,::/0,127.0.0.0/8,::1/128",
		fmt.Sprintf("--allow-plain-http=%t", d.real.plain()), fmt.Sprintf("--allow-insecure-tls=%t", d.real.insecure),
	}
}

func (d *demo) built(name string) string { return filepath.Join(d.root, "bin", name) }
