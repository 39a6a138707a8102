// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

// attributes puts the program into a process group of its own, so that a signal
// to guard's group reaches it once, by guard; and lets the kernel end it when
// guard itself is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
