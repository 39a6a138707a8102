// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

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

// StartLimit bounds the start of etcd and that of the API server.
const StartLimit = time.Minute

// OperatorUser is whom the operator is to the API server. It is to have the
// rights of config/rbac/role.yaml and no others.
const OperatorUser = "harbor-inventory"

// Plane is a running control plane.
type Plane struct {
	*envtest.ControlPlane
	Admin   *rest.Config
	Version string
}

// PlaneOptions of [StartPlane].
type PlaneOptions struct {
	// Assets is the directory with etcd, kube-apiserver and kubectl.
	Assets string
	// Namespace that the kubeconfigs name.
	Namespace string
	// Configure, if set, changes the flags of both programs.
	Configure func(*envtest.ControlPlane)
}

// StartPlane starts etcd and the API server, and writes the workspace's
// kubeconfig, of an administrator, and operator.kubeconfig.
func StartPlane(w *Workspace, o PlaneOptions) (p *Plane, err error) {
	p = &Plane{ControlPlane: &envtest.ControlPlane{
		Etcd:        &envtest.Etcd{DataDir: w.Path("etcd"), StartTimeout: StartLimit, StopTimeout: stopLimit},
		APIServer:   &envtest.APIServer{CertDir: w.Path("certs"), StartTimeout: StartLimit, StopTimeout: stopLimit},
		KubectlPath: filepath.Join(o.Assets, "kubectl"),
	}}
	if o.Configure != nil {
		o.Configure(p.ControlPlane)
	}
	if err := p.prepare(w, o.Assets); err != nil {
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
	if p.Admin, err = p.user(w.Path("kubeconfig"), o.Namespace, "testbed-admin", "system:masters"); err != nil {
		return nil, err
	}
	if _, err = p.user(w.Path("operator.kubeconfig"), o.Namespace, OperatorUser); err != nil {
		return nil, err
	}
	client, err := discovery.NewDiscoveryClientForConfig(p.Admin)
	if err != nil {
		return nil, err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return nil, err
	}
	p.Version = version.GitVersion
	return p, nil
}

// prepare has both programs guarded and their logs written.
func (p *Plane) prepare(w *Workspace, assets string) error {
	for name, set := range map[string]func(path string, log *os.File){
		"etcd":           func(path string, log *os.File) { p.Etcd.Path, p.Etcd.Out, p.Etcd.Err = path, log, log },
		"kube-apiserver": func(path string, log *os.File) { p.APIServer.Path, p.APIServer.Out, p.APIServer.Err = path, log, log },
	} {
		linked, err := w.Link(name, filepath.Join(assets, name))
		if err != nil {
			return err
		}
		log, err := w.OpenLog(name) // open for as long as the program runs
		if err != nil {
			return err
		}
		set(linked, log)
	}
	return nil
}

// user makes a user and writes a kubeconfig for it.
func (p *Plane) user(file, namespace, name string, groups ...string) (*rest.Config, error) {
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
