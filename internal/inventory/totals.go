// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Totals sums up entries. Its fields are as in v1alpha1.ArtifactTotals.
type Totals struct {
	Artifacts, SizeBytes, Untagged, Signed, WithSBOM int64
	// Types are sorted by name.
	Types []v1alpha1.TypeTotal
	// Pending is the number of those of which something has yet to be looked up.
	Pending int64
	// Severities leaves out those that were not scanned.
	Severities v1alpha1.SeverityTotals
	// Vulnerabilities is the sum over the entries that show any; nil if none does.
	Vulnerabilities *v1alpha1.VulnerabilityCounts
}

// Add returns the totals of both together. Neither is changed.
func (t Totals) Add(other Totals) Totals {
	t.Artifacts += other.Artifacts
	t.SizeBytes += other.SizeBytes
	t.Untagged += other.Untagged
	t.Signed += other.Signed
	t.WithSBOM += other.WithSBOM
	t.Pending += other.Pending
	t.Types = addTypes(t.Types, other.Types)
	t.Severities.Critical += other.Severities.Critical
	t.Severities.High += other.Severities.High
	t.Severities.Medium += other.Severities.Medium
	t.Severities.Low += other.Severities.Low
	t.Severities.None += other.Severities.None
	t.Severities.Pending += other.Severities.Pending
	t.Vulnerabilities = addCounts(t.Vulnerabilities, other.Vulnerabilities)
	return t
}

