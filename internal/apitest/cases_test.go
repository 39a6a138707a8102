// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"
)

// caseFile is a file of testdata/validation. It may use the functions of
// caseFunctions between <% and %>.
type caseFile struct {
	// Over is the manifest that every case is laid over.
	Over map[string]any `json:"over"`
	// Status tells that the cases are updates of the subresource status.
	Status bool `json:"status"`
	// Accepted cases must be accepted, Refused ones refused.
	Accepted []inputCase `json:"accepted"`
	Refused  []inputCase `json:"refused"`
}

// inputCase is a JSON merge patch (RFC 7386) on caseFile.Over; null takes a field out.
type inputCase struct {
	Name string         `json:"name"`
	With map[string]any `json:"with"`
}

var caseFunctions = template.FuncMap{
	"repeat": strings.Repeat,
	// list gives a list of n different strings: list "team-%d" 3
	"list": func(format string, n int) (string, error) {
		values := make([]string, n)
		for i := range values {
			values[i] = fmt.Sprintf(format, i)
		}
		return inline(values)
	},
	// times gives a list of n equal values, given as JSON.
	"times": func(value string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(value+", ", n), ", ") + "]"
	},
	// seq gives the numbers from 0 to n-1.
	"seq": func(n int) []int {
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = i
		}
		return numbers
	},
	// mapping gives a map of n keys to one value: mapping "key-%d" "value" 3
	"mapping": func(format string, value any, n int) (string, error) {
		values := make(map[string]any, n)
		for i := range n {
			values[fmt.Sprintf(format, i)] = value
		}
		return inline(values)
	},
}

// inline writes a value as JSON, which YAML reads in any place.
func inline(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// readCases reads the files of testdata/validation, by name.
func readCases(t *testing.T) map[string]caseFile {
	t.Helper()
	paths, err := filepath.Glob("testdata/validation/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in testdata/validation: %v", err)
	}
	files := map[string]caseFile{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := template.New(path).Delims("<%", "%>").Funcs(caseFunctions).Parse(string(b))
		if err != nil {
			t.Fatal(err)
		}
		var expanded bytes.Buffer
		if err := parsed.Execute(&expanded, nil); err != nil {
			t.Fatal(err)
		}
		var file caseFile
		if err := yaml.UnmarshalStrict(expanded.Bytes(), &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".yaml")] = file
	}
	return files
}

// mergePatch lays patch over target as RFC 7386 says, and returns the result.
func mergePatch(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	result := map[string]any{}
	if t, ok := target.(map[string]any); ok {
		maps.Copy(result, t)
	}
	for name, value := range fields {
		if value == nil {
			delete(result, name)
			continue
		}
		result[name] = mergePatch(result[name], value)
	}
	return result
}
