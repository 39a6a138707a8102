// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// workspace is the directory .demo: data, certificates, kubeconfigs, logs.
type workspace struct {
	dir  string // absolute
	lock *os.File
}

// openWorkspace takes the directory, for this demo alone, and empties it.
func openWorkspace(root string) (*workspace, error) {
	if _, err := os.Stat(filepath.Join(root, samplePath)); err != nil {
		return nil, fmt.Errorf("this is not the root of the repository (%w): run the demo with 'make demo'", err)
	}
	w := &workspace{dir: filepath.Join(root, ".demo")}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(w.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// The kernel takes the lock back when the demo ends, in whatever way.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another demo runs in %s (%w): stop it first", w.dir, err)
	}
	w.lock = lock
	if err := errors.Join(w.clear(), os.RemoveAll(w.path("logs"))); err != nil {
		return nil, err
	}
	for _, name := range []string{"certs", "etcd", "logs", "real", "run"} {
		if err := os.Mkdir(w.path(name), 0o700); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// close removes everything but the logs.
func (w *workspace) close() error {
	defer w.lock.Close()
	return w.clear()
}

func (w *workspace) clear() error {
	var errs []error
	for _, name := range []string{"certs", "etcd", "kubectl-cache", "real", "run", "kubeconfig", "operator.kubeconfig"} {
		errs = append(errs, os.RemoveAll(w.path(name)))
	}
	return errors.Join(errs...)
}

func (w *workspace) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workspace) log(name string) string { return filepath.Join(w.dir, "logs", name+".log") }

// openLog makes the log of a program.
func (w *workspace) openLog(name string) (*os.File, error) {
	return os.OpenFile(w.log(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

const (
	tailLines = 15
	tailWidth = 300
)

// tail returns the last lines of a log, as far as a person wants to see them.
func tail(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	for i, line := range lines {
		lines[i] = cut(line, tailWidth)
	}
	return strings.Join(lines, "\n")
}
