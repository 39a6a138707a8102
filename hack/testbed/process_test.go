// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// started starts a script as a program named "program". No guard is between:
// its own tests are in its package.
func started(t *testing.T, script string) (*Workspace, *Process, <-chan error) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	lost := make(chan error, 1)
	p, err := w.Launch("program", shell, func(err error) { lost <- err }, []string{"GREETING=hello"}, "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return w, p, lost
}

func TestProgramThatEndsByItselfIsTold(t *testing.T) {
	w, p, lost := started(t, "echo $GREETING; exit 3")
	err := <-lost
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Name != "program" || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
	if log, err := os.ReadFile(w.Log("program")); err != nil || string(log) != "hello\n" || p.Log() != string(log) {
		t.Errorf("log %q or %q, %v", log, p.Log(), err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestProgramIsStopped(t *testing.T) {
	_, p, lost := started(t, "exec sleep 600")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		t.Errorf("a stopped program was told of: %v", err)
	default:
	}
}

func TestLinkNeedsItsTarget(t *testing.T) {
	w, err := Open(t.TempDir(), "/guard")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if _, err := w.Link("manager", w.Path("missing")); err == nil || !strings.Contains(err.Error(), "with make") {
		t.Errorf("error %v", err)
	}
}

func TestProgramIsKilled(t *testing.T) {
	_, p, lost := started(t, "trap '' TERM; while :; do sleep 0.1; done")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if state := p.command.ProcessState.String(); state != "signal: killed" {
		t.Errorf("state %q", state)
	}
	select {
	case err := <-lost:
		t.Errorf("a killed program was told of: %v", err)
	default:
	}
}

func TestUsageOfAProgram(t *testing.T) {
	w, p, _ := started(t, "while :; do sleep 0.1; done")
	t.Cleanup(func() { _ = p.Stop() })
	u, err := w.Usage("program")
	if err != nil || u.Resident <= 0 || u.Peak < u.Resident {
		t.Errorf("usage %+v, %v", u, err)
	}
	if _, err := w.Usage("other"); err == nil {
		t.Error("usage of a program that does not run")
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 1 0")
	if want := 1750 * time.Millisecond; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	for _, text := range []string{"", "42 (a) S 1", "42 (a) S 1 42 42 0 -1 4194560 1 0 0 0 x 25 0 0 20"} {
		if got, err := parseStat(text); err == nil {
			t.Errorf("%q gives %s", text, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got, err := ParseStatus("Name:\tmanager\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
	if want := (Usage{Resident: 1 << 20, Peak: 2 << 20}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "\nVmRSS:\t1 kB\n", "\nVmRSS:\tmuch kB\nVmHWM:\t1 kB\n"} {
		if m, err := ParseStatus(text); err == nil {
			t.Errorf("%q gives %+v", text, m)
		}
	}
}
