// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes the test binary play a part of the tests below.
const roleVariable = "GUARD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "guard":
		main()
	case "parent": // starts a guard, tells its process id, and waits to be killed
		link := os.Args[1]
		guard := exec.Command(link, os.Args[2:]...)
		guard.Env = append(os.Environ(), roleVariable+"=guard", fmt.Sprintf("%s=%d", parentVariable, os.Getpid()))
		guard.Stdout = os.Stdout
		if err := guard.Start(); err != nil {
			panic(err)
		}
		_ = guard.Wait()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// layout makes run/sh, a link to this test binary, and real/sh.
func layout(t *testing.T) (link string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	link = filepath.Join(dir, "run", "sh")
	for name, target := range map[string]string{link: self, filepath.Join(dir, "real", "sh"): shell} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	return link
}

func guarded(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), layout(t), "-c", script)
	command.Env = append(os.Environ(), roleVariable+"=guard", fmt.Sprintf("%s=%d", parentVariable, os.Getpid()))
	return command
}

func TestExitCodeIsPassedOn(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -KILL $$": 128 + 9} {
		command := guarded(t, script)
		_ = command.Run()
		if got := command.ProcessState.ExitCode(); got != want {
			t.Errorf("%q ended with %d, want %d", script, got, want)
		}
	}
}

func TestSignalArrivesOnce(t *testing.T) {
	command := guarded(t, `trap 'echo signal' TERM; echo up; while [ -z "$n" ]; do sleep 0.1; [ -e "$0.go" ] && n=1; done`)
	var out lines
	command.Stdout = &out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return out.has("up") })
	// To the whole group, as envtest sends it, and again.
	for range 2 {
		if err := syscall.Kill(-command.Process.Pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		await(t, func() bool { return out.has("signal") })
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(filepath.Dir(command.Path)), "real", "sh.go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "signal"); got != 1 {
		t.Errorf("the program got %d signals, want 1", got)
	}
}

func TestProgramEndsWithItsParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0], layout(t), "-c", `echo "$$."; exec sleep 600`)
	parent.Env = append(os.Environ(), roleVariable+"=parent")
	var out lines
	parent.Stdout = &out
	parent.WaitDelay = time.Minute
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return out.has(".") })
	var pid int
	if _, err := fmt.Sscanf(out.String(), "%d.", &pid); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return syscall.Kill(pid, 0) != nil })
	_ = parent.Wait()
}
