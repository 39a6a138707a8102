// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// ns/entry should stay about the same from 500 entries to 50,000.
func BenchmarkPlan(b *testing.B) {
	for _, size := range []int{500, 5_000, 50_000} {
		lists := cluster{}
		all := entries(0, size)
		lists.apply(b, Plan(testNamer, all, nil, Limits{}))
		existing := lists.existing()
		half := make([]v1alpha1.ArtifactEntry, 0, size)
		for i := range size {
			half = append(half, entry(2*i)) // every other one is gone, as many are new
		}
		for _, scenario := range []struct {
			name     string
			desired  []v1alpha1.ArtifactEntry
			existing []Existing
			limits   Limits
		}{
			{"first", all, nil, Limits{}},
			{"nothing new", all, existing, Limits{}},
			{"one pushed", append(entries(0, size), entry(size)), existing, Limits{}},
			{"half replaced", half, existing, Limits{}},
			{"limit lowered", all, existing, Limits{MaxEntries: 60}},
		} {
			b.Run(fmt.Sprintf("%s/entries=%d", scenario.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Plan(testNamer, scenario.desired, scenario.existing, scenario.limits)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/entry")
			})
		}
	}
}

func BenchmarkHashEntries(b *testing.B) {
	full := make([]v1alpha1.ArtifactEntry, 1000)
	for i := range full {
		full[i] = fullEntry()
	}
	for _, scenario := range []struct {
		name    string
		entries []v1alpha1.ArtifactEntry
	}{{"plain", entries(0, 1000)}, {"every detail", full}} {
		b.Run(scenario.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				HashEntries(scenario.entries)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(scenario.entries)), "ns/entry")
		})
	}
}
