// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// vulnCommand asks the VulnerabilityReports in a cluster.
type vulnCommand struct {
	*environment
	source
	mode                         string
	findings                     findingFlags
	projects, repositories, tags []string
	severities                   []string
	worst                        string
	fixable                      bool
	top                          int
	summary                      bool
	scoredOnly                   bool
	format                       string
}

var vulnFormats = []string{formatWide, formatName, formatJSON, formatLines, formatYAML, formatJSONPath, formatColumns}

func newVuln(e *environment) *cobra.Command {
	c := &vulnCommand{environment: e}
	command := &cobra.Command{
		Use:     "vuln",
		Aliases: []string{"vulnerabilities"},
		Short:   "Sum up vulnerability reports, or search them by CVE, package, description, severity",
		Long: `Sum up the VulnerabilityReports in the current namespace: how many vulnerabilities of
which severity, the CVSS scores, and the worst identifiers. Or, with a condition on
vulnerabilities (--cve, --package, --min-version, --max-version, --description,
--severity, --fixable), list those that meet all conditions, the worst first. With
--summary, the reports that hold such a one are summed up instead, with everything
in them.

There are reports only where spec.vulnerabilityReports of a HarborInventory asks for
them, of its worst artifacts. A report that was cut holds the worst vulnerabilities
only: what is not in it may be there all the same, which is said on standard error.
Counts and scores are of everything that was found, also in reports that were cut.

--match says how texts match: contains (upper and lower case are the same), exact,
or regex (RE2, unanchored).

` + exitCodes,
		Example: `  # the distribution of severities, CVSS figures and the ten worst CVEs
  kubectl harbor-inventory vuln

  # which images have this one?
  kubectl harbor-inventory vuln -A --cve CVE-2021-44228

  # openssl from 3.0.0 up to 3.0.11, whatever the distribution's revision
  kubectl harbor-inventory vuln --match exact --package openssl --min-version 3.0 --max-version 3.0.11

  # references of images with a critical vulnerability that can be fixed
  kubectl harbor-inventory vuln --severity critical --fixable -o name`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, _ []string) error { return c.run(command) },
	}
	c.addVulnFlags(command)
	c.source.addFlags(command)
	return command
}

func (c *vulnCommand) addVulnFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVarP(&c.mode, "match", "m", matchContains, "how texts match: "+strings.Join(matchModes, ", "))
	c.findings.addFlags(flags)
	flags.StringSliceVar(&c.severities, "severity", nil, "of one of these severities, as the scanner names them: critical, high, medium, low, ...")
	flags.BoolVar(&c.fixable, "fixable", false, "with a version without it; =false: without one")
	flags.StringArrayVarP(&c.projects, "project", "p", nil, "in reports of such a project")
	flags.StringArrayVarP(&c.repositories, "repository", "r", nil, "in reports of such a repository, with or without its project")
	flags.StringArrayVarP(&c.tags, "tag", "t", nil, "in reports of an artifact with such a tag")
	flags.StringVar(&c.worst, "worst", "", "in reports whose worst vulnerability is of this severity")
	flags.BoolVar(&c.summary, "summary", false, "sum up the reports that hold such a vulnerability")
	flags.IntVar(&c.top, "top", 10, "so many of the worst identifiers in a summary")
	flags.BoolVar(&c.scoredOnly, "scored-only", false, "CVSS figures of the vulnerabilities with a score alone; otherwise one without counts as 0")
	flags.StringVarP(&c.format, "output", "o", "", "output format: "+strings.Join(vulnFormats, ", ")+"; a table if not given")
	completeWords(command, "match", matchModes...)
	completeWords(command, "severity", "critical", "high", "medium", "low")
	completeWords(command, "worst", "critical", "high", "medium", "low")
	completeWords(command, "output", vulnFormats...)
}

// matcher makes the query ready. An error is a wrong usage.
func (c *vulnCommand) matcher(command *cobra.Command) (m *vulnerability.Matcher, list bool, err error) {
	if err := c.check(); err != nil {
		return nil, false, err
	}
	if c.top < 0 {
		return nil, false, usageError("--top=%d: give a number of identifiers, or 0 for none", c.top)
	}
	if !slices.Contains(matchModes, c.mode) {
		return nil, false, usageError("--match=%q: want %s", c.mode, strings.Join(matchModes, ", "))
	}
	q, err := c.findings.query(c.mode, c.mode)
	if err != nil {
		return nil, false, err
	}
	q.Severity, q.FindingSeverities = c.worst, c.severities
	err = errors.Join(
		setExpression(&q.Project, "project", c.mode, c.projects),
		setExpression(&q.Repository, "repository", c.mode, c.repositories),
		setExpression(&q.Tag, "tag", c.mode, c.tags),
	)
	if err != nil {
		return nil, false, err
	}
	given := command.Flags().Changed("fixable")
	q.Fixable, q.Unfixable = given && c.fixable, given && !c.fixable
	m, err = compile(q)
	return m, (given || c.findings.given() || len(c.severities) > 0) && !c.summary, err
}

func (c *vulnCommand) run(command *cobra.Command) error {
	m, list, err := c.matcher(command)
	if err != nil {
		return err
	}
	items, err := itemsPrinter[vulnFinding](c.format, vulnFormats, c.Out)
	if err != nil {
		return err
	}
	if !list {
		if err := c.checkSummaryFormat(); err != nil {
			return err
		}
	}
	found, err := c.ask(command.Context(), m, list)
	if err != nil {
		return err
	}
	if list {
		err = found.printFindings(c, items)
	} else {
		err = found.printSummary(c)
	}
	found.tellDoubts(c.ErrOut)
	return err
}

