// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// alert is one of config/prometheus/alerts.yaml.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var rules struct {
		Spec struct{ Groups []struct{ Rules []alert } }
	}
	parse(t, "prometheus/alerts.yaml", &rules)
	for _, group := range rules.Spec.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no alerts")
	}
	return all
}

func parse(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, yaml.Unmarshal(text, into))
}

// Each alert has a page that says what to do and a unit test for promtool, asks
// for metrics that there are, and is told of by words that name a severity.
func TestAlerts(t *testing.T) {
	var tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	parse(t, "prometheus/tests/alerts.yaml", &tests)
	fires, rests := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, check := range test.AlertRuleTest {
			fires[check.Alertname] = fires[check.Alertname] || len(check.ExpAlerts) > 0
			rests[check.Alertname] = rests[check.Alertname] || len(check.ExpAlerts) == 0
		}
	}
	pages := map[string]bool{}
	for _, a := range alerts(t) {
		pages[a.Alert] = true
		if !fires[a.Alert] || !rests[a.Alert] {
			t.Errorf("%s: promtool is not shown both what makes it fire and what does not", a.Alert)
		}
		page := "docs/runbooks/" + a.Alert + ".md"
		text, err := os.ReadFile("../" + page)
		if err != nil {
			t.Errorf("%s has no page: %v", a.Alert, err)
		}
		for _, section := range []string{"# " + a.Alert + "\n", "\n**Impact.** ", "\n## Look\n", "\n## Do\n"} {
			if !strings.Contains(string(text), section) {
				t.Errorf("%s lacks %q", page, section)
			}
		}
		if !strings.HasSuffix(a.Annotations["runbook_url"], "/"+page) {
			t.Errorf("%s: its runbook_url is %q", a.Alert, a.Annotations["runbook_url"])
		}
		if a.For == "" || a.Annotations["summary"] == "" || a.Annotations["description"] == "" ||
			!regexp.MustCompile("^(info|warning|critical)$").MatchString(a.Labels["severity"]) {
			t.Errorf("%s lacks for, a summary, a description, or a severity", a.Alert)
		}
		asksForMetrics(t, a.Alert, a.Expr)
	}
	files, err := filepath.Glob("../docs/runbooks/*.md")
	must(t, err)
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".md"); !pages[name] {
			t.Errorf("docs/runbooks has a page about %s, which is no alert", name)
		}
	}
}

var metricName = regexp.MustCompile(`\b[a-z]+(?:_[a-z0-9]+)+\b`)

// asksForMetrics fails where an expression names a metric or a label that
// docs/metrics.md does not have; the suite of internal/controller holds that page
// to what the operator shows.
func asksForMetrics(t *testing.T, what, expr string) {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	must(t, err)
	named := 0
	for _, name := range metricName.FindAllString(expr, -1) {
		if !strings.HasPrefix(name, "harbor_inventory_") {
			continue // a function, or controller-runtime's
		}
		named++
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !strings.Contains(string(page), "\n| `"+name+"` |") && !strings.Contains(string(page), "\n| `"+base+"` | histogram |") {
			t.Errorf("%s asks for the metric %s, which docs/metrics.md does not have", what, name)
		}
	}
	if named == 0 {
		t.Errorf("%s asks for no metric of the operator: %s", what, expr)
	}
}
