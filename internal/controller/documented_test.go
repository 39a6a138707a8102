// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	eventsv1 "k8s.io/api/events/v1"
)

// What the operator shows to the outside is documented: at the end of the suite
// everything that it told, logged and recorded is looked up in the pages under
// docs; and when all tests ran, everything that the pages name must have been seen.

// documentedMetric is a row of docs/metrics.md.
type documentedMetric struct {
	Type, Labels, Meaning string
}

func documentedMetricOf(f *dto.MetricFamily) documentedMetric {
	var labels []string
	for _, m := range f.GetMetric()[:1] {
		for _, l := range m.GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
	}
	slices.Sort(labels)
	return documentedMetric{strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()}
}

// undocumented returns 1 where the pages and the operator differ.
func undocumented() int {
	var problems []string
	whole := flag.Lookup("test.run").Value.String() == ""
	for _, check := range []func(bool) ([]string, error){undocumentedMetrics, undocumentedLogs, undocumentedEvents} {
		found, err := check(whole)
		if err != nil {
			found = append(found, err.Error())
		}
		problems = append(problems, found...)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	return min(1, len(problems))
}

// rows returns the cells of a page's table rows that begin with a code span, by
// the code.
func rows(page, pattern string) (map[string][]string, error) {
	text, err := os.ReadFile("../../docs/" + page)
	found := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `("+pattern+")` \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		cells := strings.Split(" "+m[2], " |")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		found[m[1]] = cells
	}
	return found, err
}

func undocumentedMetrics(whole bool) (problems []string, err error) {
	documented, err := rows("metrics.md", `harbor_inventory_\w+`)
	told.Lock()
	defer told.Unlock()
	for name, is := range told.families {
		cells := documented[name]
		if len(cells) != 3 {
			problems = append(problems, "docs/metrics.md has no row of four cells for "+name)
			continue
		}
		labels := strings.Split(cells[1], ", ")
		slices.Sort(labels)
		if diff := cmp.Diff(documentedMetric{cells[0], strings.Join(labels, ", "), cells[2]}, is); diff != "" {
			problems = append(problems, fmt.Sprintf("%s in docs/metrics.md (-) and in the registry (+):\n%s", name, diff))
		}
	}
	if whole {
		problems = append(problems, unseen("metric", slices.Collect(maps.Keys(documented)), told.families)...)
	}
	return problems, err
}

// unseen tells of what is documented and was not seen.
func unseen[V any](kind string, documented []string, seen map[string]V) (problems []string) {
	for _, name := range documented {
		if _, ok := seen[name]; !ok {
			problems = append(problems, fmt.Sprintf("the %s %s is documented, and no test has seen it", kind, name))
		}
	}
	return problems
}

// undocumentedLogs looks at the keys of every line that was logged.
func undocumentedLogs(bool) (problems []string, err error) {
	documented, err := rows("logging.md", `[\w ]+`)
	seen := map[string]bool{}
	for line := range strings.Lines(trail.of(logged)) {
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &fields) != nil {
			problems = append(problems, "a log line is no JSON: "+line)
			continue
		}
		if strings.Contains(string(fields["logger"]), "test-env") {
			continue // the test's own
		}
		for key := range fields {
			if documented[key] == nil && !seen[key] {
				problems = append(problems, fmt.Sprintf("docs/logging.md lacks the key %s of the line %s", key, line))
			}
			seen[key] = true
		}
	}
	return problems, err
}

// undocumentedEvents looks at the reason of every event.
func undocumentedEvents(whole bool) (problems []string, err error) {
	documented, err := rows("logging.md", "(?:Normal|Warning) [A-Z]\\w+")
	if err != nil {
		return nil, err
	}
	var all eventsv1.EventList
	if err := kube.List(context.Background(), &all); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range all.Items {
		if e.ReportingController != "harbor-inventory" {
			continue
		}
		kind := e.Type + " " + e.Reason
		if documented[kind] == nil && !seen[kind] {
			problems = append(problems, fmt.Sprintf("docs/logging.md lacks the event %s: %s", kind, e.Note))
		}
		seen[kind] = true
	}
	if whole {
		problems = append(problems, unseen("event", slices.Collect(maps.Keys(documented)), seen)...)
	}
	return problems, nil
}
