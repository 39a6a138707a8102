// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

func BenchmarkEntry(b *testing.B) {
	large := image()
	large.Tags, large.Annotations, large.AnnotationsTotal = manyTags(5000, 128, true), manyAnnotations(64, 1024), 64
	for _, scenario := range []struct {
		name     string
		artifact harbor.Artifact
		details  Set
	}{
		{"no details", image(), nil},
		{"every detail", image(), everyDetail},
		{"cut in many places", large, everyDetail},
	} {
		b.Run(scenario.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Entry(&scenario.artifact, scenario.details)
			}
		})
	}
}
