// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator at work: it starts a control plane, a
// simulated Harbor and the operator, each as a process of its own, asks for an
// inventory, and stays up until it is interrupted. 'make demo' runs it.
//
// The environment says what else is wanted:
//
//	ONCE=1           compare the inventory with what Harbor holds, and end:
//	                 with exit code 1 if anything differs
//	DATASET          what the simulated Harbor holds: believable (the default),
//	                 recorded, or generated:projects=10,repositories=200,artifacts=50
//	HARBOR_URL       a real Harbor instead, which is only read from; with
//	                 HARBOR_USERNAME, HARBOR_PASSWORD and, if need be,
//	                 HARBOR_PROJECTS=a,b and HARBOR_INSECURE=1
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// errInterrupted is the wish of the user to end the demo.
var errInterrupted = errors.New("interrupted")

func main() {
	err := run()
	switch {
	case err == nil:
		return
	case errors.Is(err, errInterrupted), !errors.As(err, new(*stepError)):
		fmt.Fprintln(os.Stderr, "demo:", err)
	default: // the step has told why
		fmt.Fprintln(os.Stderr, "demo: failed; the logs are in .demo/logs")
	}
	os.Exit(1)
}

func run() (err error) {
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	work, err := openWorkspace(root, filepath.Join(root, "bin", "guard"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	if err := logLibraries(work); err != nil {
		return err
	}
	// For the guards of all programs that are started from here on.
	if err := os.Setenv("GUARD_PARENT", strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	interruptible(cancel)
	d := &demo{
		settings: s, root: root, work: work, lost: cancel,
		console: newConsole(outlet{os.Stdout, cancel}, isTerminal(os.Stdout)),
	}
	err = d.play(ctx)
	if !errors.Is(err, errInterrupted) {
		d.showLogs(err)
	}
	if err = errors.Join(err, d.stop()); err == nil && d.once {
		d.console.say("All is well. The logs are in .demo/logs.")
	}
	return err
}

// play is the demo from its beginning to its end.
func (d *demo) play(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.apply(ctx); err != nil {
		return err
	}
	if err := d.step(ctx, d.firstSync()); err != nil {
		return err
	}
	if err := d.table(ctx); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	if s, ok := d.registry.(*simulator); ok {
		if err := d.push(ctx, s); err != nil {
			return err
		}
	} else if err := d.again(ctx); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	if d.once {
		return nil
	}
	return d.stayUp(ctx)
}

// verify compares the inventory with Harbor. A user who looks around is told
// what differs; ONCE ends with it. A real Harbor is walked for ONCE alone.
func (d *demo) verify(ctx context.Context) error {
	if !d.once && !d.registry.steady() {
		return nil
	}
	err := d.check(ctx)
	if found := (*differ)(nil); !d.once && errors.As(err, &found) {
		return nil
	}
	return err
}

// stayUp waits for the wish to end.
func (d *demo) stayUp(ctx context.Context) error {
	d.console.say("%s", d.hints())
	<-ctx.Done()
	d.console.say("")
	err := context.Cause(ctx)
	if errors.Is(err, errInterrupted) {
		return nil
	}
	d.console.say("✗ %v", err)
	return err
}

// interruptible ends the demo at the first signal. The second one ends it at
// once, and the guards end the rest.
func interruptible(cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		signal.Stop(signals)
		cancel(errInterrupted)
	}()
	// A reader of our output who leaves shall not end us before our programs.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// outlet is the standard output. When nobody reads it any more, the demo ends.
type outlet struct {
	*os.File
	closed context.CancelCauseFunc
}

func (o outlet) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	if err != nil {
		o.closed(fmt.Errorf("%w: writing the output: %w", errInterrupted, err))
	}
	return n, err
}

// logLibraries has what libraries log written to a file.
func logLibraries(work *testbed.Workspace) error {
	log, err := work.OpenLog("demo")
	if err != nil {
		return err
	}
	ctrllog.SetLogger(zap.New(zap.WriteTo(log)))
	return nil
}
