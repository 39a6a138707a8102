// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The map of this package leads to files that there are, and to all of them.
func TestMapOfTheFiles(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b[a-z]+\.go\b`).FindAllString(string(text), -1)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return name == "doc.go" || strings.HasSuffix(name, "_test.go") })
	for _, name := range named {
		if !slices.Contains(files, name) {
			t.Errorf("doc.go names %s, and there is no such file", name)
		}
	}
	for _, name := range files {
		if !slices.Contains(named, name) {
			t.Errorf("doc.go does not name %s", name)
		}
	}
}
