// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startLimit bounds the start of etcd and that of the API server.
const startLimit = time.Minute

// namespace of the demo's inventory.
const namespace = "demo"

// operatorUser is whom the operator is to the API server. It has the rights of
// config/rbac/role.yaml and no others.
const operatorUser = "harbor-inventory"

// plane is a running control plane.
type plane struct {
	*envtest.ControlPlane
	admin   *rest.Config
	version string
}

// startPlane starts etcd and the API server, and writes a kubeconfig of an
// administrator and one of the operator.
func startPlane(w *workspace, guard, assets string) (p *plane, err error) {
	p = &plane{ControlPlane: &envtest.ControlPlane{
		Etcd:        &envtest.Etcd{DataDir: w.path("etcd"), StartTimeout: startLimit, StopTimeout: stopLimit},
		APIServer:   &envtest.APIServer{CertDir: w.path("certs"), StartTimeout: startLimit, StopTimeout: stopLimit},
		KubectlPath: filepath.Join(assets, "kubectl"),
	}}
	if err := p.prepare(w, guard, assets); err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.Stop() // the first error says more
		}
	}()
	if p.admin, err = p.user(w.path("kubeconfig"), "demo-admin", "system:masters"); err != nil {
		return nil, err
	}
	if _, err = p.user(w.path("operator.kubeconfig"), operatorUser); err != nil {
		return nil, err
	}
	client, err := discovery.NewDiscoveryClientForConfig(p.admin)
	if err != nil {
		return nil, err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return nil, err
	}
	p.version = version.GitVersion
	return p, nil
}

// prepare has both programs guarded and their logs written.
func (p *plane) prepare(w *workspace, guard, assets string) error {
	for name, set := range map[string]func(path string, log *os.File){
		"etcd":           func(path string, log *os.File) { p.Etcd.Path, p.Etcd.Out, p.Etcd.Err = path, log, log },
		"kube-apiserver": func(path string, log *os.File) { p.APIServer.Path, p.APIServer.Out, p.APIServer.Err = path, log, log },
	} {
		guarded, err := w.link(guard, name, filepath.Join(assets, name))
		if err != nil {
			return err
		}
		log, err := w.openLog(name) // open for as long as the demo runs
		if err != nil {
			return err
		}
		set(guarded, log)
	}
	return nil
}

// user makes a user and writes a kubeconfig for it.
func (p *plane) user(file, name string, groups ...string) (*rest.Config, error) {
	user, err := p.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return nil, fmt.Errorf("making the user %s: %w", name, err)
	}
	text, err := user.KubeConfig()
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		return nil, err
	}
	for _, context := range config.Contexts {
		context.Namespace = namespace
	}
	return user.Config(), clientcmd.WriteToFile(*config, file)
}
