// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures how the engine fetches a registry: against the
// official client and a bare HTTP loop, and how much memory it takes.
//
//	bench fetch    CPU, wall time, allocations, memory and connections of each client
//	bench memory   the engine's peak heap, whatever the size of the registry
//	bench plugin   what 'kubectl harbor-inventory fetch' takes, beside these clients
//
// Each client, and the server, is a process of its own, so that what is measured
// is its alone. Whatever is compared is measured in turns, for machines are
// seldom idle.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func command(ctx context.Context, arguments []string) error {
	if role := os.Getenv(roleVariable); role != "" {
		return play(ctx, role)
	}
	flags := flag.NewFlagSet("bench fetch|memory|plugin", flag.ContinueOnError)
	runs := flags.Int("runs", 5, "how often each client fetches each registry; the medians are printed")
	large := flags.Bool("large", true, "fetch the larger registry, too")
	if len(arguments) == 0 {
		arguments = []string{"-h"}
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	switch arguments[0] {
	case "fetch":
		return compareClients(ctx, *runs, *large)
	case "memory":
		return compareSizes(ctx)
	case "plugin":
		return comparePlugin(ctx, *runs)
	default:
		return fmt.Errorf("want fetch, memory or plugin, not %q", arguments[0])
	}
}
