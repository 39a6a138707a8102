// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import "github.com/harbor-inventory/harbor-inventory/api/v1alpha1"

// Totals sums up entries.
type Totals struct {
	// Artifacts is the number of entries.
	Artifacts int64
	// SizeBytes is the sum of their sizes, each as Harbor gives it: layers that
	// artifacts share count for each of them.
	SizeBytes int64
	// Vulnerabilities is the sum over the entries that show any; nil if none does.
	Vulnerabilities *v1alpha1.VulnerabilityCounts
}

// Add returns the totals of both together. Neither is changed.
func (t Totals) Add(other Totals) Totals {
	t.Artifacts += other.Artifacts
	t.SizeBytes += other.SizeBytes
	t.Vulnerabilities = addCounts(t.Vulnerabilities, other.Vulnerabilities)
	return t
}

// TotalsOf sums up the entries.
func TotalsOf(entries []v1alpha1.ArtifactEntry) Totals {
	totals := Totals{Artifacts: int64(len(entries))}
	for i := range entries {
		totals.SizeBytes += entries[i].SizeBytes
		if v := entries[i].Vulnerabilities; v != nil {
			totals.Vulnerabilities = addCounts(totals.Vulnerabilities, &v.VulnerabilityCounts)
		}
	}
	return totals
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