// TotalsOf sums up the entries. Asked are the overviews that they are to show.
func TotalsOf(entries []v1alpha1.ArtifactEntry, asked []v1alpha1.Detail) Totals {
	totals := Totals{Artifacts: int64(len(entries))}
	types := map[string]v1alpha1.TypeTotal{}
	scans := slices.Contains(asked, v1alpha1.DetailVulnerabilities)
	for i := range entries {
		e := &entries[i]
		totals.SizeBytes += e.SizeBytes
		totals.Untagged += count(len(e.Tags) == 0)
		totals.Signed += count(e.Signed != nil && *e.Signed)
		totals.WithSBOM += count(e.SBOM != nil && e.SBOM.Digest != "")
		totals.Pending += count(Pending(e, asked))
		of := types[e.Type]
		types[e.Type] = v1alpha1.TypeTotal{Type: e.Type, Artifacts: of.Artifacts + 1, SizeBytes: of.SizeBytes + e.SizeBytes}
		switch {
		case e.Vulnerabilities != nil:
			addScan(&totals, e.Vulnerabilities)
		case scans && !slices.Contains(e.Unavailable, fieldVulnerabilities):
			totals.Severities.Pending++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		totals.Types = append(totals.Types, types[name])
	}
	return totals
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// addScan counts a scan without a result, such as one that failed, for nothing.
func addScan(t *Totals, v *v1alpha1.Vulnerabilities) {
	t.Vulnerabilities = addCounts(t.Vulnerabilities, &v.VulnerabilityCounts)
	switch severity := v1alpha1.Severity(v.Severity); {
	case severity == v1alpha1.SeverityCritical:
		t.Severities.Critical++
	case severity == v1alpha1.SeverityHigh:
		t.Severities.High++
	case severity == v1alpha1.SeverityMedium:
		t.Severities.Medium++
	case severity == v1alpha1.SeverityLow:
		t.Severities.Low++
	case severity != "" || v.ScanStatus == "Success":
		t.Severities.None++
	}
}

// addTypes merges two lists that are sorted by name. It returns one of them or a
// list of its own.
func addTypes(a, b []v1alpha1.TypeTotal) []v1alpha1.TypeTotal {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b)
	}
	sum := make([]v1alpha1.TypeTotal, 0, max(len(a), len(b)))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Type < b[0].Type:
			sum, a = append(sum, a[0]), a[1:]
		case len(a) == 0 || b[0].Type < a[0].Type:
			sum, b = append(sum, b[0]), b[1:]
		default:
			sum = append(sum, v1alpha1.TypeTotal{
				Type: a[0].Type, Artifacts: a[0].Artifacts + b[0].Artifacts, SizeBytes: a[0].SizeBytes + b[0].SizeBytes,
			})
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

// addCounts returns a sum of its own, or nil if both are.
func addCounts(a, b *v1alpha1.VulnerabilityCounts) *v1alpha1.VulnerabilityCounts {
	if a == nil && b == nil {
		return nil
	}
	var sum v1alpha1.VulnerabilityCounts
	for _, c := range []*v1alpha1.VulnerabilityCounts{a, b} {
		if c == nil {
			continue
		}
		sum.Total += c.Total
		sum.Fixable += c.Fixable
		sum.Critical += c.Critical
		sum.High += c.High
		sum.Medium += c.Medium
		sum.Low += c.Low
		sum.Other += c.Other
	}
	return &sum
}

// Shown returns the totals as a status shows them: what the details do not ask
// for is left out, and of many types the most frequent are named.
func (t Totals) Shown(details Set) v1alpha1.ArtifactTotals {
	shown := v1alpha1.ArtifactTotals{
		Artifacts: t.Artifacts, SizeBytes: t.SizeBytes, Untagged: t.Untagged, ByType: frequent(t.Types, v1alpha1.MaxTypeTotals),
	}
	if details.Has(v1alpha1.DetailAccessories) {
		shown.Signed = &t.Signed
	}
	if details.Has(v1alpha1.DetailSBOM) {
		shown.WithSBOM = &t.WithSBOM
	}
	if details.Has(v1alpha1.DetailVulnerabilities) {
		by := t.Severities
		by.Unscanned = t.Artifacts - by.Critical - by.High - by.Medium - by.Low - by.None - by.Pending
		shown.BySeverity = &by
	}
	return shown
}

// otherTypes sums up types that are not named. Harbor's own are in capitals.
const otherTypes = "other"

// frequent returns at most n types, the most frequent first, of equal ones by
// name; the last sums up the rest where there are more.
func frequent(types []v1alpha1.TypeTotal, n int) []v1alpha1.TypeTotal {
	types = slices.SortedStableFunc(slices.Values(types), func(a, b v1alpha1.TypeTotal) int { return cmp.Compare(b.Artifacts, a.Artifacts) })
	if len(types) <= n {
		return types
	}
	other := v1alpha1.TypeTotal{Type: otherTypes}
	for _, t := range types[n-1:] {
		other.Artifacts += t.Artifacts
		other.SizeBytes += t.SizeBytes
	}
	return append(types[:n-1], other)
}

// ProjectTotals sums up the entries of one project.
type ProjectTotals struct {
	// Repositories with entries.
	Repositories int
	Totals       Totals
}

// ShownProjects returns the totals of at most v1alpha1.MaxProjectTotals projects,
// those with the most artifacts, of equal ones the first by name, sorted by name;
// and the sum of the others, nil if there are none.
func ShownProjects(projects map[string]ProjectTotals, details Set) ([]v1alpha1.ProjectTotals, *v1alpha1.OtherProjects) {
	names := slices.SortedFunc(maps.Keys(projects), func(a, b string) int {
		return cmp.Or(cmp.Compare(projects[b].Totals.Artifacts, projects[a].Totals.Artifacts), cmp.Compare(a, b))
	})
	var others *v1alpha1.OtherProjects
	if len(names) > v1alpha1.MaxProjectTotals {
		others = &v1alpha1.OtherProjects{}
		for _, name := range names[v1alpha1.MaxProjectTotals:] {
			others.Projects++
			others.Artifacts += projects[name].Totals.Artifacts
			others.SizeBytes += projects[name].Totals.SizeBytes
		}
		names = names[:v1alpha1.MaxProjectTotals]
	}
	slices.Sort(names)
	var shown []v1alpha1.ProjectTotals
	for _, name := range names {
		p := projects[name]
		shown = append(shown, v1alpha1.ProjectTotals{
			Project: name, Repositories: int32(p.Repositories), ArtifactTotals: p.Totals.Shown(details), //nolint:gosec // far below 2^31
		})
	}
	return shown, others
}
