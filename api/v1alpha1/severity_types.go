// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Severity of a vulnerability.
// +kubebuilder:validation:Enum=Low;Medium;High;Critical
type Severity string

// The severities that a filter can ask for, the worst last.
const (
	SeverityLow      Severity = "Low"
	SeverityMedium   Severity = "Medium"
	SeverityHigh     Severity = "High"
	SeverityCritical Severity = "Critical"
)
