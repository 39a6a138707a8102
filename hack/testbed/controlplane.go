// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// StartLimit bounds the start of etcd and of the API server, and the stop of both:
// envtest's own limit, 20 s, is too short for a machine that does much else.
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
	// Definitions, if set, is a directory with CustomResourceDefinitions to install.
	Definitions string
	// Configure, if set, changes the flags of both programs.
	Configure func(*envtest.ControlPlane) error
}

// StartPlane starts etcd and the API server, and writes the workspace's
// kubeconfig, of an administrator, and operator.kubeconfig.
func StartPlane(w *Workspace, o PlaneOptions) (p *Plane, err error) {
	env := &envtest.Environment{
		ControlPlane: envtest.ControlPlane{
			Etcd:        &envtest.Etcd{DataDir: w.Path("etcd")},
			APIServer:   &envtest.APIServer{CertDir: w.Path("certs")},
			KubectlPath: filepath.Join(o.Assets, "kubectl"),
		},
		ControlPlaneStartTimeout: StartLimit,
		ControlPlaneStopTimeout:  StartLimit,
		UseExistingCluster:       new(false), // whatever the environment says
	}
	if o.Definitions != "" {
		env.CRDDirectoryPaths, env.ErrorIfCRDPathMissing = []string{o.Definitions}, true
	}
	p = &Plane{ControlPlane: &env.ControlPlane}
	if o.Configure != nil {
		if err := o.Configure(p.ControlPlane); err != nil {
			return nil, err
		}
	}
	if err := p.prepare(w, o.Assets); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = env.Stop() // the first error says more
		}
	}()
	if _, err := env.Start(); err != nil {
		return nil, err
	}
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

// attachOutput is envtest's variable that has both programs write to the caller's
// output.
const attachOutput = "KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT"

// prepare has both programs guarded and, unless they write to the caller's output,
// their logs written.
func (p *Plane) prepare(w *Workspace, assets string) error {
	for name, program := range map[string]struct {
		path     *string
		out, err *io.Writer
	}{
		"etcd":           {&p.Etcd.Path, &p.Etcd.Out, &p.Etcd.Err},
		"kube-apiserver": {&p.APIServer.Path, &p.APIServer.Out, &p.APIServer.Err},
	} {
		var err error
		if *program.path, err = w.Link(name, filepath.Join(assets, name)); err != nil {
			return err
		}
		if os.Getenv(attachOutput) == "true" {
			continue
		}
		log, err := w.OpenLog(name) // open for as long as the program runs
		if err != nil {
			return err
		}
		*program.out, *program.err = log, log
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
