// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command seen looks at the operator as Prometheus sees it: the manager on a real
// API server, simulated Harbors, and a real Prometheus that scrapes it.
//
//	seen alerts      provokes each alert of config/prometheus once, mends it, and
//	                 prints how long both took
//	seen dashboard   has the operator work for -for, with changes, faults and
//	                 recovery in Harbor, and takes a picture of the dashboard
//
// bin/prometheus is to be there (make prometheus); the picture needs Chromium, and
// uPlot's files in -uplot.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

func main() {
	flags := flag.NewFlagSet("seen", flag.ExitOnError)
	length := flags.Duration("for", 12*time.Minute, "How long the operator works for the picture.")
	uplot := flags.String("uplot", "bin/uplot/node_modules/uplot/dist", "Directory of uPlot's built files.")
	picture := flags.String("picture", "docs/dashboard.png", "Where the picture goes.")
	var what string
	if len(os.Args) > 1 {
		what = os.Args[1]
		_ = flags.Parse(os.Args[2:]) // it exits
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	var err error
	switch what {
	case "alerts":
		err = alerts(ctx)
	case "dashboard":
		err = dashboard(ctx, *length, *uplot, *picture)
	default:
		err = errors.New("want 'seen alerts' or 'seen dashboard'")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "seen:", err)
		os.Exit(1)
	}
}

// bed is what both have in common.
type bed struct {
	*cluster.Cluster
	cleanups   *cluster.Cleanups
	prometheus *prometheus
	metrics    string // address
	hooks      string // address of the receiver of webhooks
}

const ns = "team-a"

// open starts the control plane and Prometheus; rules are changed by change.
func open(ctx context.Context, cleanups *cluster.Cleanups, change func(rules string) string) (*bed, error) {
	b := &bed{cleanups: cleanups}
	var err error
	if b.metrics, err = testbed.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if b.hooks, err = testbed.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if b.Cluster, err = cluster.Start(ctx, "."); err != nil {
		return nil, err
	}
	cleanups.Cleanup(func() { _ = b.Stop() })
	return b, b.startPrometheus(ctx, change)
}

func (b *bed) startManager(ctx context.Context) error {
	kubeconfig, err := b.Kubeconfig("")
	if err != nil {
		return err
	}
	_, err = b.StartManager(ctx, kubeconfig, nil,
		"--metrics-bind-address="+b.metrics, "--metrics-secure=false", "--webhook-bind-address="+b.hooks, "--audit-log-interval=10s",
		"--max-concurrent-reconciles=10")
	return err
}
