// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gc runs two controllers of kube-controller-manager and nothing else:
// the garbage collector, which makes owner references work, and the namespace
// controller, which makes the deletion of a namespace end.
//
// Both are wired as k8s.io/kubernetes/cmd/kube-controller-manager/app/core.go
// wires them, at kube-controller-manager's default numbers of workers.
package gc

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
)

const (
	collectors = 20
	namespaces = 10
	resync     = 12 * time.Hour
	// discoveryPeriod bounds how long a new CustomResourceDefinition stays
	// unknown to the garbage collector: shorter than upstream's 30 s, because
	// tests and demos create theirs after the start.
	discoveryPeriod = 3 * time.Second
)

// Main parses os.Args and runs until SIGINT or SIGTERM. It returns the
// process's exit code: 2 for wrong arguments, 1 for a failure to start.
func Main() int {
	flags := flag.NewFlagSet("gc", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the kubeconfig `file` of a cluster administrator (required)")
	klog.InitFlags(flags)
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *kubeconfig == "":
		fmt.Fprintln(os.Stderr, "gc: --kubeconfig is required: name the kubeconfig file of a cluster administrator")

		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err == nil {
		err = Run(ctx, config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gc:", err)

		return 1
	}

	return 0
}

// Run runs both controllers against config's API server until ctx ends. It
// returns an error only when it cannot start.
func Run(ctx context.Context, config *rest.Config) error {
	config = rest.AddUserAgent(config, "gc")
	config.QPS = -1 // no client-side limit: the API server is ours alone
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make the client: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make the metadata client: %w", err)
	}
	typed := informers.NewSharedInformerFactory(client, resync)
	all := informerfactory.NewInformerFactory(typed, metadatainformer.NewSharedInformerFactory(metadataClient, resync))

	started := make(chan struct{})
	// The mapper's discovery client must not be the one given to Sync, which
	// resets the mapper.
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, mapper,
		garbagecollector.DefaultIgnoredResources(), all, started)
	if err != nil {
		return fmt.Errorf("make the garbage collector: %w", err)
	}
	remover := namespace.NewNamespaceController(ctx, client, metadataClient,
		client.Discovery().ServerPreferredNamespacedResources,
		typed.Core().V1().Namespaces(), resync, corev1.FinalizerKubernetes)

	all.Start(ctx.Done())
	close(started)
	var wg sync.WaitGroup
	wg.Go(func() { collector.Run(ctx, collectors, 10*discoveryPeriod) })
	wg.Go(func() { collector.Sync(ctx, client.Discovery(), discoveryPeriod) })
	wg.Go(func() { remover.Run(ctx, namespaces) })
	wg.Wait()

	return nil
}
