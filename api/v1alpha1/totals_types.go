// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Bounds of the totals in a status.
const (
	// MaxTypeTotals is the greatest number of types that totals name.
	MaxTypeTotals = 16
	// MaxProjectTotals is the greatest number of projects that have totals of
	// their own.
	MaxProjectTotals = 20
)

// ArtifactTotals sums up artifacts of an inventory.
type ArtifactTotals struct {
	// artifacts is their number.
	Artifacts int64 `json:"artifacts"`

	// sizeBytes is the sum of their sizes, each as Harbor gives it: layers that
	// artifacts share count for each of them.
	SizeBytes int64 `json:"sizeBytes"`

	// untagged is the number of those without a tag.
	Untagged int64 `json:"untagged"`

	// signed is the number of those with a signature, where spec.include names
	// Accessories.
	// +optional
	Signed *int64 `json:"signed,omitempty"`

	// withSBOM is the number of those with an SBOM that Harbor generated, where
	// spec.include names SBOM.
	// +optional
	WithSBOM *int64 `json:"withSBOM,omitempty"`

	// byType counts them by type, the most frequent first. Of more than 16 types
	// the last is called other and sums up the rest.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	ByType []TypeTotal `json:"byType,omitempty"`

	// bySeverity counts them by the highest severity that their last scan found,
	// where spec.include names Vulnerabilities.
	// +optional
	BySeverity *SeverityTotals `json:"bySeverity,omitempty"`
}

// TypeTotal counts artifacts of one type.
type TypeTotal struct {
	// type as Harbor names it, or other.
	Type string `json:"type"`

	// artifacts is their number.
	Artifacts int64 `json:"artifacts"`

	// sizeBytes is the sum of their sizes.
	SizeBytes int64 `json:"sizeBytes"`
}

// SeverityTotals counts artifacts by the highest severity that their last scan
// found.
type SeverityTotals struct {
	// critical ones.
	Critical int64 `json:"critical"`
	// high ones.
	High int64 `json:"high"`
	// medium ones.
	Medium int64 `json:"medium"`
	// low ones.
	Low int64 `json:"low"`
	// none: a scan found nothing of these severities.
	None int64 `json:"none"`
	// unscanned: Harbor has no result of a scan.
	Unscanned int64 `json:"unscanned"`
	// pending: it has yet to be looked up whether Harbor has one.
	Pending int64 `json:"pending"`
}

// ProjectTotals sums up the artifacts of one project.
type ProjectTotals struct {
	// project is its name.
	Project string `json:"project"`

	// repositories of the project with artifacts in the inventory.
	Repositories int32 `json:"repositories"`

	ArtifactTotals `json:",inline"`
}

// OtherProjects sums up the projects that have no totals of their own.
type OtherProjects struct {
	// projects is their number.
	Projects int32 `json:"projects"`

	// artifacts is the number of their artifacts.
	Artifacts int64 `json:"artifacts"`

	// sizeBytes is the sum of these artifacts' sizes.
	SizeBytes int64 `json:"sizeBytes"`
}
