// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package inventory turns what Harbor says of artifacts into the entries of
// ArtifactLists, filters them and sums them up.
//
// It is pure: equal input gives equal output, and it knows no client, no clock
// and no metric.
package inventory

import (
	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Set is a set of details; the nil Set is empty.
type Set map[v1alpha1.Detail]struct{}

// NewSet returns the set of the given details.
func NewSet(details []v1alpha1.Detail) Set {
	set := make(Set, len(details))
	for _, detail := range details {
		set[detail] = struct{}{}
	}
	return set
}

// Has tells whether the detail is in the set.
func (s Set) Has(detail v1alpha1.Detail) bool {
	_, ok := s[detail]
	return ok
}

// HarborDetails says what Harbor has to be asked for, so that entries can show
// the details and the filter can be applied: a filter on labels needs the labels
// even where they are not shown, and so with platforms and scans. Tags are always
// asked for.
func HarborDetails(details Set, spec *v1alpha1.HarborInventorySpec) harbor.Details {
	filter := &spec.Artifacts
	var keys []string
	for _, key := range spec.AnnotationKeys {
		keys = append(keys, string(key))
	}
	return harbor.Details{
		Tags:         true,
		Labels:       details.Has(v1alpha1.DetailLabels) || len(filter.Labels) > 0,
		Accessories:  details.Has(v1alpha1.DetailAccessories),
		Immutability: details.Has(v1alpha1.DetailImmutability),
		Scan:         details.Has(v1alpha1.DetailVulnerabilities) || filter.MinSeverity != "",
		SBOM:         details.Has(v1alpha1.DetailSBOM),
		Annotations:  details.Has(v1alpha1.DetailAnnotations),
		Platforms:    details.Has(v1alpha1.DetailPlatforms) || len(filter.Platforms) > 0,

		AnnotationKeys: keys,
	}
}
