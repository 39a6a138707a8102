// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager runs the operator.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // so that any kubeconfig works
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

func main() {
	var s settings
	s.register(flag.CommandLine)
	flag.Parse()
	if err := run(&s); err != nil {
		fmt.Fprintln(os.Stderr, "harbor-inventory:", err)
		os.Exit(1)
	}
}

func run(s *settings) error {
	if err := s.check(); err != nil {
		return err
	}
	setLogger(&s.logs)
	log := ctrl.Log.WithName("setup")
	limitMemory(log.Info, memlimit.FromCgroup)
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	mgr, err := newManager(config, s)
	if err != nil {
		return err
	}
	s.controller.UserAgent = "harbor-inventory/" + version.String()
	if err := errors.Join(s.webhookTLS(mgr), setupTracing(mgr)); err != nil {
		return err
	}
	if err := controller.Setup(mgr, s.controller); err != nil {
		return err
	}
	log.Info("starting", "version", version.String())
	return mgr.Start(ctrl.SetupSignalHandler())
}

func newManager(config *rest.Config, s *settings) (manager.Manager, error) {
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
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         s.cache(),
		Metrics:                       metrics,
		HealthProbeBindAddress:        s.probeAddress,
		LeaderElection:                s.election,
		LeaderElectionID:              s.leaseName(),
		LeaderElectionNamespace:       s.electionNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &s.leaseDuration,
		RenewDeadline:                 &s.renewDeadline,
		RetryPeriod:                   &s.retryGap,
	})
}
