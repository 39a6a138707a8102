// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommands holds that the commands in docs/install.md are those that this
// check runs, apart from those that the tests of docs run, and that what make is
// told to make is there.
func TestCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)(<!-- run -->\\s*)?```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if block[1] != "" {
			continue
		}
		for line := range strings.Lines(block[2]) {
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			if target, ok := strings.CutPrefix(line, "make "); ok {
				target, _, _ = strings.Cut(target, " ")
				if !strings.Contains(string(makefile), "\n"+target+":") {
					t.Errorf("%s: there is no such target", line)
				}
				continue
			}
			if line != "" {
				told[line] = true
			}
		}
	}
	if !strings.Contains(string(page), "<!-- run -->\n```sh\n"+mine) {
		t.Errorf("the page does not make the kustomization that is installed:\n%s", mine)
	}
	run := map[string]bool{rollout: true}
	for _, w := range ways {
		for _, line := range slices.Concat(namespace, w.install, w.uninstall, w.purge) {
			run[line] = true
		}
	}
	if diff := cmp.Diff(run, told); diff != "" {
		t.Errorf("commands differ (-run +told):\n%s", diff)
	}
}
