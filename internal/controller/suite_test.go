// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
)

// The suite runs the operator's manager against a real API server, with the
// real garbage collector beside it; each test has a namespace of its own and a
// simulated Harbor that it talks to over HTTP.
var (
	kube client.WithWatch // past any cache
	// webhooks is the address of the receiver.
	webhooks = freeAddress()
	// probes is that of /healthz and /readyz.
	probes = freeAddress()
)

// simulators are on the loopback, and most of them speak plain HTTP.
var simulators = egress.Policy{
	Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("127.0.0.0/8")}, PlainHTTP: true, InsecureTLS: true,
}

// sideBySide is the number of tests at a time: they wait more than they work.
const sideBySide = "32"

func TestMain(m *testing.M) {
	must(flag.Set("test.parallel", sideBySide))
	code, err := runSuite(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runSuite(m *testing.M) (code int, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, fmt.Errorf("KUBEBUILDER_ASSETS is not set: run the tests with 'make test', or set it to the absolute path of bin/k8s after 'make controlplane'")
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(trail.writer(logged)), zap.UseDevMode(true), zap.JSONEncoder()))
	dir, err := os.MkdirTemp("", "controller")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	audit, err := cluster.Audit(env.ControlPlane.GetAPIServer(), dir)
	if err != nil {
		return 1, err
	}
	config, err := env.Start()
	if err != nil {
		return 1, err
	}
	defer func() { _ = env.Stop() }()
	scheme := newScheme()
	if kube, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return 1, err
	}
	stopGC, err := startGC(env)
	if err != nil {
		return 1, err
	}
	defer stopGC()

	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	mgr, err := restricted(ctx, env, scheme)
	if err != nil {
		cancel()
		return 1, err
	}
	go func() { stopped <- mgr.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	stopWatching, err := watchSecrets(ctx)
	if err != nil {
		return 1, err
	}
	defer stopWatching()
	stopKeeping, err := keepPrinted()
	if err != nil {
		return 1, err
	}
	code = m.Run()
	if err := stopKeeping(); err != nil {
		return 1, err
	}
	code = max(code, undocumented(), rights(audit))
	if !wholeSuite() {
		return code, nil // a part of the suite proves nothing of secrets
	}
	return max(code, leaks()), nil
}

const (
	operator = "operator" // the user that the manager is
	roleFile = "../../config/rbac/role.yaml"
)

// restricted makes the manager as a user with the rights that are shipped, and
// no others.
func restricted(ctx context.Context, env *envtest.Environment, scheme *runtime.Scheme) (ctrl.Manager, error) {
	role, err := shippedRole()
	if err != nil {
		return nil, err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operator}},
	}
	if err := errors.Join(kube.Create(ctx, role), kube.Create(ctx, binding)); err != nil {
		return nil, err
	}
	user, err := env.AddUser(envtest.User{Name: operator}, nil)
	if err != nil {
		return nil, err
	}
	return newManager(user.Config(), scheme)
}

func shippedRole() (*rbacv1.ClusterRole, error) {
	text, err := os.ReadFile(roleFile)
	if err != nil {
		return nil, err
	}
	role := &rbacv1.ClusterRole{}
	return role, yaml.UnmarshalStrict(text, role)
}

// rights compares what the whole run asked of the API server with what the role
// allows. A part of the tests need not use every right.
func rights(audit cluster.AuditLog) int {
	granted := cluster.Rights{}
	role, err := shippedRole()
	if err == nil {
		err = granted.Add("", role.Rules)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	allowed, refused, err := audit.Requests(operator)
	if err == nil && !wholeSuite() {
		granted = allowed
	}
	if err == nil {
		err = cluster.Difference(granted, allowed, refused)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rights of the operator:", err)
		return 1
	}
	return 0
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return scheme
}

func newManager(config *rest.Config, scheme *runtime.Scheme) (ctrl.Manager, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.Wrap(traffic.wrap)
	config.Wrap(trail.wrap)
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{DefaultTransform: controller.Transform()},
		Metrics: metricsserver.Options{BindAddress: "0"},

		HealthProbeBindAddress: probes,
	})
	if err != nil {
		return nil, err
	}
	return mgr, controller.Setup(mgr, controller.Options{
		MaxConnectionsPerHarbor: 20, MaxConcurrentReconciles: 100, Writers: writers, UserAgent: "harbor-inventory/test",
		Egress:     simulators,
		Migrations: migrations, Webhooks: controller.Webhooks{Address: webhooks}, AuditInterval: time.Second,
		MetricsRepositories: 10_000, ReportsPause: 200 * time.Millisecond,
	})
}

// freeAddress returns a port of the loopback interface that nobody listens on.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	must(listener.Close())
	return listener.Addr().String()
}

// startGC runs Kubernetes' own garbage collector, which envtest lacks.
func startGC(env *envtest.Environment) (stop func(), err error) {
	user, err := env.AddUser(envtest.User{Name: "gc", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return nil, err
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gc")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "gc"), "--kubeconfig", file)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}, nil
}

// namespace makes a namespace for a test.
func namespace(t *testing.T) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := kube.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// patience bounds every wait; what is waited for comes much sooner, except where
// other tests leave the machine little time.
const patience = 4 * time.Minute

// eventually waits until check returns "", and fails with what it said last.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		last := check()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still after %s: %s", patience, last)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
