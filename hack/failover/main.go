// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command failover measures how long the second replica of the operator needs
// to do the first one's work, and whether anything is written twice: two
// processes, a real API server, a simulated Harbor. It ends with 1 if a bound
// is not kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
)

// bounds of the time from the signal to the end of the other replica's sync.
var bounds = map[stop]time.Duration{clean: 5 * time.Second, kill: 40 * time.Second}

func main() {
	rounds := map[stop]*int{
		clean: flag.Int("stops", 10, "Number of clean stops at each moment."),
		kill:  flag.Int("kills", 3, "Number of kills at each moment."),
	}
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := measure(ctx, rounds); err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds map[stop]*int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute+time.Duration(*rounds[clean]+*rounds[kill])*2*time.Minute)
	defer cancel()
	var t cluster.Cleanups
	defer t.Run()
	s, err := open(ctx, &t, ".")
	if err != nil {
		return err
	}
	var missed []error
	fmt.Println("| The leader ends by | When | Rounds | Shortest | Median | Longest | Bound |\n|---|---|---|---|---|---|---|")
	for _, how := range []stop{clean, kill} {
		for _, when := range []moment{idle, midSync} {
			var times []time.Duration
			for range *rounds[how] {
				// Else the other one's looks at the Lease would keep step with the stops.
				time.Sleep(rand.N(4 * time.Second)) //nolint:gosec // needs no secrecy
				took, err := s.fail(ctx, how, when)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", how, when, err)
				}
				times = append(times, took)
			}
			slices.Sort(times)
			longest := times[len(times)-1]
			fmt.Printf("| %s | %s | %d | %.1f s | %.1f s | %.1f s | %.0f s |\n", how, when, len(times),
				times[0].Seconds(), times[len(times)/2].Seconds(), longest.Seconds(), bounds[how].Seconds())
			if longest > bounds[how] {
				missed = append(missed, fmt.Errorf("%s, %s: %s is over the bound of %s", how, when, longest, bounds[how]))
			}
		}
	}
	if err := s.writes(ctx); err != nil {
		missed = append(missed, err)
	}
	fmt.Printf("\n%d changes in Harbor, %d writes of lists; %d syncs asked for, %d told as ended.\n",
		s.expected(), s.journal.Writes(), 1+s.rounds, s.journal.Syncs())
	return errors.Join(missed...)
}
