// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func scanned(total, fixable, critical, high, medium, low, other int64) *v1alpha1.VulnerabilityCounts {
	return &v1alpha1.VulnerabilityCounts{Total: total, Fixable: fixable, Critical: critical, High: high, Medium: medium, Low: low, Other: other}
}

func TestTotals(t *testing.T) {
	with := func(size int64, counts *v1alpha1.VulnerabilityCounts) v1alpha1.ArtifactEntry {
		e := v1alpha1.ArtifactEntry{SizeBytes: size}
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
		{"no scans", []v1alpha1.ArtifactEntry{with(1, nil), with(2, nil)}, Totals{Artifacts: 2, SizeBytes: 3}},
		{
			"a scan that found nothing is a scan",
			[]v1alpha1.ArtifactEntry{with(1, nil), with(2, scanned(0, 0, 0, 0, 0, 0, 0))},
			Totals{Artifacts: 2, SizeBytes: 3, Vulnerabilities: scanned(0, 0, 0, 0, 0, 0, 0)},
		},
		{
			"scans",
			[]v1alpha1.ArtifactEntry{with(1, scanned(21, 7, 1, 2, 3, 4, 11)), with(2, nil), with(4, scanned(100, 10, 10, 20, 30, 40, 0))},
			Totals{Artifacts: 3, SizeBytes: 7, Vulnerabilities: scanned(121, 17, 11, 22, 33, 44, 11)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, TotalsOf(test.entries)); diff != "" {
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
			if rapid.Bool().Draw(t, "scanned") {
				n := rapid.Int64Range(0, 1000).Draw(t, "n")
				e.Vulnerabilities = &v1alpha1.Vulnerabilities{VulnerabilityCounts: *scanned(n, n+1, n+2, n+3, n+4, n+5, n+6)}
			}
			entries = append(entries, e)
		}
		at := rapid.IntRange(0, len(entries)).Draw(t, "at")
		a, b := TotalsOf(entries[:at]), TotalsOf(entries[at:])
		sum := a.Add(b)
		if diff := cmp.Diff(TotalsOf(entries), sum); diff != "" {
			t.Fatalf("-whole +sum:\n%s", diff)
		}
		if diff := cmp.Diff(sum, b.Add(a)); diff != "" {
			t.Fatalf("the order makes a difference:\n%s", diff)
		}
		if cmp.Diff(a, TotalsOf(entries[:at]))+cmp.Diff(b, TotalsOf(entries[at:])) != "" {
			t.Fatalf("Add has changed what it added")
		}
	})
}
