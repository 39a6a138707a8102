// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// schema is the part of an OpenAPI schema that bounds a value.
type schema struct {
	Type                 string
	Properties           map[string]schema
	AdditionalProperties *schema
	Items                *schema
	Required             []string
	MaxLength            *int
	MaxItems             *int
	MaxProperties        *int
}

// entrySchema reads the schema of an entry from the CRD, once.
var entrySchema = sync.OnceValues(func() (schema, error) {
	b, err := os.ReadFile("../../config/crd/bases/harborinventory.io_artifactlists.yaml")
	if err != nil {
		return schema{}, err
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema schema `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(b, &crd); err != nil {
		return schema{}, err
	}
	if len(crd.Spec.Versions) != 1 {
		return schema{}, fmt.Errorf("%d versions", len(crd.Spec.Versions))
	}
	artifacts := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["artifacts"].Items
	if artifacts == nil || len(artifacts.Properties) < 15 {
		return schema{}, fmt.Errorf("no schema of artifacts")
	}
	return *artifacts, nil
})

// violations lists what an API server would refuse in a value.
func (s schema) violations(path string, value any) []string {
	var found []string
	over := func(bound *int, n int, what string) {
		if bound != nil && n > *bound {
			found = append(found, fmt.Sprintf("%s: %d %s, at most %d are allowed", path, n, what, *bound))
		}
	}
	switch value := value.(type) {
	case string:
		over(s.MaxLength, utf8.RuneCountInString(value), "characters")
	case []any:
		over(s.MaxItems, len(value), "items")
		for i, item := range value {
			found = append(found, s.Items.violations(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case map[string]any:
		over(s.MaxProperties, len(value), "properties")
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				found = append(found, fmt.Sprintf("%s: %s is missing", path, name))
			}
		}
		for name, field := range value {
			sub, ok := s.Properties[name]
			if !ok && s.AdditionalProperties == nil {
				found = append(found, fmt.Sprintf("%s: %s is unknown", path, name))
				continue
			}
			if !ok {
				sub = *s.AdditionalProperties
			}
			found = append(found, sub.violations(path+"."+name, field)...)
		}
	}
	return found
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkBounds fails unless an API server would take the entry, and it is within
// MaxEntryBytes.
func checkBounds(t fataler, e v1alpha1.ArtifactEntry) {
	t.Helper()
	s, err := entrySchema()
	if err != nil {
		t.Fatalf("read the schema: %v", err)
	}
	encoded := asJSON(e)
	var value any
	if err := json.Unmarshal([]byte(encoded), &value); err != nil {
		t.Fatalf("%v", err)
	}
	if found := s.violations("entry", value); len(found) > 0 {
		t.Fatalf("the schema forbids it: %q", found)
	}
	if len(encoded) > MaxEntryBytes {
		t.Fatalf("an entry of %d bytes", len(encoded))
	}
}

func asJSON(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// The check itself finds what it is there for.
func TestSchemaChecks(t *testing.T) {
	s, err := entrySchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		value string
		bad   bool
	}{
		{`{"digest":"sha256:1","tags":["v1"],"totals":{"tags":1}}`, false},
		{`{"tags":["v1"]}`, true},
		{`{"digest":"sha256:1","color":"red"}`, true},
		{`{"digest":"` + repeat("ä", 255) + `"}`, false},
		{`{"digest":"` + repeat("ä", 256) + `"}`, true},
		{`{"digest":"","annotations":{"a":"` + repeat("x", 1025) + `"}}`, true},
		{`{"digest":"","tags":` + asJSON(make([]string, 1001)) + `}`, true},
		{`{"digest":"","accessories":[{"type":"` + repeat("x", 256) + `","digest":""}]}`, true},
		{`{"digest":"","accessories":[{"type":"x"}]}`, true},
	} {
		var value any
		if err := json.Unmarshal([]byte(test.value), &value); err != nil {
			t.Fatal(err)
		}
		if found := s.violations("entry", value); (len(found) > 0) != test.bad {
			t.Errorf("%.80s: %q", test.value, found)
		}
	}
}
