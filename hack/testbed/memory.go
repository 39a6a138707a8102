// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory of a running program, as the kernel counts it, in bytes.
type Memory struct {
	Resident int64 // now
	Peak     int64 // the greatest so far
}

// Memory of a program that was started from this workspace, etcd and
// kube-apiserver too. Linux only.
func (w *Workspace) Memory(name string) (Memory, error) {
	pid, err := w.pid(name)
	if err != nil {
		return Memory{}, err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseStatus(string(text))
}

// parseStatus reads a status file of proc(5), whose sizes are in KiB.
func parseStatus(text string) (m Memory, err error) {
	for _, field := range []struct {
		name string
		into *int64
	}{{"VmRSS:", &m.Resident}, {"VmHWM:", &m.Peak}} {
		_, rest, found := strings.Cut(text, "\n"+field.name)
		words := strings.Fields(rest)
		if !found || len(words) < 2 || words[1] != "kB" {
			return m, fmt.Errorf("no %s in the status of the process", field.name)
		}
		kib, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return m, err
		}
		*field.into = kib << 10
	}
	return m, nil
}

// pid finds a running program by the path that it was started by, which is in
// this workspace and so belongs to no other.
func (w *Workspace) pid(name string) (int, error) {
	want := w.program(name)
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		if first, _, _ := strings.Cut(string(line), "\x00"); first == want {
			return strconv.Atoi(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0, fmt.Errorf("%s does not run", want)
}
