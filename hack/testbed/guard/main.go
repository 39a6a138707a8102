// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command guard runs a program and ends it when the process that started guard
// is gone, however that came about. It serves programs that are started by
// others' code, which knows no such thing: DIR/run/NAME, a link to guard, runs
// DIR/real/NAME with the same arguments.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// parentVariable is the environment variable with the process id of whom guard
// must not outlive. It is told, not asked for: the parent may be gone before
// guard can ask.
const parentVariable = "GUARD_PARENT"

const (
	// lookInterval is the pause between two looks at the parent.
	lookInterval = 250 * time.Millisecond
	// grace is the time that the program has to end after SIGTERM.
	grace = 15 * time.Second
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
	}
	os.Exit(code)
}

func run() (code int, err error) {
	parent, err := strconv.Atoi(os.Getenv(parentVariable))
	if err != nil {
		return 1, fmt.Errorf("%s must be the process id of the parent: %w", parentVariable, err)
	}
	// Linux ends a child with Pdeathsig when the thread that started it ends.
	runtime.LockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	command := exec.CommandContext(context.Background(), program(os.Args[0]), os.Args[1:]...) //nolint:gosec // to run what it is told to is its purpose
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = attributes()
	if err := command.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return exitCode(watch(command.Process, parent, signals, ended))
}

// program is what a link to guard stands for.
func program(link string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(link)), "real", filepath.Base(link))
}

// watch returns when the program has ended. A signal, or the end of the
// parent, becomes one SIGTERM to the program: many programs take a second one
// for the wish to end at once. What has not ended after the grace is killed.
func watch(program *os.Process, parent int, signals <-chan os.Signal, ended <-chan error) error {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var overdue <-chan time.Time
	end := func() {
		if overdue == nil {
			_ = program.Signal(syscall.SIGTERM) // it may just have ended
			overdue = time.After(grace)
		}
	}
	for {
		select {
		case err := <-ended:
			return err
		case <-signals:
			end()
		case <-look.C:
			if os.Getppid() != parent {
				end()
			}
		case <-overdue:
			_ = program.Kill() // as above
		}
	}
}

// exitCode passes the program's exit code on; of one that a signal ended it is
// 128 and the signal's number, as shells have it.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
