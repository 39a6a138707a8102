// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// findingFlags ask for vulnerabilities that stand in VulnerabilityReports.
type findingFlags struct {
	cves, packages, descriptions []string
	minVersion, maxVersion       string
}

func (f *findingFlags) addFlags(flags *pflag.FlagSet) {
	// No StringSlice: a regular expression may hold commas.
	flags.StringArrayVar(&f.cves, "cve", nil, "with a vulnerability that has such an identifier")
	flags.StringArrayVar(&f.packages, "package", nil, "with one in such a package")
	flags.StringVar(&f.minVersion, "min-version", "", "with one in this version of the package, or a later one")
	flags.StringVar(&f.maxVersion, "max-version", "", "with one in this version of the package, or an earlier one")
	flags.StringArrayVar(&f.descriptions, "description", nil, "with one of such a description")
}

func (f *findingFlags) given() bool {
	return len(f.cves)+len(f.packages)+len(f.descriptions) > 0 || f.minVersion+f.maxVersion != ""
}

// query is what the flags ask for. An error is a wrong usage.
func (f *findingFlags) query(mode, descriptionMode string) (q vulnerability.Query, err error) {
	q.MinVersion, q.MaxVersion = f.minVersion, f.maxVersion
	q.CaseSensitive = true // where case does not matter, the expressions say so
	return q, errors.Join(
		setExpression(&q.CVE, "cve", mode, f.cves),
		setExpression(&q.Package, "package", mode, f.packages),
		setExpression(&q.Description, "description", descriptionMode, f.descriptions),
	)
}

// setExpression makes the texts of a flag a regular expression. An error is a wrong usage.
func setExpression(to *string, flag, mode string, texts []string) (err error) {
	if *to, err = expression(mode, texts); err != nil {
		return usageError("--%s: %w", flag, err)
	}
	return nil
}

// compile makes a query ready. An error is a wrong usage.
func compile(q vulnerability.Query) (*vulnerability.Matcher, error) {
	m, err := q.Compile()
	if err != nil {
		return nil, usageError("--%w", err)
	}
	return m, nil
}

// reports lists the VulnerabilityReports of the inventories.
func (s *source) reports(namespace, project string) listing {
	return listing{resource: reportsResource, namespace: namespace, chunk: s.chunk, labels: s.selector(), fields: projectSelector(project)}
}

// doubtOfReports says what an inventory lacks of its VulnerabilityReports, or is empty.
func doubtOfReports(inv *v1alpha1.HarborInventory) string {
	status := inv.Status.VulnerabilityReports
	switch {
	case inv.Spec.VulnerabilityReports == nil:
		return "has no vulnerability reports: its spec.vulnerabilityReports does not ask for any"
	case status == nil:
		return "has no vulnerability reports yet"
	case status.Missing == 0:
		return ""
	}
	lines := []string{fmt.Sprintf("lacks %d of %d vulnerability reports", status.Missing, status.Selected)}
	for _, failure := range status.Failures {
		lines = append(lines, failure.Message)
	}
	return strings.Join(lines, "\n  ")
}
