// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// stopLimit bounds the stop of one program; then it is killed. A program's
// guard kills it a little sooner; see command guard.
const stopLimit = 20 * time.Second

// process is a program that the demo started, by way of its guard.
type process struct {
	name     string
	command  *exec.Cmd
	ended    chan struct{} // closed after the end
	stopping atomic.Bool
}

// exitError tells of a program that ended by itself.
type exitError struct {
	name  string
	state string
}

func (e *exitError) Error() string { return fmt.Sprintf("%s ended by itself: %s", e.name, e.state) }

// link makes a guarded program of target, and returns what to start in its place.
func (w *workspace) link(guard, name, target string) (string, error) {
	if _, err := os.Stat(target); err != nil {
		return "", fmt.Errorf("%w: run the demo with 'make demo', which builds it", err)
	}
	if err := os.Symlink(target, filepath.Join(w.path("real"), name)); err != nil {
		return "", err
	}
	guarded := filepath.Join(w.path("run"), name)
	return guarded, os.Symlink(guard, guarded)
}

// start starts a guarded program, which writes to its log. Should it end by
// itself, lost is called.
func (w *workspace) start(guarded string, lost func(error), environment []string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(guarded), ended: make(chan struct{})}
	log, err := w.openLog(p.name)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It is stopped in its turn, not with a context.
	p.command = exec.CommandContext(context.Background(), guarded, args...)
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = log, log
	// A group of its own: Ctrl-C in the terminal is for the demo alone.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.command.Wait() // ProcessState tells the same
		close(p.ended)
		if !p.stopping.Load() {
			lost(&exitError{p.name, p.command.ProcessState.String()})
		}
	}()
	return p, nil
}

// stop ends the program, and kills it when it takes too long.
func (p *process) stop() error {
	p.stopping.Store(true)
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopLimit):
		_ = p.command.Process.Kill() // as above
		<-p.ended
		return fmt.Errorf("%s did not end within %s and was killed", p.name, stopLimit)
	}
}
