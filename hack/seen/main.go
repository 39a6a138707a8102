// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command seen looks at the operator as Prometheus sees it: the manager on a real
// API server, simulated Harbors, and a real Prometheus that scrapes it.
//
//	seen alerts      provokes each alert of config/prometheus once, runs the commands
//	                 of its page meanwhile, mends it, and prints how long both took
//	seen dashboard   has the operator work for -for, with changes, faults and
//	                 recovery in Harbor, and takes a picture of the dashboard;
//	                 it fails if a panel has nothing to show
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
	"strings"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

func main() {
	log.SetLogger(logr.Discard()) // envtest's
	flags := flag.NewFlagSet("seen", flag.ExitOnError)
	length := flags.Duration("for", 8*time.Minute, "How long the operator works for the picture.")
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
	fail       context.CancelCauseFunc // ends the run
	prometheus *prometheus
	metrics    string // address
	hooks      string // address of the receiver of webhooks
}

const ns = "team-a"

// open starts the control plane and Prometheus; rules are changed by change. The
// context that it returns ends when Prometheus does, or the manager.
func open(ctx context.Context, cleanups *cluster.Cleanups, change func(rules string) string) (context.Context, *bed, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	cleanups.Cleanup(func() { cancel(nil) })
	b := &bed{cleanups: cleanups, fail: cancel}
	var err error
	if b.Cluster, err = cluster.Start(ctx, "."); err != nil {
		return ctx, nil, err
	}
	cleanups.Cleanup(func() { _ = b.Stop() })
	if b.metrics, err = testbed.FreeAddress(ctx); err != nil {
		return ctx, nil, err
	}
	if b.hooks, err = testbed.FreeAddress(ctx); err != nil {
		return ctx, nil, err
	}
	return ctx, b, b.startPrometheus(ctx, change)
}

// startManager starts it. One that ends later, because it cannot listen, say,
// would leave Prometheus with nothing to see: so that ends the run.
func (b *bed) startManager(ctx context.Context) error {
	kubeconfig, err := b.Kubeconfig("")
	if err != nil {
		return err
	}
	m, err := b.StartManager(ctx, kubeconfig, nil,
		"--metrics-bind-address="+b.metrics, "--metrics-secure=false", "--webhook-bind-address="+b.hooks, "--audit-log-interval=10s",
		"--max-concurrent-reconciles=10")
	if err != nil {
		return err
	}
	b.needs("the manager", m.Process)
	return nil
}

// needs ends the run when a program ends.
func (b *bed) needs(what string, p *testbed.Process) {
	go func() {
		<-p.Ended()
		b.fail(fmt.Errorf("%s ended:\n%s", what, tail(p.Log())))
	}()
}

// tail returns the last lines of a log.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
