// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage of a running program, as the kernel counts it.
type Usage struct {
	Resident int64 // bytes of memory now
	Peak     int64 // the greatest number of them so far
	CPU      time.Duration
}

// Usage of a program that was started from this workspace, etcd and
// kube-apiserver too. Linux only.
func (w *Workspace) Usage(name string) (Usage, error) {
	pid, err := w.pid(name)
	if err != nil {
		return Usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	u, err := ParseStatus(string(status))
	if err != nil {
		return Usage{}, err
	}
	u.CPU, err = parseStat(string(stat))
	return u, err
}

// tick is the unit of times in proc(5) on Linux, whatever the kernel's own is.
const tick = 10 * time.Millisecond

// parseStat reads the time in user and kernel mode, fields 14 and 15, of a stat
// file of proc(5).
func parseStat(text string) (time.Duration, error) {
	const user, kernel = 14 - 3, 15 - 3 // behind the name, field 2, which may hold anything
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	var sum int64
	for _, at := range []int{user, kernel} {
		if at >= len(fields) {
			return 0, fmt.Errorf("no times in the state of the process: %q", text)
		}
		ticks, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += ticks
	}
	return time.Duration(sum) * tick, nil
}

// ParseStatus reads a status file of proc(5), whose sizes are in KiB.
func ParseStatus(text string) (u Usage, err error) {
	for _, field := range []struct {
		name string
		into *int64
	}{{"VmRSS:", &u.Resident}, {"VmHWM:", &u.Peak}} {
		_, rest, found := strings.Cut(text, "\n"+field.name)
		words := strings.Fields(rest)
		if !found || len(words) < 2 || words[1] != "kB" {
			return u, fmt.Errorf("no %s in the status of the process", field.name)
		}
		kib, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return u, err
		}
		*field.into = kib << 10
	}
	return u, nil
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
