// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
)

// roleVariable makes the test binary one of the programs that a test runs: so
// the operator is killed as it is tested, with the race detector.
const roleVariable = "SCALE_TEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "harbor":
		err = serveHarbor(os.Args[1:])
	case "manager":
		err = runManager(os.Args[1:])
	default:
		ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runManager is the operator, with those flags of its command that are used here.
func runManager(args []string) error {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	probes := flags.String("health-probe-bind-address", "", "")
	writers := flags.Int("writers", 0, "")
	cidr := flags.String("allowed-harbor-cidrs", "", "")
	plain := flags.Bool("allow-plain-http", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	allowed, err := egress.ParsePrefix(*cidr)
	if err != nil {
		return err
	}
	policy := egress.Policy{Allowed: []netip.Prefix{allowed}, PlainHTTP: *plain}
	ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, HealthProbeBindAddress: *probes,
		Cache:   cache.Options{DefaultTransform: controller.Transform()},
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	if err := errors.Join(mgr.AddReadyzCheck("ping", healthz.Ping), controller.Setup(mgr, controller.Options{Writers: *writers, Egress: policy})); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

// testPrograms are this test binary, and the control plane.
func testPrograms(t *testing.T) programs {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run the tests with 'make test', or set it to the absolute path of bin/k8s after 'make controlplane'")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return programs{
		root: root, dir: t.TempDir(), assets: assets,
		manager: program{path: self, environment: []string{roleVariable + "=manager"}},
		harbor:  program{path: self, environment: []string{roleVariable + "=harbor"}},
	}
}

// A few kills; 'make bench-scale' does 200 of another data set.
func TestKills(t *testing.T) {
	var out strings.Builder
	s := settings{
		dataset: "generated:projects=2,repositories=20,artifacts=30,large=1,largeArtifacts=300",
		kills:   6, seed: 1, connections: 5, writers: 2,
	}
	if err := kills(t.Context(), testPrograms(t), s, &out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
}

// Changes in k repositories are k writes, few of them here.
func TestChanges(t *testing.T) {
	var out strings.Builder
	s := settings{
		dataset: "generated:projects=2,repositories=20,artifacts=5,large=1,largeArtifacts=300",
		numbers: []int{1, 1, 1, 10}, connections: 5, writers: 4,
	}
	if err := changes(t.Context(), testPrograms(t), s, &out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
}
