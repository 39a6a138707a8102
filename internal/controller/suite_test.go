// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
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

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
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
	logs   = &logBuffer{}
)

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
	ctrl.SetLogger(zap.New(zap.WriteTo(logs), zap.UseDevMode(true), zap.JSONEncoder()))
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
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
	mgr, err := newManager(config, scheme)
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
	code = m.Run()
	return max(code, leaks(), undocumented()), nil
}

// leaks looks for the password in what the whole run logged and told in events.
func leaks() int {
	found := strings.Contains(logs.String(), canary)
	var events corev1.EventList
	if err := kube.List(context.Background(), &events); err != nil || len(events.Items) == 0 && wholeSuite() {
		fmt.Fprintln(os.Stderr, "no events to search:", err)
		return 1
	}
	for _, e := range events.Items {
		found = found || strings.Contains(e.Message, canary)
	}
	if found {
		fmt.Fprintln(os.Stderr, "the password is in a log line or an event")
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
		Migrations: migrations, Webhooks: controller.Webhooks{Address: webhooks}, AuditInterval: time.Second,
		MetricsRepositories: 10_000,
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

// logBuffer keeps what the operator logs, to be searched for secrets.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
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

// patience bounds every wait; what is waited for comes much sooner.
const patience = 60 * time.Second

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
