// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Labels and annotations that the operator reads or writes.
const (
	// LabelInventory is on every ArtifactList and VulnerabilityReport and names its
	// HarborInventory.
	LabelInventory = "harborinventory.io/inventory"

	// LabelProject is on every ArtifactList and VulnerabilityReport and names the
	// Harbor project, as far as a label value can hold it: a name over 63 characters is cut and ends in
	// a hash of the whole.
	LabelProject = "harborinventory.io/project"

	// LabelRepositoryHash is on every ArtifactList and VulnerabilityReport: the same
	// for all of one repository. It is the first half of a SHA-256 of the repository's full name, in hex.
	LabelRepositoryHash = "harborinventory.io/repository-hash"

	// AnnotationRepository is on every ArtifactList and repeats its field
	// repository, so that a client that reads metadata only knows it too.
	AnnotationRepository = "harborinventory.io/repository"

	// AnnotationContentHash is on every ArtifactList: a hash of its entries. The
	// hashes of all lists of a repository add up to the hash of the repository,
	// however the entries are spread over the lists.
	AnnotationContentHash = "harborinventory.io/content-hash"

	// AnnotationWrittenGeneration is on every ArtifactList and VulnerabilityReport:
	// the metadata.generation that the operator's own last write gave it. Another
	// generation tells of an edit by somebody else.
	AnnotationWrittenGeneration = "harborinventory.io/written-generation"

	// AnnotationDeletionPolicy is on the ArtifactLists and VulnerabilityReports of an
	// inventory whose output.deletionPolicy is Orphan, and has that value: it tells
	// why they have no owner. Any other has its inventory as its controller.
	AnnotationDeletionPolicy = "harborinventory.io/deletion-policy"

	// LabelSeverity is on every VulnerabilityReport: its severity, so that an
	// admission policy can select reports by it.
	LabelSeverity = "harborinventory.io/severity"

	// AnnotationBasis is on every VulnerabilityReport: what it was made of, as JSON:
	// the counts of the scan as the inventory had them, and the spec. Another basis
	// makes the operator read the report again.
	AnnotationBasis = "harborinventory.io/basis"

	// AnnotationRequestedAt asks for a sync now: any new value does. The value
	// is echoed in status.lastHandledReconcileAt when the sync has ended.
	AnnotationRequestedAt = "harborinventory.io/requestedAt"
)
