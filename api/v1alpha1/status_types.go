// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// HarborInventoryStatus is what the operator has found.
type HarborInventoryStatus struct {
	// observedGeneration is the generation of the spec that the conditions speak
	// of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// lastHandledReconcileAt echoes the annotation harborinventory.io/requestedAt
	// once the sync that it asked for has ended.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// conditions are Ready and Complete; DetailsKnown, where spec.include asks for
	// details that are looked up between the syncs; and, while they are true,
	// Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// harborVersion is what Harbor says its version is; it says so to
	// authenticated callers only.
	// +optional
	HarborVersion string `json:"harborVersion,omitempty"`

	// projects is the number of projects of which something is selected.
	// +optional
	Projects *int32 `json:"projects,omitempty"`

	// repositories is the number of repositories selected, empty ones included.
	// +optional
	Repositories *int32 `json:"repositories,omitempty"`

	// artifacts is the number of artifacts in the inventory. With failures, this
	// includes the kept entries of what could not be read.
	// +optional
	Artifacts *int64 `json:"artifacts,omitempty"`

	// artifactLists is the number of ArtifactList objects that hold them.
	// +optional
	ArtifactLists *int32 `json:"artifactLists,omitempty"`

	// sizeBytes is the sum of the artifacts' sizes, each as Harbor gives it:
	// layers that artifacts share count for each of them.
	// +optional
	SizeBytes *int64 `json:"sizeBytes,omitempty"`

	// vulnerabilities counts those of all artifacts, where spec.include names
	// Vulnerabilities. One that several artifacts have counts for each of them.
	// +optional
	Vulnerabilities *VulnerabilityCounts `json:"vulnerabilities,omitempty"`

	// vulnerabilityReports tells what became of spec.vulnerabilityReports.
	// +optional
	VulnerabilityReports *VulnerabilityReportsStatus `json:"vulnerabilityReports,omitempty"`

	// totals sums up the artifacts of the inventory.
	// +optional
	Totals *ArtifactTotals `json:"totals,omitempty"`

	// projectTotals sums up the artifacts of each project, sorted by name; of more
	// than 20 projects, those with the most artifacts.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	ProjectTotals []ProjectTotals `json:"projectTotals,omitempty"`

	// otherProjects sums up the projects that projectTotals leaves out.
	// +optional
	OtherProjects *OtherProjects `json:"otherProjects,omitempty"`

	// lastSyncTime is when the last sync ended that found Harbor answering.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`

	// lastFullSyncTime is when the last sync ended that read everything selected.
	// +optional
	LastFullSyncTime *metav1.Time `json:"lastFullSyncTime,omitempty"`

	// nextSyncTime is when the next sync is due.
	// +optional
	NextSyncTime *metav1.Time `json:"nextSyncTime,omitempty"`

	// layers says in one line by which ways the inventory is kept current
	// (webhooks, the audit log, listings, reading in full), and why others are not
	// used.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Layers string `json:"layers,omitempty"`

	// auditLogCursor is how far Harbor's audit log has been followed, as of the
	// last sync: an operator that starts goes on there.
	// +optional
	AuditLogCursor *AuditLogCursor `json:"auditLogCursor,omitempty"`

	// progress of a sync under way; absent between syncs.
	// +optional
	Progress *SyncProgress `json:"progress,omitempty"`

	// failures names projects and repositories that the last sync could not
	// read or write, sorted, at most 50; failuresTotal counts all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Failures []SyncFailure `json:"failures,omitempty"`

	// failuresTotal counts all failures, those beyond the first 50 too.
	// +optional
	FailuresTotal int32 `json:"failuresTotal,omitempty"`

	// notFound lists the names and patterns of the spec that matched nothing,
	// sorted, at most 50.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	NotFound []string `json:"notFound,omitempty"`

	// artifactEntries is the inventory itself, in output.mode Status only,
	// sorted by repository, newest artifact last.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=500
	ArtifactEntries []RepositoryArtifact `json:"artifactEntries,omitempty"`
}

// AuditLogCursor names an entry of Harbor's audit log.
type AuditLogCursor struct {
	// id of the entry.
	ID int64 `json:"id"`

	// time of what the entry is about: another entry with this id is of another
	// log.
	Time metav1.Time `json:"time"`
}

// SyncProgress tells how far a sync has come.
type SyncProgress struct {
	// startedAt is when the sync began.
	StartedAt metav1.Time `json:"startedAt"`

	// repositoriesDone have been read and written.
	RepositoriesDone int32 `json:"repositoriesDone"`

	// repositoriesTotal have been found so far.
	RepositoriesTotal int32 `json:"repositoriesTotal"`
}

// SyncFailure names something that could not be read or written, and why.
type SyncFailure struct {
	// project concerned; empty where the failure is of the whole.
	// +optional
	Project string `json:"project,omitempty"`

	// repository concerned, by its full name; empty where it is the whole project.
	// +optional
	Repository string `json:"repository,omitempty"`

	// reason, in one word: Forbidden, Unauthorized, Unavailable, InvalidAnswer,
	// PartialAnswer, BadQuery or WriteFailed.
	Reason string `json:"reason"`

	// message for a person. It holds nothing of what a server sent.
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`

	// since when every sync has failed here.
	Since metav1.Time `json:"since"`
}
