// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package multicall lets one binary be several commands.
package multicall

import (
	"path/filepath"
	"strings"
)

// Choose returns the command that args ask for: the one named by the binary's
// own file name, else by the first argument. rest is args as that command shall
// see them, its name first. ok is false when neither names a command.
func Choose[T any](commands map[string]T, args []string) (name string, rest []string, ok bool) {
	for i := 0; i < len(args) && i < 2; i++ {
		name := strings.TrimSuffix(filepath.Base(args[i]), ".exe")
		if _, known := commands[name]; known {
			return name, args[i:], true
		}
	}

	return "", nil, false
}
