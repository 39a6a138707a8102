// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// printFindings prints vulnerabilities, the worst first, those of one kind together.
func (f *found) printFindings(c *vulnCommand, items func([]vulnFinding) error) error {
	slices.SortStableFunc(f.findings, func(a, b vulnFinding) int {
		return cmp.Or(vulnerability.Compare(&a.Vulnerability, &b.Vulnerability), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Digest, b.Digest))
	})
	switch {
	case items != nil:
		return items(f.findings)
	case c.format == formatName:
		return f.printNames(c.Out)
	}
	if len(f.findings) == 0 {
		if f.reports > 0 {
			tell(c.ErrOut, "No such vulnerability in %d reports.\n", f.reports)
		}
		return nil
	}
	columns := []metav1.TableColumnDefinition{
		{Name: "Severity"},
		{Name: "CVSS"},
		{Name: "ID"},
		{Name: "Package"},
		{Name: "Version"},
		{Name: "Fixed In"},
		{Name: "Repository"},
		{Name: "Tags"},
		{Name: "Digest"},
		{Name: "Inventory", Priority: 1},
		{Name: "Description", Priority: 1},
	}
	if c.all {
		columns = append([]metav1.TableColumnDefinition{{Name: "Namespace"}}, columns...)
	}
	table := &metav1.Table{ColumnDefinitions: columns}
	for i := range f.findings {
		v := &f.findings[i]
		cells := []any{
			orNone(v.Severity), orNone(v.CVSS), v.ID, orNone(v.Package), orNone(v.Version), orNone(v.FixVersion),
			v.Repository, someOf(v.Tags, 3, len(v.Tags)), shortDigest(v.Digest), v.Inventory, beginning(v.Description),
		}
		if c.all {
			cells = append([]any{v.Namespace}, cells...)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: cells})
	}
	return printers.NewTablePrinter(printers.PrintOptions{Wide: c.format == formatWide}).PrintObj(table, c.Out)
}

// beginning is as much of a description as fits beside the rest.
func beginning(description string) string {
	const characters = 60
	runes := []rune(strings.Join(strings.Fields(description), " "))
	if len(runes) <= characters {
		return string(runes)
	}
	return string(runes[:characters-3]) + "..."
}

// printNames prints each artifact once.
func (f *found) printNames(out io.Writer) error {
	names := map[string]bool{}
	for i := range f.findings {
		v := &f.findings[i]
		name := referenceOf(&v1alpha1.VulnerabilityReport{Harbor: v.Harbor, Repository: v.Repository, Digest: v.Digest})
		if names[name] {
			continue
		}
		names[name] = true
		if _, err := fmt.Fprintln(out, name); err != nil {
			return err
		}
	}
	return nil
}

// checkSummaryFormat refuses formats that are for a list.
func (c *vulnCommand) checkSummaryFormat() error {
	switch name, _, _ := strings.Cut(c.format, "="); name {
	case formatName, formatLines, "custom-columns":
		return usageError("--output=%q is for a list of vulnerabilities: give a condition on them, like --severity critical", c.format)
	}
	return nil
}

// vulnSummary is a summary as JSON.
type vulnSummary struct {
	Reports int                          `json:"reports"`
	Cut     int                          `json:"cut"`
	Counts  v1alpha1.VulnerabilityCounts `json:"counts"`
	CVSS    struct {
		Scored   int64   `json:"scored"`
		Unscored int64   `json:"unscored"`
		Mean     float64 `json:"mean"`
		Median   float64 `json:"median"`
		Stdev    float64 `json:"stdev"`
		Min      float64 `json:"min"`
		Max      float64 `json:"max"`
	} `json:"cvss"`
	Top []vulnerability.Identifier `json:"top"`
}

// printSummary prints counts, CVSS figures and the worst identifiers.
func (f *found) printSummary(c *vulnCommand) error {
	figures := f.summary.Scores.Figures(c.scoredOnly)
	s := vulnSummary{Reports: f.summary.Reports, Cut: f.summary.Cut, Counts: f.summary.Counts, Top: f.summary.Top(c.top, c.fixable)}
	s.CVSS.Scored, s.CVSS.Unscored = f.summary.Scores.Scored(), f.summary.Scores.Unscored()
	s.CVSS.Mean, s.CVSS.Median, s.CVSS.Stdev, s.CVSS.Min, s.CVSS.Max = figures.Mean, figures.Median, figures.StandardDeviation, figures.Min, figures.Max
	switch template, jsonPath := strings.CutPrefix(c.format, formatJSONPath); {
	case jsonPath:
		p, err := newJSONPathPrinter(c.Out, template)
		if err != nil {
			return err
		}
		return p.execute(s)
	case c.format == formatJSON:
		return printJSON(c.Out, s)
	case c.format == formatYAML:
		return printYAML(c.Out, s)
	}
	if s.Reports == 0 {
		if f.reports > 0 {
			tell(c.ErrOut, "None of %d reports is as asked for.\n", f.reports)
		}
		return nil
	}
	var text strings.Builder
	line := func(name, format string, args ...any) {
		text.WriteString(name + ":\t" + fmt.Sprintf(format, args...) + "\n")
	}
	line("Reports", "%d, %d of them cut", s.Reports, s.Cut)
	line("Vulnerabilities", "%d, of which %d can be fixed and %d cannot", s.Counts.Total, s.Counts.Fixable, s.Counts.Total-s.Counts.Fixable)
	for _, severity := range []struct {
		name string
		n    int64
	}{{"Critical", s.Counts.Critical}, {"High", s.Counts.High}, {"Medium", s.Counts.Medium}, {"Low", s.Counts.Low}, {"Other", s.Counts.Other}} {
		line("  "+severity.name, "%d\t%s", severity.n, share(severity.n, s.Counts.Total))
	}
	line("CVSS v3", "mean %.2f, median %.2f, standard deviation %.2f, from %.1f to %.1f", figures.Mean, figures.Median, figures.StandardDeviation, figures.Min, figures.Max)
	switch {
	case s.CVSS.Unscored > 0 && c.scoredOnly:
		line("  Unscored", "%d, which are left out", s.CVSS.Unscored)
	case s.CVSS.Unscored > 0:
		line("  Unscored", "%d, which count as 0; --scored-only leaves them out", s.CVSS.Unscored)
	}
	tabs := printers.GetNewTabWriter(c.Out)
	if err := printers.WriteEscaped(tabs, text.String()); err != nil {
		return err
	}
	if err := tabs.Flush(); err != nil || len(s.Top) == 0 {
		return err
	}
	return printTop(c, s.Top)
}

func share(n, total int64) string {
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%%", float64(n)/float64(total)*100)
}

func printTop(c *vulnCommand, top []vulnerability.Identifier) error {
	if _, err := fmt.Fprintln(c.Out); err != nil {
		return err
	}
	table := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{
		{Name: "ID"}, {Name: "Severity"}, {Name: "CVSS"}, {Name: "Artifacts"}, {Name: "Fixable"}, {Name: "Packages"},
	}}
	for _, k := range top {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{
			k.ID, orNone(k.Severity), orNone(k.CVSS), k.Artifacts, map[bool]string{true: "yes", false: "no"}[k.Fixable], orNone(strings.Join(k.Packages, ",")),
		}})
	}
	return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, c.Out)
}
