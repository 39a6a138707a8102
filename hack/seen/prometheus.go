// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
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

func startPrometheus(ctx context.Context, cleanups *cluster.Cleanups, target string, change func(string) string, fail context.CancelCauseFunc) (*prometheus, error) {
	dir, err := os.MkdirTemp("", "prometheus")
	if err != nil {
		return nil, err
	}
	cleanups.Cleanup(func() { _ = os.RemoveAll(dir) })
	rules, err := shippedRules()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"prometheus.yaml": fmt.Sprintf(scrapeConfig, target), "rules.yaml": change(rules)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	address, err := cluster.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), "bin/prometheus", //nolint:gosec // no input of anybody
		"--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w: run this with make, which builds it", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()                 // ProcessState tells the same
		text, _ := os.ReadFile(log.Name()) // or nothing
		fail(fmt.Errorf("prometheus ended (%s):\n%s", command.ProcessState, tail(string(text))))
	}()
	cleanups.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		_ = log.Close()
	})
	p := &prometheus{base: "http://" + address}
	return p, cluster.Await(ctx, func(ctx context.Context) error { return p.get(ctx, "/-/ready", nil) })
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

func (p *prometheus) get(ctx context.Context, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("prometheus answers %s to %s", response.Status, path)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// sees waits until Prometheus has read the operator's own account of its inventories.
func (p *prometheus) sees(ctx context.Context) error {
	return cluster.Await(ctx, func(ctx context.Context) error {
		var answer struct{ Data struct{ Result []any } }
		err := p.get(ctx, "/api/v1/query?query=harbor_inventory_inventories", &answer)
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
	if err := p.get(ctx, "/api/v1/alerts", &answer); err != nil {
		return false, err
	}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == alert && a.Labels[label] == value {
			return true, nil
		}
	}
	return false, nil
}
