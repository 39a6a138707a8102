// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// consult does what the section Look of an alert's page says while the alert
// fires: it runs the commands, asks Prometheus the queries, and returns both with
// what was answered. A command that fails is an error, and so is a query that
// finds nothing. Commands about the operator's own namespace are left out, since
// here it runs in none.
func (b *bed) consult(ctx context.Context, s *scene) (string, error) {
	page, err := os.ReadFile("docs/runbooks/" + s.alert + ".md")
	if err != nil {
		return "", err
	}
	_, look, _ := strings.Cut(string(page), "\n## Look\n")
	look, _, _ = strings.Cut(look, "\n## ")
	kubeconfig, err := b.Kubeconfig("")
	if err != nil {
		return "", err
	}
	name, harbor := strings.ToLower(strings.TrimPrefix(s.alert, "HarborInventory")), ""
	switch s.label {
	case "name":
		name = s.value
	case "harbor":
		harbor = s.value
	}
	fill := strings.NewReplacer("NAMESPACE", ns, "NAME", name, "SECRET", cmp.Or(s.secret, "robot"), "HARBOR", harbor)
	var text strings.Builder
	fmt.Fprintf(&text, "\n== %s\n", s.alert)
	for _, block := range regexp.MustCompile("(?s)```(sh|promql)\n(.*?)```").FindAllStringSubmatch(look, -1) {
		for line := range strings.SplitSeq(strings.TrimSpace(fill.Replace(block[2])), "\n") {
			var out string
			switch {
			case strings.Contains(line, "harbor-inventory-system"):
				continue
			case block[1] == "promql":
				out, err = b.prometheus.query(ctx, shorten(line))
			default:
				command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
				command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+os.Getenv("PATH"))
				var answer []byte
				answer, err = command.CombinedOutput()
				out = string(answer)
			}
			fmt.Fprintf(&text, "$ %s\n%s\n", line, out)
			if err != nil {
				return text.String(), fmt.Errorf("the page of %s: %s: %w\n%s", s.alert, line, err, out)
			}
		}
	}
	return text.String(), nil
}

// query asks for the value of an expression, one line for each series.
func (p *prometheus) query(ctx context.Context, expr string) (string, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := testbed.Get(ctx, p.base+"/api/v1/query?query="+url.QueryEscape(expr), &answer); err != nil {
		return "", err
	}
	if len(answer.Data.Result) == 0 {
		return "", fmt.Errorf("no series")
	}
	var text strings.Builder
	for _, r := range answer.Data.Result {
		fmt.Fprintf(&text, "%v %v\n", r.Metric, r.Value[1])
	}
	return text.String(), nil
}