// found is what reports say to the query.
type found struct {
	reports  int // that were asked
	summary  vulnerability.Summary
	findings []vulnFinding
	unknown  []string // references of artifacts whose report was cut, and holds nothing of the kind
	partly   int      // reports that were cut, and hold some
}

// vulnFinding is a vulnerability in an artifact.
type vulnFinding struct {
	Namespace  string   `json:"namespace"`
	Inventory  string   `json:"inventory"`
	Harbor     string   `json:"harbor"`
	Repository string   `json:"repository"`
	Digest     string   `json:"digest"`
	Tags       []string `json:"tags,omitempty"`
	v1alpha1.Vulnerability
}

// ask reads the reports, one after the other.
func (c *vulnCommand) ask(ctx context.Context, m *vulnerability.Matcher, list bool) (*found, error) {
	namespace, err := c.namespace()
	if err != nil {
		return nil, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	known, asked, err := c.warn(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	f := &found{}
	err = stream(ctx, client, c.reports(namespace, ""), func(report *v1alpha1.VulnerabilityReport) error {
		f.reports++
		known[report.Labels[v1alpha1.LabelInventory]] = true
		answer, findings := m.Ask(report)
		switch {
		case answer == vulnerability.Unknown:
			f.unknown = append(f.unknown, referenceOf(report))
		case answer == vulnerability.Yes && list:
			f.add(report, findings)
			if report.Omitted != nil {
				f.partly++
			}
		case answer == vulnerability.Yes:
			f.summary.Add(report)
		}
		return nil
	}, func() error { return nil })
	if err == nil {
		err = c.allKnown(known, namespace)
	}
	if err == nil && f.reports == 0 && !asked {
		tell(c.ErrOut, "No VulnerabilityReports found %s: spec.vulnerabilityReports of a HarborInventory asks for them.\n", inNamespace(namespace))
	}
	return f, err
}

// warn says which inventories have not all of their reports, or leave artifacts
// out, and returns their names, and whether any asks for reports.
func (c *vulnCommand) warn(ctx context.Context, client rest.Interface, namespace string) (known map[string]bool, asked bool, err error) {
	known = map[string]bool{}
	l := listing{resource: inventoriesResource, namespace: namespace, chunk: c.chunk}
	err = stream(ctx, client, l, func(inv *v1alpha1.HarborInventory) error {
		if !c.wants(inv.Name) {
			return nil
		}
		known[inv.Name] = true
		asked = asked || inv.Spec.VulnerabilityReports != nil
		for _, doubt := range []string{doubtOfReports(inv), leftOut(inv)} {
			if doubt != "" {
				tell(c.ErrOut, "Warning: inventory %s/%s %s\n", inv.Namespace, inv.Name, doubt)
			}
		}
		return nil
	}, func() error { return nil })
	return known, asked, err
}

// leftOut says which artifacts are to have no report, though something may be in
// them, or is empty.
func leftOut(inv *v1alpha1.HarborInventory) string {
	s := inv.Status.VulnerabilityReports
	if inv.Spec.VulnerabilityReports == nil || s == nil {
		return ""
	}
	least := inv.Spec.VulnerabilityReports.MinSeverity
	var parts []string
	part := func(n int64, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	part(int64(s.LeftOut), "with one of severity %s or higher", least)
	if totals := inv.Status.Totals; totals != nil && totals.BySeverity != nil {
		by := totals.BySeverity
		part(map[v1alpha1.Severity]int64{
			v1alpha1.SeverityCritical: by.High + by.Medium + by.Low, v1alpha1.SeverityHigh: by.Medium + by.Low, v1alpha1.SeverityMedium: by.Low,
		}[least], "with lesser ones alone")
		part(by.None, "with negligible ones at most")
		part(by.Unscanned, "without the result of a scan")
		part(by.Pending, "not looked up yet")
	}
	if len(parts) == 0 {
		return ""
	}
	if s.Selected == 0 {
		return "has no vulnerability reports: there are " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("has reports of its %s, and none of %s", counted(s.Selected, "worst artifact"), strings.Join(parts, ", "))
}

func (f *found) add(report *v1alpha1.VulnerabilityReport, findings []v1alpha1.Vulnerability) {
	for _, v := range findings {
		f.findings = append(f.findings, vulnFinding{
			Namespace: report.Namespace, Inventory: report.Labels[v1alpha1.LabelInventory], Harbor: report.Harbor,
			Repository: report.Repository, Digest: report.Digest, Tags: report.Tags, Vulnerability: v,
		})
	}
}

// referenceOf is what the artifact of a report is pulled by.
func referenceOf(report *v1alpha1.VulnerabilityReport) string {
	a := Artifact{Harbor: report.Harbor, Repository: report.Repository, ArtifactEntry: v1alpha1.ArtifactEntry{Digest: report.Digest}}
	return a.reference()
}

// unknownShown is how many artifacts are named whose report was cut.
const unknownShown = 5

// tellDoubts says which reports are no proof that something is not there.
func (f *found) tellDoubts(errOut io.Writer) {
	if f.partly > 0 {
		tell(errOut, "Warning: there may be more of the kind: reports shown here that were cut (maxBytes): %d\n", f.partly)
	}
	if len(f.unknown) == 0 {
		return
	}
	tell(errOut, "Warning: it may be there all the same: reports with nothing of the kind that were cut (maxBytes): %d\n", len(f.unknown))
	for _, reference := range f.unknown[:min(unknownShown, len(f.unknown))] {
		tell(errOut, "  %s\n", reference)
	}
	if more := len(f.unknown) - unknownShown; more > 0 {
		tell(errOut, "  and %d more\n", more)
	}
}
