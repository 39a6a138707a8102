// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// openAPISchema is the part of an OpenAPI schema that restricts something, and
// what describes it.
type openAPISchema struct {
	Description          string                   `json:"description"`
	Type                 string                   `json:"type"`
	Format               string                   `json:"format"`
	Properties           map[string]openAPISchema `json:"properties"`
	AdditionalProperties *openAPISchema           `json:"additionalProperties"`
	Items                *openAPISchema           `json:"items"`
	Required             []string                 `json:"required"`
	Enum                 []string                 `json:"enum"`
	MinLength            *int                     `json:"minLength"`
	MaxLength            *int                     `json:"maxLength"`
	MaxItems             *int                     `json:"maxItems"`
	MaxProperties        *int                     `json:"maxProperties"`
	Minimum              *float64                 `json:"minimum"`
	Maximum              *float64                 `json:"maximum"`
	Pattern              string                   `json:"pattern"`
	ListType             string                   `json:"x-kubernetes-list-type"`
	Validations          []struct {
		Message   string `json:"message"`
		FieldPath string `json:"fieldPath"`
	} `json:"x-kubernetes-validations"`
}

// readSchemas reads the schema of each kind from the CRDs.
func readSchemas(t *testing.T) map[string]openAPISchema {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(crdDirectory, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]openAPISchema{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Spec struct {
				Names    struct{ Kind string }
				Versions []struct {
					Schema struct {
						OpenAPIV3Schema openAPISchema `json:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := yaml.Unmarshal(b, &crd); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		schemas[crd.Spec.Names.Kind] = crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	}
	if len(schemas) != 3 {
		t.Fatalf("%s holds %d kinds, want 3", crdDirectory, len(schemas))
	}
	return schemas
}

// notOurs are paths whose schema Kubernetes gives, or that repeat ArtifactList.
var notOurs = regexp.MustCompile(`^(apiVersion|kind|metadata|status\.conditions\[\]|status\.artifactEntries\[\])(\.|$)`)

// walk calls visit for a schema and everything below it, with the path that
// the API server's errors have, with [] for every index and * for every key:
// spec.projects[].
func (s openAPISchema) walk(path string, visit func(path string, s openAPISchema)) {
	if notOurs.MatchString(path) {
		return
	}
	visit(path, s)
	for name, property := range s.Properties {
		property.walk(strings.TrimPrefix(path+"."+name, "."), visit)
	}
	if s.Items != nil {
		s.Items.walk(path+"[]", visit)
	}
	if s.AdditionalProperties != nil {
		s.AdditionalProperties.walk(path+".*", visit)
	}
}

// TestBounds holds that nothing a user or the operator writes is unbounded.
// Without bounds the API server cannot tell what a validation rule may cost,
// and an object can grow until it cannot be stored.
func TestBounds(t *testing.T) {
	for kind, root := range readSchemas(t) {
		root.walk("", func(path string, s openAPISchema) {
			if strings.HasPrefix(path, "status") {
				return
			}
			switch {
			case s.Type == "string" && s.MaxLength == nil && s.Enum == nil && s.Format != "date-time":
				t.Errorf("%s: %s is a string without maxLength, enum or format", kind, path)
			case s.Type == "array" && s.MaxItems == nil:
				t.Errorf("%s: %s is an array without maxItems", kind, path)
			case s.AdditionalProperties != nil && s.MaxProperties == nil:
				t.Errorf("%s: %s is a map without maxProperties", kind, path)
			case s.Pattern != "":
				t.Errorf("%s: %s has a pattern: use a validation rule, whose message can say what is wanted", kind, path)
			}
		})
	}
}

// checkCoverage holds that each restriction in the schemas has refused some
// case, that each bound and enumerated value has been reached by an accepted
// one, and that each field was in an accepted one.
func checkCoverage(t *testing.T, answers []answer) {
	t.Helper()
	for kind, root := range readSchemas(t) {
		seen := observations{}
		var refused []metav1.StatusCause
		for _, a := range answers {
			if a.kind != kind {
				continue
			}
			if a.accepted != nil {
				seen.add("", a.sent)
			}
			refused = append(refused, a.causes...)
		}
		root.walk("", func(path string, s openAPISchema) {
			seen.check(t, kind, path, s)
			for _, r := range s.restrictions(path) {
				if !slices.ContainsFunc(refused, r.caused) {
					t.Errorf("%s: %s: no case was refused by %s", kind, r.path, r.name)
				}
			}
		})
	}
}

// restriction is known by words of the API server's message.
type restriction struct{ path, name, message string }

func (r restriction) caused(c metav1.StatusCause) bool {
	path := strings.NewReplacer(".", `\.`, "[]", `\[\d+\]`, "*", `[^.]+`).Replace(r.path)
	return strings.Contains(c.Message, r.message) && regexp.MustCompile("^"+path+"$").MatchString(c.Field)
}

func (s openAPISchema) restrictions(path string) []restriction {
	var rs []restriction
	add := func(given bool, name, message string) {
		if given {
			rs = append(rs, restriction{path, name, message})
		}
	}
	add(s.MinLength != nil, "minLength", "at least 1 chars")
	add(s.MaxLength != nil, "maxLength", "Too long")
	add(s.MaxItems != nil || s.MaxProperties != nil, "maxItems or maxProperties", "Too many")
	add(s.Minimum != nil, "minimum", "greater than or equal")
	add(s.Maximum != nil, "maximum", "less than or equal")
	add(s.Enum != nil, "enum", "supported values")
	if s.ListType == "set" {
		rs = append(rs, restriction{path + "[]", "list type set", "Duplicate value"})
	}
	for _, name := range s.Required {
		if path != "" || !notOurs.MatchString(name) {
			rs = append(rs, restriction{strings.TrimPrefix(path+"."+name, "."), "required", "Required value"})
		}
	}
	for _, rule := range s.Validations {
		rs = append(rs, restriction{strings.TrimPrefix(path+rule.FieldPath, "."), "the rule " + rule.Message, rule.Message})
	}
	return rs
}

// observations holds the values of accepted cases by path: the lengths of
// strings, lists and maps, numbers, and the strings themselves.
type observations map[string]struct {
	sizes   []float64
	strings []string
}

func (o observations) add(path string, value any) {
	seen := o[path]
	switch v := value.(type) {
	case string:
		seen.sizes = append(seen.sizes, float64(utf8.RuneCountInString(v)))
		seen.strings = append(seen.strings, v)
	case float64:
		seen.sizes = append(seen.sizes, v)
	case int64:
		seen.sizes = append(seen.sizes, float64(v))
	case []any:
		seen.sizes = append(seen.sizes, float64(len(v)))
		for _, element := range v {
			o.add(path+"[]", element)
		}
	case map[string]any:
		seen.sizes = append(seen.sizes, float64(len(v)))
		for name, element := range v {
			o.add(strings.TrimPrefix(path+"."+name, "."), element)
			o.add(path+".*", element)
		}
	}
	o[path] = seen
}

func (o observations) check(t *testing.T, kind, path string, s openAPISchema) {
	t.Helper()
	seen, ok := o[path]
	if !ok {
		t.Errorf("%s: %s: no accepted case has it", kind, path)
		return
	}
	for _, bound := range []*int{s.MaxLength, s.MaxItems, s.MaxProperties} {
		if bound != nil && slices.Max(seen.sizes) != float64(*bound) {
			t.Errorf("%s: %s: the longest accepted has %v, the bound is %d", kind, path, slices.Max(seen.sizes), *bound)
		}
	}
	if s.MinLength != nil && slices.Min(seen.sizes) != float64(*s.MinLength) {
		t.Errorf("%s: %s: the shortest accepted has %v, the bound is %d", kind, path, slices.Min(seen.sizes), *s.MinLength)
	}
	if s.Maximum != nil && slices.Max(seen.sizes) != *s.Maximum {
		t.Errorf("%s: %s: the greatest accepted is %v, the bound is %v", kind, path, slices.Max(seen.sizes), *s.Maximum)
	}
	if s.Minimum != nil && slices.Min(seen.sizes) != *s.Minimum {
		t.Errorf("%s: %s: the least accepted is %v, the bound is %v", kind, path, slices.Min(seen.sizes), *s.Minimum)
	}
	for _, value := range s.Enum {
		if !slices.Contains(seen.strings, value) {
			t.Errorf("%s: %s: %q was in no accepted case", kind, path, value)
		}
	}
}
