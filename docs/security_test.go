// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the generated tables anew instead of comparing them")

// TestHostileTable: security.md shows the inputs of cmd/hostile.yaml and
// what becomes of each, and they are 50 at least.
func TestHostileTable(t *testing.T) {
	text, err := os.ReadFile("../cmd/hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []struct{ Group, Input, Outcome, Says string }
	if err := yaml.Unmarshal(text, &inputs); err != nil {
		t.Fatal(err)
	}
	if len(inputs) < 50 {
		t.Errorf("%d inputs", len(inputs))
	}
	table := "| | Input | Outcome | The message says |\n|---|---|---|---|\n"
	for _, input := range inputs {
		outcome := strings.ToUpper(input.Outcome[:1]) + input.Outcome[1:]
		says := ""
		if input.Says != "" {
			says = "..." + input.Says + "..."
		}
		table += fmt.Sprintf("| %s | `%s` | %s | %s |\n", input.Group, strings.NewReplacer("\r", `\r`, "\n", `\n`, "|", `\|`).Replace(input.Input), outcome, says)
	}
	generated(t, "security.md", "hostile inputs", table)
}

// generated compares a table with the one that stands on a page between the
// comments begin and end of a name, or writes it there.
func generated(t *testing.T, page, name, table string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`(?s)^(.*<!-- begin: ` + name + `[^\n]*\n)(.*)(<!-- end: ` + name + ` -->.*)$`).FindStringSubmatch(string(content))
	if parts == nil {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(parts[1]+table+parts[3]), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, parts[2]); diff != "" {
		t.Errorf("the table is not up to date; run with -update (-want +have):\n%s", diff)
	}
}

// TestThreats: each threat names a test that is there.
func TestThreats(t *testing.T) {
	content, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(content), "\n## Threats\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)` in ([\\w/]+)")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || strings.HasPrefix(line, "| Threat") {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(cells[2], -1)
		if len(tests) == 0 || len(tests) != strings.Count(cells[2], "`")/2 {
			t.Errorf("%s: names no test, or not as `Test` in package", cells[0])
		}
		for _, m := range tests {
			if !declares(t, filepath.Join("..", m[2]), m[1]) {
				t.Errorf("%s: there is no %s in %s", cells[0], m[1], m[2])
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d threats", rows)
	}
}
