// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// demo is everything that one run of the demo knows.
type demo struct {
	settings
	root    string
	console *console
	work    *testbed.Workspace
	lost    func(error) // ends the demo because a program ended

	kubectl   kubectl
	kube      client.Client
	registry  registry
	inventory client.ObjectKey
	metrics   string // URL
	pushedTo  string // repository

	// running is what is to be stopped, in the order in which it was started.
	running []service
}

// service is something that runs until it is stopped.
type service struct {
	name string
	stop func() error
}

func (d *demo) runs(name string, stop func() error) {
	d.running = append(d.running, service{name, stop})
}

// stop stops what was started, the last first.
func (d *demo) stop() error {
	if len(d.running) == 0 {
		return nil
	}
	var stopped []string
	var errs []error
	d.console.begin("Stop", d.running[len(d.running)-1].name)
	for _, s := range slices.Backward(d.running) {
		d.console.update(s.name)
		stopped = append(stopped, s.name)
		errs = append(errs, s.stop())
	}
	if err := errors.Join(errs...); err != nil {
		d.console.fail(err.Error())
		return err
	}
	d.console.end(strings.Join(stopped, ", "))
	return nil
}

// step is one thing that the demo does, on a line of its own.
type step struct {
	title, doing string
	limit        time.Duration
	logs         []string // where to look when it fails
	do           func(context.Context) (result string, err error)
}

// stepError tells which step failed.
type stepError struct {
	err  error
	logs []string
}

func (e *stepError) Error() string { return e.err.Error() }

func (e *stepError) Unwrap() error { return e.err }

func (d *demo) step(ctx context.Context, s step) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.console.begin(s.title, s.doing)
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, fmt.Errorf("it took longer than %s", s.limit))
	defer cancel()
	result, err := s.do(ctx)
	if err == nil {
		d.console.end(result)
		return nil
	}
	err = because(ctx, err)
	d.console.fail(err.Error())
	return &stepError{err, s.logs}
}

// because tells why something failed. When the demo ends, or time is up, that
// is the reason, and what the step ran into then is not.
func because(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, errInterrupted), errors.As(cause, new(*testbed.ExitError)):
		return cause
	case errors.Is(err, cause):
		return err
	default:
		return fmt.Errorf("%w: %w", cause, err)
	}
}

func (d *demo) steps(ctx context.Context, all ...step) error {
	for _, s := range all {
		if err := d.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// showLogs shows the ends of the logs that may tell more of an error.
func (d *demo) showLogs(err error) {
	var names []string
	if failed := (*stepError)(nil); errors.As(err, &failed) {
		names = failed.logs
	}
	if exit := (*testbed.ExitError)(nil); errors.As(err, &exit) {
		names = []string{exit.Name}
	}
	for _, name := range names {
		text, err := os.ReadFile(d.work.Log(name))
		if err != nil || len(text) == 0 {
			continue
		}
		d.console.say("\nThe end of %s:\n%s\n", d.work.Log(name), indent(tail(string(text))))
	}
}
