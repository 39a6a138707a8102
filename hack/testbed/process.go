// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"errors"
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

// Process is a program that was started, by way of its guard.
type Process struct {
	name      string
	workspace *Workspace
	command   *exec.Cmd
	ended     chan struct{} // closed after the end
	stopping  atomic.Bool
}

// ExitError tells of a program that ended by itself.
type ExitError struct {
	Name  string // of its log, too
	State string
}

func (e *ExitError) Error() string { return fmt.Sprintf("%s ended by itself: %s", e.Name, e.State) }

// Link makes a guarded program of target, and returns what to start in its place.
func (w *Workspace) Link(name, target string) (string, error) {
	if _, err := os.Stat(target); err != nil {
		return "", fmt.Errorf("%w: run this with make, which builds it", err)
	}
	target, err := filepath.Abs(target) // a link's target counts from the link
	if err != nil {
		return "", err
	}
	start := filepath.Join(w.Path("run"), name)
	if w.guard == "" {
		return start, os.Symlink(target, start)
	}
	if err := os.Symlink(target, filepath.Join(w.Path("real"), name)); err != nil {
		return "", err
	}
	return start, os.Symlink(w.guard, start)
}

// program is the path that a running program was started by.
func (w *Workspace) program(name string) string {
	if w.guard == "" {
		return filepath.Join(w.Path("run"), name)
	}
	return filepath.Join(w.Path("real"), name)
}

// Launch links a program and starts it; see Link and Start.
func (w *Workspace) Launch(name, target string, lost func(error), environment []string, args ...string) (*Process, error) {
	linked, err := w.Link(name, target)
	if err != nil {
		return nil, err
	}
	return w.Start(linked, lost, environment, args...)
}

// Start starts what Link returned; it writes to its log. Should it end by
// itself, lost is called, if it is not nil.
func (w *Workspace) Start(linked string, lost func(error), environment []string, args ...string) (*Process, error) {
	p := &Process{name: filepath.Base(linked), workspace: w, ended: make(chan struct{})}
	log, err := w.OpenLog(p.name)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It is stopped in its turn, not with a context.
	p.command = exec.CommandContext(context.Background(), linked, args...)
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = log, log
	// A group of its own: Ctrl-C in the terminal is for the caller alone.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.command.Wait() // ProcessState tells the same
		close(p.ended)
		if lost != nil && !p.stopping.Load() {
			lost(&ExitError{p.name, p.command.ProcessState.String()})
		}
	}()
	return p, nil
}

// Stop ends the program, and kills it when it takes too long.
func (p *Process) Stop() error {
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

// Log returns what the program, and others of its name before it, have written;
// where that cannot be read, why.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.workspace.Log(p.name))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Ended is closed once the program has ended, for whatever reason.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Usage of the program; see [Workspace.Usage].
func (p *Process) Usage() (Usage, error) { return p.workspace.Usage(p.name) }

// Kill ends the program itself, not its guard, with SIGKILL, and returns when it
// is gone. Where there are guards, Linux only.
func (p *Process) Kill() error {
	p.stopping.Store(true)
	overdue := time.After(stopLimit)
	for {
		err := p.kill()
		again := time.Millisecond // the guard may not have started it yet
		if err == nil {
			again = stopLimit
		}
		select {
		case <-p.ended:
			return nil
		case <-overdue:
			return errors.Join(fmt.Errorf("%s does not end within %s of its kill", p.name, stopLimit), err)
		case <-time.After(again):
		}
	}
}

// kill sends SIGKILL to the program.
func (p *Process) kill() error {
	if p.workspace.guard == "" {
		return p.command.Process.Kill()
	}
	pid, err := p.workspace.pid(p.name)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
