// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"os"
	"regexp"
	"testing"
)

// The map of this package leads to files that there are.
func TestMapOfTheFiles(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b[a-z]+\.go\b`).FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Fatal("doc.go names no file")
	}
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("doc.go names a file that is not there: %v", err)
		}
	}
}
