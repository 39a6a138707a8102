// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMetricsTable: metrics.md has a row for each metric in the code, and no other.
func TestMetricsTable(t *testing.T) {
	inCode := map[string]bool{}
	name := regexp.MustCompile(`(?:Name:\s*|NewDesc\(|ofInventory\()"(harbor_inventory_[a-z_]+)"`)
	err := filepath.WalkDir("../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range name.FindAllStringSubmatch(string(source), -1) {
			inCode[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	inTable := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(harbor_inventory_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		inTable[match[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(inCode)), slices.Sorted(maps.Keys(inTable))); diff != "" || len(inCode) == 0 {
		t.Errorf("metrics in the code (-), in metrics.md (+):\n%s", diff)
	}
}
