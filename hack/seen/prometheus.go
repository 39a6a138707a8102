// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// prometheus is one that runs.
type prometheus struct{ base string }

const scrapeConfig = `
global: {scrape_interval: 2s, evaluation_interval: 2s}
rule_files: [rules.yaml]
scrape_configs:
- job_name: harbor-inventory
  honor_labels: true
  static_configs: [{targets: [%q], labels: {pod: manager}}]
`

// startPrometheus has Prometheus scrape the manager; its rules are changed by change.
func (b *bed) startPrometheus(ctx context.Context, change func(rules string) string) error {
	dir, err := os.MkdirTemp("", "prometheus")
	if err != nil {
		return err
	}
	b.cleanups.Cleanup(func() { _ = os.RemoveAll(dir) })
	rules, err := shippedRules()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"prometheus.yaml": fmt.Sprintf(scrapeConfig, b.metrics), "rules.yaml": change(rules)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	address, err := testbed.FreeAddress(ctx)
	if err != nil {
		return err
	}
	p, err := b.Run("prometheus", "bin/prometheus",
		"--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	if err != nil {
		return err
	}
	b.needs("prometheus", p)
	b.prometheus = &prometheus{base: "http://" + address}
	return testbed.Await(ctx, testbed.Answers(b.prometheus.base+"/-/ready"))
}

// shippedRules takes the rules out of the object that holds them.
func shippedRules() (string, error) {
	text, err := os.ReadFile("config/prometheus/alerts.yaml")
	_, rules, found := strings.Cut(string(text), "\nspec:\n")
	if err == nil && !found {
		err = fmt.Errorf("config/prometheus/alerts.yaml has no spec")
	}
	return strings.ReplaceAll("\n"+rules, "\n  ", "\n"), err
}

// sees waits until Prometheus has read the operator's own account of its inventories.
func (p *prometheus) sees(ctx context.Context) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		var answer struct{ Data struct{ Result []any } }
		err := testbed.Get(ctx, p.base+"/api/v1/query?query=harbor_inventory_inventories", &answer)
		if err == nil && len(answer.Data.Result) == 0 {
			err = errors.New("prometheus has read nothing from the operator")
		}
		return err
	})
}

// firing tells whether an alert fires, for the object if one is named.
func (p *prometheus) firing(ctx context.Context, alert, label, value string) (bool, error) {
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	if err := testbed.Get(ctx, p.base+"/api/v1/alerts", &answer); err != nil {
		return false, err
	}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == alert && a.Labels[label] == value {
			return true, nil
		}
	}
	return false, nil
}
