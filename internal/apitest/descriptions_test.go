// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// maxDescriptionLine is the longest line of a description that kubectl explain
// shows as it is: it indents by 4 and wraps at 80, and leaves the rest of a longer
// line standing alone.
const maxDescriptionLine = 76

// TestDescriptions holds that every field is described, and that the descriptions
// come out of kubectl explain as they were written.
func TestDescriptions(t *testing.T) {
	paths, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Spec struct {
				Versions []struct {
					Schema struct {
						OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(b, &crd); err != nil {
			t.Fatal(err)
		}
		for _, version := range crd.Spec.Versions {
			found += described(t, filepath.Base(path), version.Schema.OpenAPIV3Schema)
		}
	}
	if found < 100 {
		t.Errorf("only %d fields were looked at", found)
	}
}

// described looks at a field and those in it, and counts them. What is Kubernetes'
// own is left out.
func described(t *testing.T, path string, schema map[string]any) int {
	t.Helper()
	description, ok := schema["description"].(string)
	if !ok {
		t.Errorf("%s has no description", path)
	}
	for line := range strings.SplitSeq(description, "\n") {
		if len(line) > maxDescriptionLine {
			t.Errorf("%s: a line has %d characters, more than %d: %s", path, len(line), maxDescriptionLine, line)
		}
	}
	holder := schema
	if items, ok := schema["items"].(map[string]any); ok {
		holder = items
	}
	count := 1
	properties, _ := holder["properties"].(map[string]any)
	_, top := properties["apiVersion"]
	for name, property := range properties {
		if name == "conditions" || top && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name) {
			continue
		}
		field, ok := property.(map[string]any)
		if !ok {
			t.Fatalf("%s.%s is no schema", path, name)
		}
		count += described(t, path+"."+name, field)
	}
	return count
}
