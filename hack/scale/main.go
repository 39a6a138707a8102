// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command scale measures how the operator writes: how fast, how often, with how
// much memory, and what a kill at any moment leaves behind. 'make bench-scale'
// runs it. Each measurement starts a control plane, a simulated Harbor and the
// manager as processes of their own, prints a table as Markdown, and fails
// where a bound is not kept.
//
//	scale first-sync   a first sync beside the bare work that it cannot avoid
//	scale resync       a sync that finds nothing new
//	scale idle         an hour in which nothing changes, in two minutes
//	scale changes      syncs that find k changes
//	scale visible      from a push to the list that shows it
//	scale details      a first sync with vulnerabilities beside one without
//	scale kills        SIGKILL at random moments of syncs
//	scale search       the kubectl plugin, on what a first sync has written
//
// It reads memory from /proc, so it needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// settings are the values of the flags.
type settings struct {
	dataset     string
	rounds      int
	alone       bool
	peak        int64
	numbers     []int
	kills       int
	pushes      int
	period      time.Duration
	seed        uint64
	connections int
	writers     int
	budget      int
	overview    time.Duration
}

// Data sets whose sizes the measurements are stated for.
const (
	hundredThousand = "generated:projects=20,repositories=2000,artifacts=41,large=4,largeArtifacts=5000"
	fewThousand     = "generated:projects=5,repositories=60,artifacts=40,large=2,largeArtifacts=700"
)

// measurement runs something, writes a table, and fails where a bound is not kept.
type measurement func(ctx context.Context, p programs, s settings, out io.Writer) error

var measurements = map[string]struct {
	dataset string
	measure measurement
}{
	"first-sync": {hundredThousand, firstSync},
	"resync":     {hundredThousand, resync},
	"idle":       {hundredThousand, measureIdle},
	"changes":    {hundredThousand, changes},
	"visible":    {hundredThousand, visible},
	"details":    {hundredThousand, details},
	"kills":      {fewThousand, kills},
	"search":     {hundredThousand, search},
}

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("want a measurement: first-sync, resync, idle, changes, visible, details, kills or search; run it with 'make bench-scale'")
	}
	if args[1] == "harbor" { // what the measurements start
		return serveHarbor(args[2:])
	}
	m, ok := measurements[args[1]]
	if !ok {
		return fmt.Errorf("no measurement %q: want first-sync, resync, idle, changes, visible, details, kills or search", args[1])
	}
	s, err := parseFlags(args[1], m.dataset, args[2:])
	if err != nil {
		return err
	}
	p, err := built()
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	ctrllog.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	started := time.Now()
	fmt.Printf("`scale %s`\n\n", strings.Join(args[1:], " "))
	if err := m.measure(ctx, p, s, os.Stdout); err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	fmt.Printf("\nMeasured on %s in %s.\n\n", machine(), time.Since(started).Round(time.Second))
	return nil
}

func parseFlags(name, dataset string, args []string) (s settings, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&s.dataset, "dataset", dataset, "what the simulated Harbor holds; see harborsim --help")
	flags.IntVar(&s.connections, "connections", 5, "spec.maxConnections of the inventory")
	flags.IntVar(&s.writers, "writers", 8, "--writers of the manager")
	flags.IntVar(&s.rounds, "rounds", 3, "first-sync, details: how often everything is measured")
	flags.BoolVar(&s.alone, "alone", false, "first-sync: leave out the bare work beside it, which needs the memory for all objects")
	flags.Int64Var(&s.peak, "peak-mib", 128, "first-sync: bound on the manager's peak memory")
	flags.IntVar(&s.kills, "kills", 200, "kills: how many")
	flags.IntVar(&s.pushes, "pushes", 1000, "visible: how many, with each layer")
	flags.DurationVar(&s.period, "period", 30*time.Second, "visible: --audit-log-interval of the manager")
	flags.Uint64Var(&s.seed, "seed", 1, "of everything that is random")
	flags.IntVar(&s.budget, "budget", 3000, "details: spec.detailRequestsPerMinute of the inventory")
	flags.DurationVar(&s.overview, "overview-latency", 500*time.Microsecond, "details: what each artifact whose overview is asked for delays an answer")
	numbers := flags.String("k", "1,1,1,10,1000", "changes: numbers of changes, one sync each")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	for text := range strings.SplitSeq(*numbers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("-k %q: want numbers of 1 or more, with commas between them", *numbers)
		}
		s.numbers = append(s.numbers, n)
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, nil
}

// built are the programs that make has built, for a process in the root of the
// repository.
func built() (programs, error) {
	root, err := os.Getwd()
	if err != nil {
		return programs{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return programs{}, errors.New("KUBEBUILDER_ASSETS is not set: run it with 'make bench-scale'")
	}
	// For the guards of all programs that are started from here on.
	if err := os.Setenv("GUARD_PARENT", strconv.Itoa(os.Getpid())); err != nil {
		return programs{}, err
	}
	return programs{
		root: root, dir: filepath.Join(root, ".scale"), assets: assets, guard: filepath.Join(root, "bin", "guard"),
		manager: program{path: filepath.Join(root, "bin", "manager")},
		harbor:  program{path: self, args: []string{"harbor"}},
	}, nil
}
