// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testbed runs what a test, a demonstration or a measurement of the operator
// needs, each as a process of its own on this machine: a control plane, a
// simulated Harbor, the operator.
package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Workspace is a directory with data, certificates, kubeconfigs and logs.
type Workspace struct {
	dir   string // absolute
	guard string
	lock  *os.File
}

// Open takes a directory, an absolute path, for this process alone, and empties
// it. guard is the path of command guard, which every program is started
// through; with "" they are started without.
func Open(dir, guard string) (*Workspace, error) {
	w := &Workspace{dir: dir, guard: guard}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(w.Path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// The kernel takes the lock back when the process ends, in whatever way.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another process uses %s (%w): stop it first", w.dir, err)
	}
	w.lock = lock
	if err := errors.Join(w.clear(), os.RemoveAll(w.Path("logs"))); err != nil {
		return nil, err
	}
	for _, name := range []string{"certs", "etcd", "logs", "real", "run"} {
		if err := os.Mkdir(w.Path(name), 0o700); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Close removes everything but the logs.
func (w *Workspace) Close() error {
	defer w.lock.Close()
	return w.clear()
}

func (w *Workspace) clear() error {
	var errs []error
	for _, name := range []string{"certs", "etcd", "kubectl-cache", "real", "run", "kubeconfig", "operator.kubeconfig"} {
		errs = append(errs, os.RemoveAll(w.Path(name)))
	}
	return errors.Join(errs...)
}

// Path of something in the workspace.
func (w *Workspace) Path(name string) string { return filepath.Join(w.dir, name) }

// Log is the path of a program's log.
func (w *Workspace) Log(name string) string { return filepath.Join(w.dir, "logs", name+".log") }

// OpenLog makes the log of a program.
func (w *Workspace) OpenLog(name string) (*os.File, error) {
	return os.OpenFile(w.Log(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}
