// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ArtifactFilter selects artifacts within the selected repositories. All given
// conditions must hold.
type ArtifactFilter struct {
	// tags selects artifacts by their tags. An artifact stays when one of its
	// tags is let through; it is then listed with all of its tags. Untagged
	// artifacts are not concerned: see untagged.
	// +optional
	Tags *TagFilter `json:"tags,omitempty"`

	// untagged says whether artifacts without a tag are listed. The default is
	// Include.
	// +optional
	Untagged UntaggedPolicy `json:"untagged,omitempty"`

	// types keeps artifacts of these types only, as Harbor names them: IMAGE,
	// CHART, CNAB, WASM, SBOM, ...
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	Types []ArtifactType `json:"types,omitempty"`

	// labels keeps artifacts that carry all of these Harbor labels.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	Labels []LabelName `json:"labels,omitempty"`

	// latest keeps the newest N artifacts of each repository by push time; of
	// two pushed at the same instant, the one that Harbor stored later. It is
	// applied after all other conditions.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Latest *int32 `json:"latest,omitempty"`

	// query is passed on to Harbor as the parameter q of its artifact listing,
	// like push_time=[2026-01-01T00:00:00~] or tags=~release. Harbor ignores keys
	// that it does not know and then lists everything; conditions on id are
	// refused, because paging needs them.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z_]+=[^=,]+(,[a-z_]+=[^=,]+)*$')",message="must be conditions of the form key=value, key=~part, key=[from~to], key={a b} or key=(a b), separated by commas"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(^|,)(id|base)=')",message="must have no condition on id or base: the operator uses them itself"
	Query string `json:"query,omitempty"`
}

// TagFilter lets tags through: those that match an expression of include (or
// any, if it is empty) and none of exclude.
type TagFilter struct {
	// include holds regular expressions (RE2 syntax, unanchored).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Include []Expression `json:"include,omitempty"`

	// exclude holds regular expressions (RE2 syntax, unanchored).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Exclude []Expression `json:"exclude,omitempty"`
}

// Expression is a regular expression in RE2 syntax.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="'.'.matches(self) ? true : true",message="must be a regular expression in RE2 syntax, like ^v[0-9]+; it is no shell pattern"
type Expression string

// UntaggedPolicy says what becomes of artifacts without a tag.
// +kubebuilder:validation:Enum=Include;Exclude;Only
type UntaggedPolicy string

const (
	// UntaggedInclude lists artifacts without a tag beside the others.
	UntaggedInclude UntaggedPolicy = "Include"
	// UntaggedExclude leaves artifacts without a tag out.
	UntaggedExclude UntaggedPolicy = "Exclude"
	// UntaggedOnly lists nothing but artifacts without a tag.
	UntaggedOnly UntaggedPolicy = "Only"
)

// ArtifactType is a type of artifact as Harbor names it, in capitals.
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Z0-9._/+-]+$')",message="must be a type as Harbor names it, in capitals, like IMAGE or CHART"
type ArtifactType string

// LabelName is the name of a Harbor label.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
type LabelName string

// Detail names something about artifacts that is read on request.
// +kubebuilder:validation:Enum=Labels;Vulnerabilities;SBOM;Accessories;Immutability;Annotations;Platforms
type Detail string

const (
	// DetailLabels adds the names of Harbor's labels.
	DetailLabels Detail = "Labels"
	// DetailVulnerabilities adds the counts of the last scan.
	DetailVulnerabilities Detail = "Vulnerabilities"
	// DetailSBOM adds the digest of the SBOM that Harbor generated.
	DetailSBOM Detail = "SBOM"
	// DetailAccessories adds signatures, attestations and other accessories.
	DetailAccessories Detail = "Accessories"
	// DetailImmutability adds which tags an immutability rule protects.
	DetailImmutability Detail = "Immutability"
	// DetailAnnotations adds the annotations of the manifest.
	DetailAnnotations Detail = "Annotations"
	// DetailPlatforms adds operating systems and architectures.
	DetailPlatforms Detail = "Platforms"
)
