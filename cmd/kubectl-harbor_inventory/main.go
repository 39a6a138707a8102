// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-harbor_inventory is the kubectl plugin: run it as
// kubectl harbor-inventory.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // whatever a kubeconfig may ask for

	"github.com/harbor-inventory/harbor-inventory/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}
