// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	humanduration "k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// describe prints everything about one inventory, apart from another one before it.
func (c *statusCommand) describe(inv *v1alpha1.HarborInventory, another bool) error {
	d := &description{now: c.now()}
	if another {
		d.text.WriteString("\n")
	}
	s := &inv.Status
	d.line("Inventory", "%s/%s", inv.Namespace, inv.Name)
	d.line("Harbor", "%s (%s)", inv.Spec.Harbor.URL, cmp.Or(s.HarborVersion, "version not known"))
	d.line("Doing", "%s", doing(inv))
	for _, condition := range s.Conditions {
		d.line(condition.Type, "%s for %s, %s: %s", condition.Status, d.since(condition.LastTransitionTime.Time), condition.Reason, condition.Message)
	}
	d.contents(s)
	d.line("Last sync", "%s", phrased(ago(s.LastSyncTime, d.now), "%s ago"))
	d.line("Read in full", "%s", phrased(ago(s.LastFullSyncTime, d.now), "%s ago"))
	d.line("Next sync", "%s", phrased(until(s.NextSyncTime, d.now), "in %s"))
	d.line("Kept current by", "%s", orNone(strings.ReplaceAll(s.Layers, "; ", "\n\t")))
	d.missing(s)
	tabs := printers.GetNewTabWriter(c.Out)
	if err := printers.WriteEscaped(tabs, d.text.String()); err != nil {
		return err
	}
	return tabs.Flush()
}

// description is made line by line, each a name and a text.
type description struct {
	text strings.Builder
	now  time.Time
}

func (d *description) line(name, format string, args ...any) {
	d.text.WriteString(name + ":\t" + fmt.Sprintf(format, args...) + "\n")
}

func (d *description) since(t time.Time) string { return humanduration.HumanDuration(d.now.Sub(t)) }

// phrased puts a time into a phrase, unless there is none.
func phrased(text, phrase string) string {
	if text == none || text == "now" {
		return text
	}
	return fmt.Sprintf(phrase, text)
}

// contents tells what an inventory holds.
func (d *description) contents(s *v1alpha1.HarborInventoryStatus) {
	if s.Artifacts != nil && s.Repositories != nil && s.Projects != nil {
		d.line("Holds", "%s in %s of %s, %s", counted(*s.Artifacts, "artifact"), counted(*s.Repositories, "repository"),
			counted(*s.Projects, "project"), sizeOrNone(s.SizeBytes))
	}
	if s.Totals != nil {
		d.totals(s.Totals)
	}
	if v := s.Vulnerabilities; v != nil {
		d.line("Vulnerabilities", "%s; %d of %d fixable", bySeverity(v), v.Fixable, v.Total)
	}
	if r := s.VulnerabilityReports; r != nil {
		d.line("Reports", "%d of the %d worst artifacts, %d of them cut; %d more left out", r.Written, r.Selected, r.Cut, r.LeftOut)
	}
	if len(s.ProjectTotals) > 0 {
		d.line("Projects", "%s", number(s.Projects))
	}
	for _, p := range s.ProjectTotals {
		d.line("  "+p.Project, "%s in %s, %s", counted(p.Artifacts, "artifact"), counted(p.Repositories, "repository"), size(p.SizeBytes))
	}
	if o := s.OtherProjects; o != nil {
		d.line("  others", "%s in %s, %s", counted(o.Artifacts, "artifact"), counted(o.Projects, "project"), size(o.SizeBytes))
	}
}

// totals tells of what kinds the artifacts are.
func (d *description) totals(t *v1alpha1.ArtifactTotals) {
	var types []string
	for _, of := range t.ByType {
		types = append(types, fmt.Sprintf("%d %s", of.Artifacts, of.Type))
	}
	if len(types) > 0 {
		d.line("  by type", "%s", strings.Join(types, ", "))
	}
	if by := t.BySeverity; by != nil {
		d.line("  by severity", "%d critical, %d high, %d medium, %d low, %d none; %d not scanned, %d not looked up yet",
			by.Critical, by.High, by.Medium, by.Low, by.None, by.Unscanned, by.Pending)
	}
	kinds := []string{fmt.Sprintf("%d untagged", t.Untagged)}
	if t.Signed != nil {
		kinds = append(kinds, fmt.Sprintf("%d signed", *t.Signed))
	}
	if t.WithSBOM != nil {
		kinds = append(kinds, fmt.Sprintf("%d with an SBOM", *t.WithSBOM))
	}
	d.line("  of them", "%s", strings.Join(kinds, ", "))
}

// missing tells what could not be found or read.
func (d *description) missing(s *v1alpha1.HarborInventoryStatus) {
	if len(s.NotFound) > 0 {
		d.line("Not found", "%s", strings.Join(s.NotFound, ", "))
	}
	if s.FailuresTotal == 0 {
		return
	}
	d.line("Failures", "%d", s.FailuresTotal)
	for _, f := range s.Failures {
		d.line("  "+cmp.Or(f.Repository, f.Project, "the registry"), "%s for %s: %s", f.Reason, d.since(f.Since.Time), f.Message)
	}
	if more := int(s.FailuresTotal) - len(s.Failures); more > 0 {
		d.line("  more", "%d, which the status does not name", more)
	}
}
