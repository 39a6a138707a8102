// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func scanned(total, fixable, critical, high, medium, low, other int64) *v1alpha1.VulnerabilityCounts {
	return &v1alpha1.VulnerabilityCounts{Total: total, Fixable: fixable, Critical: critical, High: high, Medium: medium, Low: low, Other: other}
}

func images(n, size int64) []v1alpha1.TypeTotal {
	return []v1alpha1.TypeTotal{{Type: "IMAGE", Artifacts: n, SizeBytes: size}}
}

func TestTotals(t *testing.T) {
	with := func(size int64, counts *v1alpha1.VulnerabilityCounts) v1alpha1.ArtifactEntry {
		e := v1alpha1.ArtifactEntry{Type: "IMAGE", SizeBytes: size, Tags: []string{"v1"}}
		if counts != nil {
			e.Vulnerabilities = &v1alpha1.Vulnerabilities{VulnerabilityCounts: *counts}
		}
		return e
	}
	for _, test := range []struct {
		name    string
		entries []v1alpha1.ArtifactEntry
		want    Totals
	}{
		{"nothing", nil, Totals{}},
		{"no scans", []v1alpha1.ArtifactEntry{with(1, nil), with(2, nil)}, Totals{Artifacts: 2, SizeBytes: 3, Types: images(2, 3)}},
		{
			"a scan that found nothing is a scan",
			[]v1alpha1.ArtifactEntry{with(1, nil), with(2, scanned(0, 0, 0, 0, 0, 0, 0))},
			Totals{Artifacts: 2, SizeBytes: 3, Types: images(2, 3), Vulnerabilities: scanned(0, 0, 0, 0, 0, 0, 0)},
		},
		{
			"scans",
			[]v1alpha1.ArtifactEntry{with(1, scanned(21, 7, 1, 2, 3, 4, 11)), with(2, nil), with(4, scanned(100, 10, 10, 20, 30, 40, 0))},
			Totals{Artifacts: 3, SizeBytes: 7, Types: images(3, 7), Vulnerabilities: scanned(121, 17, 11, 22, 33, 44, 11)},
		},
		{
			"types, tags, signatures and SBOMs",
			[]v1alpha1.ArtifactEntry{
				{Type: "IMAGE", SizeBytes: 1, Signed: new(true), Tags: []string{"v1"}},
				{Type: "CHART", SizeBytes: 2, Signed: new(false)},
				{Type: "IMAGE", SizeBytes: 4, SBOM: &v1alpha1.SBOM{Digest: "sha256:1"}},
				{Type: "IMAGE", SizeBytes: 8, SBOM: &v1alpha1.SBOM{ScanStatus: "Error"}},
			},
			Totals{Artifacts: 4, SizeBytes: 15, Untagged: 3, Signed: 1, WithSBOM: 1, Types: []v1alpha1.TypeTotal{
				{Type: "CHART", Artifacts: 1, SizeBytes: 2}, {Type: "IMAGE", Artifacts: 3, SizeBytes: 13},
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, TotalsOf(test.entries, nil)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Totals of parts add up to those of the whole, and adding changes neither.
func TestTotalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []v1alpha1.ArtifactEntry
		for range rapid.IntRange(0, 8).Draw(t, "entries") {
			e := v1alpha1.ArtifactEntry{SizeBytes: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			e.Type = rapid.SampledFrom([]string{"IMAGE", "CHART", "WASM", ""}).Draw(t, "type")
			e.Signed = rapid.SampledFrom([]*bool{nil, new(false), new(true)}).Draw(t, "signed")
			if rapid.Bool().Draw(t, "scanned") {
				n := rapid.Int64Range(0, 1000).Draw(t, "n")
				e.Vulnerabilities = &v1alpha1.Vulnerabilities{VulnerabilityCounts: *scanned(n, n+1, n+2, n+3, n+4, n+5, n+6)}
				e.Vulnerabilities.Severity = rapid.SampledFrom([]string{"", "Critical", "High", "Medium", "Low", "Unknown"}).Draw(t, "severity")
			}
			e.Unavailable = rapid.SampledFrom([][]string{nil, {"vulnerabilities"}}).Draw(t, "unavailable")
			entries = append(entries, e)
		}
		asked := rapid.SampledFrom([][]v1alpha1.Detail{nil, bothOverviews}).Draw(t, "asked")
		at := rapid.IntRange(0, len(entries)).Draw(t, "at")
		a, b := TotalsOf(entries[:at], asked), TotalsOf(entries[at:], asked)
		sum := a.Add(b)
		if diff := cmp.Diff(TotalsOf(entries, asked), sum); diff != "" {
			t.Fatalf("-whole +sum:\n%s", diff)
		}
		if diff := cmp.Diff(sum, b.Add(a)); diff != "" {
			t.Fatalf("the order makes a difference:\n%s", diff)
		}
		if cmp.Diff(a, TotalsOf(entries[:at], asked))+cmp.Diff(b, TotalsOf(entries[at:], asked)) != "" {
			t.Fatalf("Add has changed what it added")
		}
	})
}

func TestShownTotals(t *testing.T) {
	var totals Totals
	for _, v := range []v1alpha1.Vulnerabilities{
		{Severity: "Critical", ScanStatus: "Success"},
		{Severity: "High"},
		{Severity: "High"},
		{Severity: "Medium"},
		{Severity: "Low"},
		{Severity: "None", ScanStatus: "Success"},
		{Severity: "Unknown"},
		{ScanStatus: "Success"},
		{ScanStatus: "Error"},
		{ScanStatus: "Running"},
	} {
		totals = totals.Add(TotalsOf([]v1alpha1.ArtifactEntry{{Vulnerabilities: &v}}, bothOverviews[:1]))
	}
	totals = totals.Add(TotalsOf([]v1alpha1.ArtifactEntry{{Unavailable: []string{"vulnerabilities"}}, {Signed: new(true)}, {SBOM: &v1alpha1.SBOM{Digest: "sha256:1"}}}, bothOverviews[:1]))
	if got := totals.Shown(nil); got.Signed != nil || got.WithSBOM != nil || got.BySeverity != nil {
		t.Errorf("what was not asked for is shown: %+v", got)
	}
	got := totals.Shown(NewSet([]v1alpha1.Detail{v1alpha1.DetailVulnerabilities, v1alpha1.DetailAccessories, v1alpha1.DetailSBOM}))
	want := v1alpha1.SeverityTotals{Critical: 1, High: 2, Medium: 1, Low: 1, None: 3, Unscanned: 3, Pending: 2}
	if got.BySeverity == nil || *got.BySeverity != want || totals.Pending != 2 || *got.Signed != 1 || *got.WithSBOM != 1 || got.Artifacts != 13 {
		t.Errorf("%+v, by severity %+v", got, got.BySeverity)
	}
}

// Of many types and projects some are named, and the others sum up: nothing is lost.
func TestShownTotalsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		projects := map[string]ProjectTotals{}
		var whole Totals
		for p := range rapid.IntRange(0, 30).Draw(t, "projects") {
			var entries []v1alpha1.ArtifactEntry
			for n := range rapid.IntRange(0, 25).Draw(t, "artifacts") {
				entries = append(entries, v1alpha1.ArtifactEntry{Type: fmt.Sprintf("T%d", n), SizeBytes: int64(p + 1)})
			}
			projects[fmt.Sprintf("p%02d", p)] = ProjectTotals{Repositories: 1, Totals: TotalsOf(entries, nil)}
			whole = whole.Add(TotalsOf(entries, nil))
		}
		shown, others := ShownProjects(projects, nil)
		if len(shown) != min(len(projects), v1alpha1.MaxProjectTotals) || (others != nil) != (len(projects) > v1alpha1.MaxProjectTotals) {
			t.Fatalf("%d of %d projects are shown, others %+v", len(shown), len(projects), others)
		}
		var artifacts, size, least int64
		for _, p := range shown {
			artifacts, size = artifacts+p.Artifacts, size+p.SizeBytes
			sum, most := int64(0), int64(math.MaxInt64)
			for _, of := range p.ByType {
				sum += of.Artifacts
				if of.Type != "other" && of.Artifacts > most {
					t.Fatalf("types are out of order: %+v", p.ByType)
				}
				most = of.Artifacts
			}
			if sum != p.Artifacts || len(p.ByType) > v1alpha1.MaxTypeTotals {
				t.Fatalf("%d artifacts by type, %d in all: %+v", sum, p.Artifacts, p.ByType)
			}
			if least == 0 || p.Artifacts < least {
				least = p.Artifacts
			}
		}
		if others != nil {
			artifacts, size = artifacts+others.Artifacts, size+others.SizeBytes
			if int(others.Projects) != len(projects)-len(shown) || others.Artifacts > least*int64(others.Projects) {
				t.Fatalf("others %+v, beside %d of %d or more artifacts", others, len(shown), least)
			}
		}
		if artifacts != whole.Artifacts || size != whole.SizeBytes {
			t.Fatalf("%d artifacts of %d bytes are shown, there are %d of %d", artifacts, size, whole.Artifacts, whole.SizeBytes)
		}
	})
}
