// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documentation, and tests that it keeps up with the code.
package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestSpecTable holds that the README's table has a row for each field of the
// spec and for nothing else, and that type, default and bounds in it are those
// of the CRD.
func TestSpecTable(t *testing.T) {
	rows := tableRows(t, "../README.md", "`spec.")
	root := crdSchema(t)
	fields := map[string]map[string]any{}
	walk("spec", property(root, "spec"), fields)
	delete(fields, "spec")

	if diff := cmp.Diff(slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("rows differ (-schema +table):\n%s", diff)
	}
	for path, schema := range fields {
		row := rows[path]
		if len(row) != 5 {
			t.Errorf("%s: the row has %d cells, want 5", path, len(row))
			continue
		}
		if want := typeOf(schema); row[1] != want {
			t.Errorf("%s: the type is %q, want %q", path, row[1], want)
		}
		if value, ok := schema["default"]; ok {
			want := fmt.Sprintf("`%v`", value)
			if want == "`map[]`" {
				want = "`{}`"
			}
			if row[2] != want {
				t.Errorf("%s: the default is %q, want %q", path, row[2], want)
			}
		}
		for _, bound := range bounds(schema) {
			if !regexp.MustCompile(`(^|[^\w])` + regexp.QuoteMeta(bound) + `($|[^\w])`).MatchString(row[3]) {
				t.Errorf("%s: the bounds are %q, without %s", path, row[3], bound)
			}
		}
	}
	for _, required := range requiredPaths("spec", property(root, "spec")) {
		if row := rows[required]; len(row) == 5 && row[2] != "required" {
			t.Errorf("%s: the default is %q, want required", required, row[2])
		}
	}
}

// TestStatusTable holds that concepts.md explains each field of the status.
func TestStatusTable(t *testing.T) {
	b, err := os.ReadFile("concepts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n## Status\n")
	if !ok {
		t.Fatal("concepts.md has no section Status")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	status := property(crdSchema(t), "status")
	for name := range properties(status) {
		if !strings.Contains(section, "\n| `"+name+"` |") {
			t.Errorf("concepts.md does not explain status.%s", name)
		}
	}
}

// TestReasons holds that troubleshooting.md has a heading for each reason of a
// condition and of a failure, and concepts.md names each condition.
func TestReasons(t *testing.T) {
	troubleshooting, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	concepts, err := os.ReadFile("concepts.md")
	if err != nil {
		t.Fatal(err)
	}
	constants := stringConstants(t, "../api/v1alpha1/conditions.go")
	if len(constants) == 0 {
		t.Fatal("no constants found")
	}
	for name, value := range constants {
		switch {
		case strings.HasPrefix(name, "Condition"):
			if !strings.Contains(string(concepts), "\n| `"+value+"` |") {
				t.Errorf("concepts.md does not explain the condition %s", value)
			}
		default:
			if !strings.Contains(string(troubleshooting), "\n### "+value) {
				t.Errorf("troubleshooting.md has no heading for the reason %s", value)
			}
		}
	}
}

// TestDependencies holds that dependencies.md gives a reason for each direct
// dependency, and for nothing else.
func TestDependencies(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+/\S+|\S+\.\S+) v\S+$`).FindAllStringSubmatch(string(b), -1) {
		direct = append(direct, m[1])
	}
	slices.Sort(direct)
	rows := tableRows(t, "dependencies.md", "`")
	if diff := cmp.Diff(direct, slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("modules differ (-go.mod +dependencies.md):\n%s", diff)
	}
	for module, row := range rows {
		if len(row) != 2 || row[1] == "" {
			t.Errorf("%s has no reason", module)
		}
	}
}

// TestLinks holds that every relative link leads to a file, and every anchor
// in it to a heading.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^):]+)\)`)
	for _, path := range pages(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			content, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(content)), anchor) {
				t.Errorf("%s links to %s: no such heading", path, m[1])
			}
		}
	}
}

// anchors are the headings of a page, as GitHub makes anchors of them.
func anchors(page string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		kept := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

// tableRows returns the cells of the table rows whose first cell begins so, by
// that cell without its backquotes.
func tableRows(t *testing.T, path, start string) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "| "+start) {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|\n"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		name := strings.Trim(cells[0], "`")
		if rows[name] != nil {
			t.Errorf("%s has two rows for %s", path, name)
		}
		rows[name] = cells
	}
	return rows
}

func crdSchema(t *testing.T) map[string]any {
	t.Helper()
	b, err := os.ReadFile("../config/crd/bases/harborinventory.io_harborinventories.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(b, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

func properties(schema map[string]any) map[string]any {
	p, _ := schema["properties"].(map[string]any)
	return p
}

func property(schema map[string]any, name string) map[string]any {
	p, _ := properties(schema)[name].(map[string]any)
	return p
}

// walk collects the fields of a schema by their paths.
func walk(path string, schema map[string]any, into map[string]map[string]any) {
	into[path] = schema
	for name := range properties(schema) {
		walk(path+"."+name, property(schema, name), into)
	}
}

func requiredPaths(path string, schema map[string]any) []string {
	var paths []string
	names, _ := schema["required"].([]any)
	for _, name := range names {
		paths = append(paths, fmt.Sprintf("%s.%s", path, name))
	}
	for name := range properties(schema) {
		paths = append(paths, requiredPaths(path+"."+name, property(schema, name))...)
	}
	return paths
}

func typeOf(schema map[string]any) string {
	if items, ok := schema["items"].(map[string]any); ok {
		return fmt.Sprintf("list of %ss", items["type"])
	}
	return fmt.Sprint(schema["type"])
}

// bounds are the words that a row about a field must have.
func bounds(schema map[string]any) []string {
	var words []string
	for _, keyword := range []string{"maxLength", "maxItems", "minimum", "maximum"} {
		if n, ok := schema[keyword].(float64); ok {
			words = append(words, strconv.FormatFloat(n, 'f', -1, 64))
		}
	}
	values, _ := schema["enum"].([]any)
	for _, value := range values {
		words = append(words, fmt.Sprintf("`%v`", value))
	}
	rules, _ := schema["x-kubernetes-validations"].([]any)
	for _, rule := range rules {
		m := regexp.MustCompile(`from (\w+) to (\w+)`).FindStringSubmatch(fmt.Sprint(rule))
		if m != nil { // then maxLength is no bound that a reader cares for
			return m[1:]
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		words = append(words, bounds(items)...)
	}
	return words
}

// stringConstants reads the string constants of a Go file.
func stringConstants(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{}
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok || len(value.Names) != len(value.Values) {
				continue
			}
			for i, name := range value.Names {
				if literal, ok := value.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					constants[name.Name] = text
				}
			}
		}
	}
	return constants
}

// TestNamedTests holds that every test that a page names is there.
func TestNamedTests(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)(?:/[^`]*)?` in ((?:internal|cmd|config|docs|hack)\\b[\\w/]*)")
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			if !declares(t, filepath.Join("..", m[2]), m[1]) {
				t.Errorf("%s names %s, which is not in %s", page, m[1], m[2])
			}
		}
	}
	if found == 0 {
		t.Error("no page names a test")
	}
}

// declares tells whether a test file of the folder has the function.
func declares(t *testing.T, dir, function string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+function+"(") {
			return true
		}
	}
	return false
}
