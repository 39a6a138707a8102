// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"regexp"
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
	mode       string
	query      vulnerability.Query
	fixable    bool
	top        int
	summary    bool
	scoredOnly bool
	format     string
}

var vulnFormats = []string{formatWide, formatName, formatJSON, formatLines}

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
	flags.StringVar(&c.query.CVE, "cve", "", "vulnerabilities with such an identifier")
	flags.StringVar(&c.query.Package, "package", "", "in such a package")
	flags.StringVar(&c.query.MinVersion, "min-version", "", "in this version of the package, or a later one")
	flags.StringVar(&c.query.MaxVersion, "max-version", "", "in this version of the package, or an earlier one")
	flags.StringVar(&c.query.Description, "description", "", "with such a description")
	flags.StringSliceVar(&c.query.FindingSeverities, "severity", nil, "of one of these severities, as the scanner names them: critical, high, medium, low, ...")
	flags.BoolVar(&c.fixable, "fixable", false, "with a version without it; =false: without one")
	flags.StringVarP(&c.query.Repository, "repository", "r", "", "in reports of such a repository, with its project")
	flags.StringVarP(&c.query.Tag, "tag", "t", "", "in reports of an artifact with such a tag")
	flags.StringVar(&c.query.Severity, "worst", "", "in reports whose worst vulnerability is of this severity")
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
	if c.format != formatTable && c.format != "table" && !slices.Contains(vulnFormats, c.format) {
		return nil, false, usageError("--output=%q: want %s", c.format, strings.Join(vulnFormats, ", "))
	}
	if c.top < 0 {
		return nil, false, usageError("--top=%d: give a number of identifiers, or 0 for none", c.top)
	}
	q := c.query
	if err := c.asExpressions(&q); err != nil {
		return nil, false, err
	}
	given := command.Flags().Changed("fixable")
	q.Fixable, q.Unfixable = given && c.fixable, given && !c.fixable
	if m, err = q.Compile(); err != nil {
		return nil, false, usageError("--%w", err)
	}
	list = given || q.CVE+q.Package+q.Description+q.MinVersion+q.MaxVersion != "" || len(q.FindingSeverities) > 0
	return m, list && !c.summary, nil
}

// asExpressions makes what --match says of the texts of a query.
func (c *vulnCommand) asExpressions(q *vulnerability.Query) error {
	q.CaseSensitive = c.mode != matchContains
	for _, text := range []*string{&q.CVE, &q.Package, &q.Description, &q.Repository, &q.Tag} {
		switch {
		case c.mode == matchContains:
			*text = regexp.QuoteMeta(*text)
		case c.mode == matchExact && *text != "":
			*text = "^" + regexp.QuoteMeta(*text) + "$"
		}
	}
	if !slices.Contains(matchModes, c.mode) {
		return usageError("--match=%q: want %s", c.mode, strings.Join(matchModes, ", "))
	}
	return nil
}

func (c *vulnCommand) run(command *cobra.Command) error {
	m, list, err := c.matcher(command)
	if err != nil {
		return err
	}
	if !list && (c.format == formatName || c.format == formatLines) {
		return usageError("--output=%q is for a list of vulnerabilities: give a condition on them, like --severity critical", c.format)
	}
	found, err := c.ask(command.Context(), m, list)
	if err != nil {
		return err
	}
	if list {
		err = found.printFindings(c)
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
	asked, err := c.warn(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	f := &found{}
	l := listing{resource: reportsResource, namespace: namespace, chunk: c.chunk, labels: c.selector()}
	err = stream(ctx, client, l, func(report *v1alpha1.VulnerabilityReport) error {
		f.reports++
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
	if err == nil && f.reports == 0 && !asked {
		tell(c.ErrOut, "No VulnerabilityReports found %s: spec.vulnerabilityReports of a HarborInventory asks for them.\n", inNamespace(namespace))
	}
	return f, err
}

// warn says which inventories have not all of their reports, or leave artifacts
// out, and tells whether any asks for reports.
func (c *vulnCommand) warn(ctx context.Context, client rest.Interface, namespace string) (asked bool, err error) {
	l := listing{resource: inventoriesResource, namespace: namespace, chunk: c.chunk}
	err = stream(ctx, client, l, func(inv *v1alpha1.HarborInventory) error {
		if !c.wants(inv.Name) || inv.Spec.VulnerabilityReports == nil {
			return nil
		}
		asked = true
		name := inv.Namespace + "/" + inv.Name
		switch s := inv.Status.VulnerabilityReports; {
		case s == nil:
			tell(c.ErrOut, "Warning: inventory %s has no vulnerability reports yet\n", name)
		case s.Missing > 0:
			tell(c.ErrOut, "Warning: inventory %s lacks %d of %d vulnerability reports\n", name, s.Missing, s.Selected)
			for _, failure := range s.Failures {
				tell(c.ErrOut, "  %s\n", failure.Message)
			}
		}
		if s := inv.Status.VulnerabilityReports; s != nil && s.LeftOut > 0 {
			tell(c.ErrOut, "Warning: inventory %s has reports of its %d worst artifacts; %d more have a vulnerability of severity %s or higher\n",
				name, s.Selected, s.LeftOut, inv.Spec.VulnerabilityReports.MinSeverity)
		}
		return nil
	}, func() error { return nil })
	return asked, err
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
