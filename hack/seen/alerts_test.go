// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// Shortening changes how long a rule waits and looks back, and nothing else.
func TestShorten(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	shipped, err := shippedRules()
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr, For string }
		}
	}
	if err := yaml.Unmarshal([]byte(shorten(shipped)), &rules); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("config/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != strings.Count(string(text), "- alert: ") {
		t.Fatalf("rules %+v", rules)
	}
	for _, r := range rules.Groups[0].Rules {
		if r.For != "4s" || regexp.MustCompile(`\[\d+[mh]\]`).MatchString(r.Expr) {
			t.Errorf("%s waits for %s and looks at %s", r.Alert, r.For, r.Expr)
		}
	}
	times := regexp.MustCompile(`for: \w+|\[\d+[smh]\]`)
	if diff := cmp.Diff(times.ReplaceAllString(shipped, ""), times.ReplaceAllString(shorten(shipped), "")); diff != "" {
		t.Error(diff)
	}
}
