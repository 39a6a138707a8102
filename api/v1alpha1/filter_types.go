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

	// platforms keeps artifacts for one of these platforms, as
	// os/architecture[/variant]; without a variant, any will do. An artifact of no
	// platform, such as a chart, does not stay.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	Platforms []PlatformName `json:"platforms,omitempty"`

	// pushedSince keeps artifacts that were first pushed at or after a time: one
	// like 2026-01-31T00:00:00Z, or a duration from 1m to 87600h before each sync,
	// like 720h. Artifacts that grow too old leave with the next sync.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$') || (self.matches('^([0-9]{1,6}(s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('87600h'))",message="must be a time in UTC like 2026-01-31T00:00:00Z, or a duration from 1m to 87600h, like 720h for 30 days"
	PushedSince string `json:"pushedSince,omitempty"`

	// minSeverity keeps artifacts of which the last scan found a vulnerability of
	// this severity or a higher one. Without a scan, an artifact does not stay. It
	// needs the detail Vulnerabilities.
	// +optional
	MinSeverity Severity `json:"minSeverity,omitempty"`

	// latest keeps the newest N artifacts of each repository by push time; of
	// two pushed at the same instant, the one that Harbor stored later. It is
	// applied after all other conditions. From 1 to 10000; left out: all.
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
// any, if it is empty) and none of exclude, and are within semver, if it is
// given.
type TagFilter struct {
	// include holds regular expressions (RE2 syntax, not anchored), one of which a
	// tag must match. Empty means any tag.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Include []Expression `json:"include,omitempty"`

	// exclude holds regular expressions (RE2 syntax, not anchored), none of which
	// a tag may match.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Exclude []Expression `json:"exclude,omitempty"`

	// semver is a range of semantic versions, like ^1.4, ">=1.2 <3" or
	// "1.x || 2.x". A tag outside of it, or that is no version (major.minor.patch,
	// with or without a v before it; 1.4 counts as 1.4.0), is not let through.
	// Pre-releases are within a range only that names one itself, like >=1.2.0-0.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z.*+ ,|^~<>=!-]+$')",message="must be a range of semantic versions, like ^1.4, >=1.2 <3 or 1.x || 2.x"
	Semver string `json:"semver,omitempty"`
}

// PlatformName is a platform, as os/architecture[/variant].
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9._-]+/[a-z0-9._-]+(/[a-z0-9._-]+)?$')",message="must be os/architecture or os/architecture/variant, in lower case, like linux/amd64 or linux/arm/v7"
type PlatformName string

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

// AnnotationKey is the key of an annotation of a manifest.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
type AnnotationKey string

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
