// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ArtifactList holds artifacts of one repository of a Harbor. The artifacts of
// a large repository are spread over several lists; each artifact is in
// exactly one. The operator writes these objects; edits by others are put
// right.
//
// Like an EndpointSlice it is data, without spec and status. Its collection is
// an ArtifactListList.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=alist,categories=harbor
// +kubebuilder:printcolumn:name="Repository",type=string,JSONPath=`.repository`
// +kubebuilder:printcolumn:name="Artifacts",type=integer,JSONPath=`.artifactCount`
// +kubebuilder:printcolumn:name="Project",type=string,priority=1,JSONPath=`.project`
// +kubebuilder:printcolumn:name="Inventory",type=string,priority=1,JSONPath=`.metadata.labels['harborinventory\.io/inventory']`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:selectablefield:JSONPath=`.project`
// +kubebuilder:selectablefield:JSONPath=`.repository`
type ArtifactList struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// harbor is the URL of the registry.
	// +required
	// +kubebuilder:validation:MaxLength=2048
	Harbor string `json:"harbor"`

	// project is the name of the Harbor project.
	// +required
	// +kubebuilder:validation:MaxLength=255
	Project string `json:"project"`

	// repository is the full name, with the project: library/nginx.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Repository string `json:"repository"`

	// artifactCount is the number of artifacts in this list.
	// +required
	// +kubebuilder:validation:Minimum=0
	ArtifactCount int32 `json:"artifactCount"`

	// artifacts, in the order in which Harbor stored them.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=500
	Artifacts []ArtifactEntry `json:"artifacts"`
}

// ArtifactListList is a collection of ArtifactLists.
// +kubebuilder:object:root=true
type ArtifactListList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []ArtifactList `json:"items"`
}

// ArtifactEntry is one artifact. What changes without a push, such as the time
// of the last pull, is left out on purpose.
type ArtifactEntry struct {
	// digest of the manifest, like sha256:...
	// +required
	// +kubebuilder:validation:MaxLength=255
	Digest string `json:"digest"`

	// type as Harbor derives it: IMAGE, CHART, ...
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Type string `json:"type,omitempty"`

	// mediaType of the artifact's config, or of the manifest where it has none.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	MediaType string `json:"mediaType,omitempty"`

	// manifestMediaType tells an index from a single manifest.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	ManifestMediaType string `json:"manifestMediaType,omitempty"`

	// artifactType as the OCI image specification defines it.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	ArtifactType string `json:"artifactType,omitempty"`

	// sizeBytes of manifest, config and layers, as Harbor gives it.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// pushTime is when the artifact was first pushed.
	// +optional
	PushTime *metav1.MicroTime `json:"pushTime,omitempty"`

	// tags, sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=128
	Tags []string `json:"tags,omitempty"`

	// immutableTags are those of the tags that an immutability rule protects,
	// sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=128
	ImmutableTags []string `json:"immutableTags,omitempty"`

	// platforms as os/architecture[/variant], sorted; of an index those of its
	// children.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=128
	Platforms []string `json:"platforms,omitempty"`

	// labels are the names of Harbor's labels, sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=128
	Labels []string `json:"labels,omitempty"`

	// annotations of the manifest, at most 64: those that spec.annotationKeys
	// names, or the first by key.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`

	// vulnerabilities that the last scan found, in numbers.
	// +optional
	Vulnerabilities *Vulnerabilities `json:"vulnerabilities,omitempty"`

	// sbom that Harbor generated.
	// +optional
	SBOM *SBOM `json:"sbom,omitempty"`

	// signed tells whether one of the accessories is a signature. It says nothing
	// of whose it is, and nobody has verified it.
	// +optional
	Signed *bool `json:"signed,omitempty"`

	// accessories refer to this artifact: signatures, attestations, SBOMs.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Accessories []Accessory `json:"accessories,omitempty"`

	// unavailable names the fields above that were looked up, by requests of their
	// own, and that Harbor does not have: vulnerabilities, where nothing has
	// scanned the artifact; sbom, where none was generated. One that is asked for,
	// and is neither there nor unavailable, has yet to be looked up.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	Unavailable []string `json:"unavailable,omitempty"`

	// truncated names the fields above that hold less than Harbor does, because
	// the whole would not fit; totals says how much there is. What is kept: of
	// tags the newest; of the others the first in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	Truncated []string `json:"truncated,omitempty"`

	// totals holds the full number of elements for each field named in truncated.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Totals map[string]int32 `json:"totals,omitempty"`
}

// RepositoryArtifact is an artifact together with its repository.
type RepositoryArtifact struct {
	// repository is the full name, with the project.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Repository string `json:"repository"`

	ArtifactEntry `json:",inline"`
}

// AnnotationValue is the value of an annotation.
// +kubebuilder:validation:MaxLength=1024
type AnnotationValue string

// Vulnerabilities is the result of a scan.
type Vulnerabilities struct {
	VulnerabilityCounts `json:",inline"`

	// severity is the highest found, as the scanner names it: Critical, High,
	// Medium, Low, None, ...
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Severity string `json:"severity,omitempty"`

	// scanStatus of the last scan, as Harbor gives it: Success, Error, Running,
	// Pending, ...
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ScanStatus string `json:"scanStatus,omitempty"`

	// scanner is the name and version of the scanner.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Scanner string `json:"scanner,omitempty"`
}

// VulnerabilityCounts counts vulnerabilities by severity.
type VulnerabilityCounts struct {
	// total of all severities.
	Total int64 `json:"total"`
	// fixable ones: there is a version of the package without it.
	Fixable int64 `json:"fixable"`
	// critical ones.
	Critical int64 `json:"critical"`
	// high ones.
	High int64 `json:"high"`
	// medium ones.
	Medium int64 `json:"medium"`
	// low ones.
	Low int64 `json:"low"`
	// other: every severity besides the four above.
	Other int64 `json:"other"`
}

// SBOM is a software bill of materials that Harbor generated.
type SBOM struct {
	// digest of the accessory that holds it.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Digest string `json:"digest,omitempty"`

	// mediaType of that accessory.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	MediaType string `json:"mediaType,omitempty"`

	// scanStatus of the generation: Success, Error, ...
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ScanStatus string `json:"scanStatus,omitempty"`
}

// Accessory is an artifact that refers to another one.
type Accessory struct {
	// type as Harbor names it: signature.cosign, signature.notation, sbom.harbor,
	// subject.accessory, ...
	// +kubebuilder:validation:MaxLength=255
	Type string `json:"type"`

	// digest of the accessory.
	// +kubebuilder:validation:MaxLength=255
	Digest string `json:"digest"`

	// sizeBytes of the accessory.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`
}
