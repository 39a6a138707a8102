// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command installcheck installs the operator in every way that docs/install.md
// tells of, on a real API server that enforces RBAC and the Pod Security Standard
// "restricted"; runs the manager as the Deployment has it, with a token of its
// ServiceAccount, until inventories of a simulated Harbor are Ready; compares the
// rights used with those granted; and uninstalls it. Then it upgrades from another
// commit. There is no node: that the Pod is admitted is seen, and what it would
// run is run here. It runs in the root of the repository, and ends with 1 if
// anything is not as it should be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
)

// limit bounds one way of installing, and the upgrade.
const limit = 4 * time.Minute

func main() {
	base := flag.String("base", "HEAD~", "The commit to upgrade from.")
	flag.Parse()
	// Neither what client-go has to say, nor what the simulator has.
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	log.SetOutput(io.Discard)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, *base); err != nil {
		fmt.Fprintln(os.Stderr, "installcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, base string) (err error) {
	c, err := cluster.Options{Bare: true}.Start(ctx, ".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	kubeconfig, err := c.Kubeconfig("")
	if err != nil {
		return err
	}
	b := &bed{Cluster: c, kubeconfig: kubeconfig}
	if err := b.refuses(ctx); err != nil {
		return err
	}
	fmt.Println("| Installed by | Pod, restricted | Ready inventories | Rights granted | never used | refused | Uninstalling leaves | Seconds |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, w := range ways {
		started := time.Now()
		row, err := w.check(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		fmt.Printf("| %s | admitted | %d | %d | 0 | 0 | %s | %.0f |\n", w.name, row.inventories, row.rights, row.left, time.Since(started).Seconds())
	}
	return upgrade(ctx, b, base)
}
