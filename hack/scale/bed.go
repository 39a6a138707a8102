// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// program is what is run and how.
type program struct {
	path        string
	args        []string
	environment []string
}

// programs are what a measurement runs, and where.
type programs struct {
	root   string // of the repository
	dir    string // for workspaces
	assets string // directory with etcd and kube-apiserver
	guard  string // path of command guard; "" for none

	manager, harbor program
}

// bed is a control plane, and the simulator and the manager as far as they are
// started.
type bed struct {
	programs
	work   *testbed.Workspace
	plane  *testbed.Plane
	config *rest.Config // the administrator's
	kube   client.WithWatch
	harbor testbed.Simulator
	// account of Harbor's that inventories use.
	account string
	lost    chan error // a program that ended by itself

	linked string // the manager, as it is started
	args   []string
	probes string
	stops  []func() error
}

// quota is etcd's own advice for the greatest size of its data; its default is
// 2 GiB.
const quota = "8589934592"

// newBed starts a control plane with the operator's definitions and rights.
func newBed(ctx context.Context, p programs, name string) (b *bed, err error) {
	b = &bed{programs: p, account: testbed.SimulatorAccount, lost: make(chan error, 8)}
	if b.work, err = testbed.Open(filepath.Join(p.dir, name), p.guard); err != nil {
		return nil, err
	}
	b.stops = append(b.stops, b.work.Close)
	defer func() {
		if err != nil {
			err = errors.Join(err, b.stop())
		}
	}()
	b.plane, err = testbed.StartPlane(b.work, testbed.PlaneOptions{
		Assets: p.assets, Definitions: filepath.Join(p.root, "config/crd/bases"),
		Configure: func(plane *envtest.ControlPlane) error {
			plane.Etcd.Configure().Set("quota-backend-bytes", quota)
			return nil
		},
	})
	if err != nil {
		return b, err
	}
	b.stops = append(b.stops, b.plane.Stop)
	b.config = rest.CopyConfig(b.plane.Admin)
	b.config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return b, err
	}
	if b.kube, err = client.NewWithWatch(b.config, client.Options{Scheme: scheme}); err != nil {
		return b, err
	}
	return b, b.install(ctx)
}

// stop ends what was started, the last first.
func (b *bed) stop() error {
	var errs []error
	for _, stop := range slices.Backward(b.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

// closing adds the error of stop to that of the measurement.
func (b *bed) closing(err *error) { *err = errors.Join(*err, b.stop()) }

// install gives the operator its rights.
func (b *bed) install(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(b.root, "config/rbac/role.yaml"))
	if err != nil {
		return err
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(text, role); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: testbed.OperatorUser}},
	}
	return errors.Join(b.kube.Create(ctx, role), b.kube.Create(ctx, binding))
}

func (b *bed) namespace(ctx context.Context, name string) error {
	return b.kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// startHarbor starts the simulator.
func (b *bed) startHarbor(ctx context.Context, dataset string, more ...string) error {
	address, err := testbed.FreeAddress(ctx)
	if err != nil {
		return err
	}
	args := append(slices.Clone(b.programs.harbor.args), "--listen", address, "--dataset", dataset)
	args = append(args, more...)
	p, err := b.work.Launch("harbor", b.programs.harbor.path, b.note, b.programs.harbor.environment, args...)
	if err != nil {
		return err
	}
	b.stops = append(b.stops, p.Stop)
	b.harbor = testbed.Simulator{Base: "http://" + address}
	return b.await(ctx, b.harbor.Base+"/api/v2.0/ping")
}

// prepareManager decides how the manager is started, with flags of the measurement.
func (b *bed) prepareManager(ctx context.Context, s settings, flags ...string) error {
	probes, err := testbed.FreeAddress(ctx)
	if err != nil {
		return err
	}
	b.probes = "http://" + probes + "/readyz"
	b.args = append(slices.Clone(b.manager.args), "--health-probe-bind-address="+probes, fmt.Sprintf("--writers=%d", s.writers))
	b.args = append(b.args, testbed.AllowSimulator...)
	b.args = append(b.args, flags...)
	b.linked, err = b.work.Link("manager", b.manager.path)
	return err
}

// startManager starts the manager; the caller stops it.
func (b *bed) startManager() (*testbed.Process, error) {
	environment := append(slices.Clone(b.manager.environment), "KUBECONFIG="+b.work.Path("operator.kubeconfig"))
	return b.work.Start(b.linked, b.note, environment, b.args...)
}

// runManager starts the manager for as long as the bed is up, and returns when
// it is ready.
func (b *bed) runManager(ctx context.Context, s settings, flags ...string) error {
	if err := b.prepareManager(ctx, s, flags...); err != nil {
		return err
	}
	p, err := b.startManager()
	if err != nil {
		return err
	}
	b.stops = append(b.stops, p.Stop)
	return b.await(ctx, b.probes)
}

func (b *bed) note(err error) {
	select {
	case b.lost <- err:
	default: // the first ones say enough
	}
}

func (b *bed) await(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, testbed.StartLimit)
	defer cancel()
	return b.explain(testbed.Await(ctx, testbed.Answers(address)))
}

// explain adds to an error the program that ended, if one did.
func (b *bed) explain(err error) error {
	if err == nil {
		return nil
	}
	select {
	case lost := <-b.lost:
		return fmt.Errorf("%w; see the logs in %s: %w", lost, b.work.Path("logs"), err)
	case <-time.After(100 * time.Millisecond):
		return err
	}
}
