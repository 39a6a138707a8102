// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestWorkspaceIsInTheRepository(t *testing.T) {
	if _, err := openWorkspace(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("error %v", err)
	}
}

func TestTail(t *testing.T) {
	var log strings.Builder
	for i := range 100 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	got := strings.Split(tail(log.String()), "\n")
	if len(got) != tailLines || got[0] != "line 85" || got[tailLines-1] != "line 99" {
		t.Errorf("tail: %q", got)
	}
	if got := tail(strings.Repeat("x", 1000)); len([]rune(got)) != tailWidth {
		t.Errorf("a long line has %d characters", len(got))
	}
}
