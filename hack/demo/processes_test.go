// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// started starts a script as a program named "program". No guard is between:
// its own tests are in its package.
func started(t *testing.T, script string) (*workspace, *process, <-chan error) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWorkspace(cloneOf(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	guarded, err := w.link(shell, "program", shell)
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan error, 1)
	p, err := w.start(guarded, func(err error) { lost <- err }, []string{"GREETING=hello"}, "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return w, p, lost
}

func TestProgramThatEndsByItselfIsTold(t *testing.T) {
	w, p, lost := started(t, "echo $GREETING; exit 3")
	err := <-lost
	var exit *exitError
	if !errors.As(err, &exit) || exit.name != "program" || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
	if log, err := os.ReadFile(w.log("program")); err != nil || string(log) != "hello\n" {
		t.Errorf("log %q, %v", log, err)
	}
	if err := p.stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestProgramIsStopped(t *testing.T) {
	_, p, lost := started(t, "exec sleep 600")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		t.Errorf("a stopped program was told of: %v", err)
	default:
	}
}

func TestLinkNeedsItsTarget(t *testing.T) {
	w, err := openWorkspace(cloneOf(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	if _, err := w.link("/guard", "manager", filepath.Join(w.dir, "missing")); err == nil || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("error %v", err)
	}
}
