// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "syscall"

// attributes puts the program into a process group of its own, so that a signal
// to guard's group reaches it once, by guard.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
