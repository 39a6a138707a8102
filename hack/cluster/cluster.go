// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster runs the operator as its users do: as a process of its own,
// or several, on a real API server with etcd and Kubernetes' garbage collector.
// Tests of what only a process shows are made of it, and measurements. What starts
// a process and waits for it is package testbed.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Cluster is a running control plane with the CustomResourceDefinitions.
type Cluster struct {
	// Client is the administrator's, without a cache.
	Client client.WithWatch
	// Manager is the path of the program that StartManager starts.
	Manager string
	// Audit tells what everybody but the administrators has asked of the API server.
	Audit AuditLog

	assets    string
	dir       string // of kubeconfigs and the manager
	work      *testbed.Workspace
	plane     *testbed.Plane
	processes []*testbed.Process
}

// Options of a Cluster.
type Options struct {
	// Bare leaves out the CustomResourceDefinitions, for what installs them itself.
	Bare bool
}

// Start starts a control plane; root is the root of the repository, and the
// directory that KUBEBUILDER_ASSETS names has the programs. The manager is
// built from the sources. The caller calls Stop.
func Start(ctx context.Context, root string) (*Cluster, error) {
	return Options{}.Start(ctx, root)
}

// Start starts a control plane with these options.
func (o Options) Start(ctx context.Context, root string) (*Cluster, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if !filepath.IsAbs(assets) {
		return nil, fmt.Errorf("KUBEBUILDER_ASSETS is %q: set it to the absolute path of bin/k8s after make controlplane", assets)
	}
	dir, err := os.MkdirTemp("", "cluster")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Manager: filepath.Join(dir, "manager"), assets: assets, dir: dir}
	definitions := filepath.Join(root, "config", "crd", "bases")
	if o.Bare {
		definitions = ""
	}
	if err := c.start(ctx, root, definitions); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, root, definitions string) (err error) {
	if err := c.build(ctx, root); err != nil {
		return err
	}
	if c.work, err = testbed.Open(filepath.Join(c.dir, "work"), ""); err != nil {
		return err
	}
	c.plane, err = testbed.StartPlane(c.work, testbed.PlaneOptions{
		Assets: c.assets, Definitions: definitions,
		Configure: func(plane *envtest.ControlPlane) (err error) {
			// envtest turns off what gives Pods their ServiceAccount.
			plane.APIServer.Configure().Disable("disable-admission-plugins")
			c.Audit, err = Audit(plane.APIServer, c.dir)
			return err
		},
	})
	if err != nil {
		return err
	}
	config := rest.CopyConfig(c.plane.Admin)
	config.QPS = -1 // no client-side limit
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if c.Client, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	_, err = c.Run("gc", filepath.Join(c.assets, "gc"), "--kubeconfig", c.work.Path("kubeconfig"))
	return err
}

// build builds the manager. It looks at every source for one reason: the go
// command is a process of its own, and go test repeats a cached result unless a
// file changed that the test itself has looked at.
func (c *Cluster) build(ctx context.Context, root string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "bin" || entry.Name() == ".git" || entry.Name() == ".demo"):
			return fs.SkipDir
		case filepath.Ext(path) == ".go" || entry.Name() == "go.mod":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-o", c.Manager, "./cmd") //nolint:gosec // no input of anybody
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building the manager: %w\n%s", err, out)
	}
	return nil
}

// Run starts a program that ends with the cluster; name is its own.
func (c *Cluster) Run(name, target string, args ...string) (*testbed.Process, error) {
	p, err := c.work.Launch(name, target, nil, nil, args...)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, p)
	return p, nil
}

// Stop ends all that runs.
func (c *Cluster) Stop() error {
	var errs []error
	for _, p := range c.processes {
		errs = append(errs, p.Kill())
	}
	if c.plane != nil {
		errs = append(errs, c.plane.Stop())
	}
	if c.work != nil {
		errs = append(errs, c.work.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}

// Kubeconfig writes a kubeconfig: the administrator's, who with as acts for
// somebody else and has their rights only.
func (c *Cluster) Kubeconfig(as string) (path string, err error) {
	return c.kubeconfig(func(user *clientcmdapi.AuthInfo) { user.Impersonate = as })
}

// ServiceAccount writes a kubeconfig with a token of a ServiceAccount, as a Pod
// of it has one.
func (c *Cluster) ServiceAccount(ctx context.Context, name client.ObjectKey) (path string, err error) {
	token, err := c.Token(ctx, name)
	if err != nil {
		return "", err
	}
	return c.kubeconfig(func(user *clientcmdapi.AuthInfo) { *user = clientcmdapi.AuthInfo{Token: token} })
}

// Token returns a token of a ServiceAccount.
func (c *Cluster) Token(ctx context.Context, name client.ObjectKey) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	request := &authenticationv1.TokenRequest{}
	err := c.Client.SubResource("token").Create(ctx, account, request)
	return request.Status.Token, err
}

// kubeconfig writes the administrator's, changed.
func (c *Cluster) kubeconfig(change func(*clientcmdapi.AuthInfo)) (path string, err error) {
	config, err := clientcmd.LoadFromFile(c.work.Path("kubeconfig"))
	if err != nil {
		return "", err
	}
	for _, user := range config.AuthInfos {
		change(user)
	}
	file, err := os.CreateTemp(c.dir, "kubeconfig")
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.Name(), clientcmd.WriteToFile(*config, file.Name())
}

// Kubectl runs kubectl as the administrator, and returns what it wrote.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	kubeconfig, err := c.Kubeconfig("")
	if err != nil {
		return "", err
	}
	var out, problems bytes.Buffer
	command := exec.CommandContext(ctx, filepath.Join(c.assets, "kubectl"), append(args, "--kubeconfig", kubeconfig)...) //nolint:gosec // as above
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("kubectl %v: %w\n%s", args, err, problems.String())
	}
	return out.String(), nil
}

// Namespace makes a namespace with the Secret "robot", which holds an account of
// a Harbor.
func (c *Cluster) Namespace(ctx context.Context, name, username, password string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := client.IgnoreAlreadyExists(c.Client.Create(ctx, ns)); err != nil {
		return err
	}
	return c.Client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "robot"}, Type: corev1.SecretTypeBasicAuth,
		StringData: map[string]string{corev1.BasicAuthUsernameKey: username, corev1.BasicAuthPasswordKey: password},
	})
}

// Inventory returns a HarborInventory of all that a Harbor has, to be created in
// a namespace made by Namespace.
func Inventory(namespace, name, url string) *v1alpha1.HarborInventory {
	return &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.HarborInventorySpec{Harbor: v1alpha1.HarborEndpoint{
			URL: url, PlainHTTP: true, CredentialsSecretRef: &v1alpha1.LocalObjectReference{Name: "robot"},
		}},
	}
}

// Cleanups stands in for a test where none runs: what is to be done in the end,
// the last one first.
type Cleanups []func()

// Helper does nothing.
func (*Cleanups) Helper() {}

// Cleanup adds a function.
func (c *Cleanups) Cleanup(f func()) { *c = append(*c, f) }

// Run runs all functions.
func (c *Cleanups) Run() {
	for _, f := range slices.Backward(*c) {
		f()
	}
}
