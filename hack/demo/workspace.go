// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// openWorkspace takes the directory .demo, for this demo alone, and empties it.
func openWorkspace(root, guard string) (*testbed.Workspace, error) {
	if _, err := os.Stat(filepath.Join(root, samplePath)); err != nil {
		return nil, fmt.Errorf("this is not the root of the repository (%w): run the demo with 'make demo'", err)
	}
	return testbed.Open(filepath.Join(root, ".demo"), guard)
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
