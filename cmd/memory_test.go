// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestMemoryLimit(t *testing.T) {
	const container = 512 << 20
	for _, c := range []struct {
		name        string
		environment string // GOMEMLIMIT, empty: not set
		provider    memlimit.Provider
		limit       int64
		says        string
	}{
		{"nine tenths of the container's", "", memlimit.Limit(container), container * 9 / 10, "memory is limited [GOMEMLIMIT "},
		{"GOMEMLIMIT comes first", "100MiB", memlimit.Limit(container), 100 << 20, "memory is limited [GOMEMLIMIT 104857600]"},
		{"no limit", "", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, math.MaxInt64, "memory is not limited []"},
		{"nobody knows", "", func() (uint64, error) { return 0, errors.New("no cgroup") }, math.MaxInt64, "not known [reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := debug.SetMemoryLimit(math.MaxInt64)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			t.Setenv("GOMEMLIMIT", c.environment) // also puts it back
			if c.environment == "" {
				if err := os.Unsetenv("GOMEMLIMIT"); err != nil {
					t.Fatal(err)
				}
			} else {
				debug.SetMemoryLimit(c.limit) // as the runtime does when the process starts
			}
			var said []string
			limitMemory(func(message string, more ...any) { said = append(said, fmt.Sprint(message, " ", more)) }, c.provider)
			if got := debug.SetMemoryLimit(-1); got != c.limit {
				t.Errorf("the limit is %d, want %d", got, c.limit)
			}
			if len(said) != 1 || !strings.Contains(said[0], c.says) {
				t.Errorf("it says %q, want %q once", said, c.says)
			}
		})
	}
}
