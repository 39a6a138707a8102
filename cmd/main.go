// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager runs the operator.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // so that any kubeconfig works
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

// settings are the values of the flags.
type settings struct {
	metricsAddress, probeAddress string
	metricsSecure, leaderElect   bool
	kubeQPS                      float64
	controller                   controller.Options
	logs                         zap.Options
}

func parseFlags() settings {
	var s settings
	flag.StringVar(&s.metricsAddress, "metrics-bind-address", "0",
		"Address of the metrics endpoint, like :8443; 0 switches it off.")
	flag.BoolVar(&s.metricsSecure, "metrics-secure", true,
		"Serve metrics over HTTPS, to callers only that the API server lets read /metrics.")
	flag.StringVar(&s.probeAddress, "health-probe-bind-address", ":8081",
		"Address of /healthz and /readyz; 0 switches them off.")
	flag.BoolVar(&s.leaderElect, "leader-elect", false,
		"Let one of several replicas work at a time.")
	flag.IntVar(&s.controller.MaxConnectionsPerHarbor, "max-connections-per-harbor", 20,
		"Greatest number of requests in flight to one Harbor, over all HarborInventories that name it.")
	flag.IntVar(&s.controller.MaxConcurrentReconciles, "max-concurrent-reconciles", 4,
		"Number of HarborInventories that are synced at a time.")
	flag.IntVar(&s.controller.Writers, "writers", 8,
		"Number of ArtifactLists that are written at a time, for each HarborInventory.")
	flag.Float64Var(&s.kubeQPS, "kube-api-qps", -1,
		"Bound on requests a second to the API server; negative leaves it to API Priority and Fairness.")
	s.logs.BindFlags(flag.CommandLine)
	flag.Parse()
	return s
}

func main() {
	if err := run(parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "harbor-inventory:", err)
		os.Exit(1)
	}
}

func run(s settings) error {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&s.logs)))
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	mgr, err := newManager(config, s)
	if err != nil {
		return err
	}
	s.controller.UserAgent = "harbor-inventory/" + version.String()
	if err := controller.Setup(mgr, s.controller); err != nil {
		return err
	}
	ctrl.Log.WithName("setup").Info("starting", "version", version.String())
	return mgr.Start(ctrl.SetupSignalHandler())
}

func newManager(config *rest.Config, s settings) (manager.Manager, error) {
	config.QPS = float32(s.kubeQPS)
	config.Burst = max(1, int(2*s.kubeQPS))
	config.UserAgent = "harbor-inventory/" + version.String()
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	metrics := metricsserver.Options{
		BindAddress:   s.metricsAddress,
		SecureServing: s.metricsSecure,
		TLSOpts:       []func(*tls.Config){func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }},
	}
	if s.metricsSecure {
		metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		Metrics:                       metrics,
		HealthProbeBindAddress:        s.probeAddress,
		LeaderElection:                s.leaderElect,
		LeaderElectionID:              "harborinventory.io",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}
