// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// HarborInventorySpec says which Harbor, which part of it, and how.
// +kubebuilder:validation:XValidation:rule="!has(self.output) || !has(self.output.mode) || self.output.mode != 'Status' || !has(self.output.maxArtifactsPerList)",message="output.maxArtifactsPerList is for output.mode ArtifactLists; take it out, or set the mode to ArtifactLists",fieldPath=".output.maxArtifactsPerList"
// +kubebuilder:validation:XValidation:rule="!has(self.output) || !has(self.output.mode) || self.output.mode != 'Status' || !has(self.output.deletionPolicy) || self.output.deletionPolicy != 'Orphan'",message="Orphan is for output.mode ArtifactLists: what stands in the status goes with the inventory; take it out, or set the mode to ArtifactLists",fieldPath=".output.deletionPolicy"
// +kubebuilder:validation:XValidation:rule="!has(self.annotationKeys) || size(self.annotationKeys) == 0 || (has(self.include) && 'Annotations' in self.include)",message="annotationKeys is for the detail Annotations: add Annotations to include, or take annotationKeys out",fieldPath=".annotationKeys"
// +kubebuilder:validation:XValidation:rule="!has(self.vulnerabilityReports) || (has(self.include) && 'Vulnerabilities' in self.include)",message="vulnerabilityReports chooses artifacts by what their last scan counted: add Vulnerabilities to include, or take vulnerabilityReports out",fieldPath=".vulnerabilityReports"
// +kubebuilder:validation:XValidation:rule="!has(self.artifacts) || !has(self.artifacts.minSeverity) || (has(self.include) && 'Vulnerabilities' in self.include)",message="minSeverity needs the results of scans: add Vulnerabilities to include, or take minSeverity out",fieldPath=".artifacts.minSeverity"
type HarborInventorySpec struct {
	// harbor is the registry to read.
	// +required
	Harbor HarborEndpoint `json:"harbor"`

	// projects limits the inventory to these projects: names, or patterns with
	// * ? [a-z] {a,b}. Empty means every project that the credentials can see. A
	// project robot may not list projects: name its project here.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	Projects []ProjectPattern `json:"projects,omitempty"`

	// repositories limits the inventory to these repositories of the selected
	// projects: a full name (library/nginx), or a name without the project
	// (nginx), which matches in every selected project; patterns too, where *
	// stops at a slash and ** does not. Empty means all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=1024
	Repositories []RepositoryPattern `json:"repositories,omitempty"`

	// excludeRepositories takes repositories out again, after projects and
	// repositories have selected them. The same forms as in repositories.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	ExcludeRepositories []RepositoryPattern `json:"excludeRepositories,omitempty"`

	// artifacts filters the artifacts of the selected repositories. Empty means
	// all.
	// +optional
	Artifacts ArtifactFilter `json:"artifacts,omitzero"`

	// include names details to show beyond digest, type, size, time and tags:
	// Labels, Vulnerabilities, SBOM, Accessories, Immutability, Annotations,
	// Platforms. Each one costs Harbor additional work for every artifact.
	// Vulnerabilities and SBOM, which cost it most, are looked up between the
	// syncs, unless output.mode is Status; see detailRequestsPerMinute. Empty
	// means none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=7
	Include []Detail `json:"include,omitempty"`

	// annotationKeys limits the detail Annotations to these keys, so that others,
	// which may be large, do not fill the lists. Empty means the first 64 by key.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	AnnotationKeys []AnnotationKey `json:"annotationKeys,omitempty"`

	// detailRequestsPerMinute is the most requests a minute that look up the
	// details Vulnerabilities and SBOM; one asks for up to 20 artifacts. They are
	// sent one at a time, and none while any other request to Harbor waits. From 1
	// to 6000.
	// +optional
	// +default=60
	// +kubebuilder:validation:XValidation:rule="self >= 1 && self <= 6000",message="must be from 1 to 6000"
	DetailRequestsPerMinute int32 `json:"detailRequestsPerMinute,omitempty"`

	// maxConnections is the greatest number of requests to Harbor in flight at
	// any time for this inventory, retries included. From 1 to 100. The operator's
	// flag --max-connections-per-harbor bounds the sum over all inventories of one
	// Harbor.
	// +optional
	// +default=5
	// +kubebuilder:validation:XValidation:rule="self >= 1 && self <= 100",message="must be from 1 to 100"
	MaxConnections int32 `json:"maxConnections,omitempty"`

	// interval is the time from the end of one sync to the start of the next
	// one, give or take a tenth. Such a sync lists the projects and repositories,
	// and reads those repositories that have changed. From 10s to 168h.
	// +optional
	// +default="10m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('168h')",message="must be a duration from 10s to 168h, like 10m or 1h30m"
	Interval metav1.Duration `json:"interval,omitzero"`

	// verifyInterval is the time within which every repository is read in full at
	// least once, whether it seems changed or not: that finds changes of which
	// Harbor's listings of repositories do not tell. From 10m to 720h. Left out,
	// 24h, or 6h for a Harbor before 2.15.2, which tells of fewer changes.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(s|m|h))+$') && duration(self) >= duration('10m') && duration(self) <= duration('720h')",message="must be a duration from 10m to 720h, like 24h"
	VerifyInterval *metav1.Duration `json:"verifyInterval,omitempty"`

	// webhook lets Harbor tell the operator of pushes and deletions the moment
	// they happen, instead of at the next sync.
	// +optional
	Webhook Webhook `json:"webhook,omitzero"`

	// timeout is the longest that one sync may take. What was read until then is
	// written; the rest of the inventory stays as it is. From 10s to 24h.
	// +optional
	// +default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="must be a duration from 10s to 24h, like 30m or 2h"
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// suspend, if true, stops further syncs. What is there stays as it is.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// vulnerabilityReports asks for VulnerabilityReport objects of the worst
	// artifacts: which vulnerabilities they have. It needs Vulnerabilities in
	// include, and the right artifact-addition:read in Harbor. Left out: no
	// reports.
	// +optional
	VulnerabilityReports *VulnerabilityReports `json:"vulnerabilityReports,omitempty"`

	// failurePolicy says what it means for the inventory that a project or
	// repository cannot be read. Either way, what was known of it is kept,
	// everything else is brought up to date, status.failures names it, and the
	// condition Complete turns False. Continue: Ready stays True. Fail: Ready
	// turns False as well.
	// +optional
	// +default="Continue"
	FailurePolicy FailurePolicy `json:"failurePolicy,omitempty"`

	// output says where the inventory is written: into ArtifactList objects, or
	// into the status.
	// +optional
	// +default={}
	Output Output `json:"output,omitzero"`
}

// ProjectPattern is the name of a Harbor project or a pattern for such names.
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9._*?-]|[[][!^]?[a-z0-9._-]+[]]|[{][a-z0-9._*?-]+(,[a-z0-9._*?-]+)*[}])+$')",message="must be a project's name, or a pattern of lower-case letters, digits, . _ - and the wildcards * ? [a-z] {a,b}, each bracket closed"
type ProjectPattern string

// RepositoryPattern is the name of a Harbor repository, with or without its
// project, or a pattern for such names.
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9._/*?-]|[[][!^]?[a-z0-9._-]+[]]|[{][a-z0-9._/*?-]+(,[a-z0-9._/*?-]+)*[}])+$') && !self.startsWith('/') && !self.endsWith('/') && !self.contains('//')",message="must be a repository's name without registry and tag, or a pattern: lower-case letters, digits, . _ - / and the wildcards * ** ? [a-z] {a,b}, each bracket closed, no slash at either end nor two in a row"
type RepositoryPattern string

// HarborEndpoint is a Harbor and the way to it.
// +kubebuilder:validation:XValidation:rule="!self.url.contains('@')",message="must not carry credentials: put them into a Secret and name it in credentialsSecretRef",fieldPath=".url"
// +kubebuilder:validation:XValidation:rule="!self.url.lowerAscii().startsWith('http:') || (has(self.plainHTTP) && self.plainHTTP)",message="an http:// url sends the credentials in clear text: use https://, or set plainHTTP to true to accept that",fieldPath=".url"
// +kubebuilder:validation:XValidation:rule="!(has(self.insecureSkipTLSVerify) && self.insecureSkipTLSVerify && has(self.caBundleRef))",message="insecureSkipTLSVerify ignores caBundleRef: set only one of the two",fieldPath=".insecureSkipTLSVerify"
// +kubebuilder:validation:XValidation:rule="!has(self.clientCertificateSecretRef) || !self.url.lowerAscii().startsWith('http:')",message="over plain HTTP nobody is shown a client certificate: use an https:// url, or take clientCertificateSecretRef out",fieldPath=".clientCertificateSecretRef"
type HarborEndpoint struct {
	// url is where Harbor's portal answers, like https://harbor.example.com:8443.
	// +required
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.contains('@') || (isURL(self) && !self.contains(' ') && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && (url(self).getPort() == '' || (size(url(self).getPort()) < 6 && int(url(self).getPort()) > 0 && int(url(self).getPort()) < 65536)))",message="must be an http or https URL with a host and, if need be, a port up to 65535, like https://harbor.example.com"
	// +kubebuilder:validation:XValidation:rule="self.contains('@') || !self.matches('[?#]|/api(/|$)|/harbor/(projects|sign-in)')",message="must be the address of the Harbor alone: no query, no fragment, no path of its API or its portal"
	URL string `json:"url"`

	// credentialsSecretRef names a Secret of type kubernetes.io/basic-auth in the
	// inventory's namespace: the keys username and password of a robot account
	// (recommended) or a user. It is read again at each sync. Left out: anonymous.
	// +optional
	CredentialsSecretRef *LocalObjectReference `json:"credentialsSecretRef,omitempty"`

	// caBundleRef names a ConfigMap or Secret in the inventory's namespace with
	// the CA certificates, in PEM, that Harbor's certificate is verified with, in
	// place of the system's.
	// +optional
	CABundleRef *CABundleReference `json:"caBundleRef,omitempty"`

	// clientCertificateSecretRef names a Secret of type kubernetes.io/tls in the
	// inventory's namespace: the certificate and key that the operator shows to a
	// proxy in front of Harbor that asks for them.
	// +optional
	ClientCertificateSecretRef *LocalObjectReference `json:"clientCertificateSecretRef,omitempty"`

	// insecureSkipTLSVerify, if true, accepts any certificate: whoever sits on the
	// way can then read the credentials. The operator refuses it unless it runs
	// with --allow-insecure-tls.
	// +optional
	InsecureSkipTLSVerify bool `json:"insecureSkipTLSVerify,omitempty"`

	// plainHTTP must be true for an http:// url, over which the credentials go in
	// clear text. The operator refuses it unless it runs with --allow-plain-http.
	// +optional
	PlainHTTP bool `json:"plainHTTP,omitempty"`
}

// LocalObjectReference names an object in the same namespace.
type LocalObjectReference struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a Secret: lower-case letters, digits, - and ., a letter or digit at either end"
	Name string `json:"name"`
}

// CABundleReference names a key of a ConfigMap or Secret in the same
// namespace.
type CABundleReference struct {
	// kind of the object: ConfigMap or Secret.
	// +optional
	// +default="ConfigMap"
	// +kubebuilder:validation:Enum=ConfigMap;Secret
	Kind string `json:"kind,omitempty"`

	// name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a ConfigMap or Secret: lower-case letters, digits, - and ., a letter or digit at either end"
	Name string `json:"name"`

	// key that holds the certificates.
	// +optional
	// +default="ca.crt"
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of the ConfigMap or Secret, like ca.crt: letters, digits, - _ and ."
	Key string `json:"key,omitempty"`
}

// FailurePolicy says what a project or repository that cannot be read means.
// +kubebuilder:validation:Enum=Continue;Fail
type FailurePolicy string

const (
	// FailurePolicyContinue keeps what could be read and names what could not.
	FailurePolicyContinue FailurePolicy = "Continue"
	// FailurePolicyFail makes any failure turn Ready to False.
	FailurePolicyFail FailurePolicy = "Fail"
)

// Output says where the inventory goes.
type Output struct {
	// mode ArtifactLists writes objects of that kind, in the inventory's
	// namespace, for inventories of any size. Status writes into
	// status.artifactEntries, for small ones: at most 500 artifacts, of 768 KiB
	// together.
	// +optional
	// +default="ArtifactLists"
	Mode OutputMode `json:"mode,omitempty"`

	// maxArtifactsPerList is the most artifacts that one list holds; those of a
	// larger repository are spread over several. A list is never larger than 256
	// KiB either. From 1 to 500; the default is 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=500
	MaxArtifactsPerList *int32 `json:"maxArtifactsPerList,omitempty"`

	// deletionPolicy says what becomes of the lists, and the vulnerability
	// reports, when the inventory is deleted. Delete: Kubernetes deletes them.
	// Orphan: they stay, and a new inventory of the same name takes them over. It
	// is about the deletion of the inventory alone: lists of what it no longer
	// selects are deleted either way.
	// +optional
	// +default="Delete"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// DeletionPolicy says what becomes of the lists of a deleted inventory.
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

const (
	// DeletionPolicyDelete has Kubernetes delete the lists with their inventory.
	DeletionPolicyDelete DeletionPolicy = "Delete"
	// DeletionPolicyOrphan leaves them.
	DeletionPolicyOrphan DeletionPolicy = "Orphan"
)

// OutputMode is where an inventory goes.
// +kubebuilder:validation:Enum=ArtifactLists;Status
type OutputMode string

const (
	// OutputArtifactLists writes ArtifactList objects.
	OutputArtifactLists OutputMode = "ArtifactLists"
	// OutputStatus writes into the inventory's status.
	OutputStatus OutputMode = "Status"
)

// MaxStatusArtifacts is the greatest number of artifacts that output.mode
// Status writes.
const MaxStatusArtifacts = 500

// DefaultArtifactsPerList is the value of output.maxArtifactsPerList where
// none is given.
const DefaultArtifactsPerList = 100

// HarborInventory asks for an inventory of a Harbor registry: the operator
// reads the selected artifacts, within maxConnections, and keeps ArtifactList
// objects that show them.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=hinv,categories=harbor
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.harbor.url`
// +kubebuilder:printcolumn:name="Projects",type=integer,JSONPath=`.status.projects`
// +kubebuilder:printcolumn:name="Repositories",type=integer,JSONPath=`.status.repositories`
// +kubebuilder:printcolumn:name="Artifacts",type=integer,JSONPath=`.status.artifacts`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Complete",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].status`
// +kubebuilder:printcolumn:name="Last Sync",type=date,JSONPath=`.status.lastSyncTime`
// +kubebuilder:printcolumn:name="Status",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="the name of a HarborInventory must be at most 63 characters: it becomes a label of its lists",fieldPath=".metadata"
type HarborInventory struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the user asks for.
	// +required
	Spec HarborInventorySpec `json:"spec"`

	// status is what the operator has found. observedGeneration is -1 until it
	// has seen the object, so that nobody takes a new object for a settled one.
	// +optional
	// +default={"observedGeneration":-1}
	Status HarborInventoryStatus `json:"status,omitzero"`
}

// HarborInventoryList is a collection of HarborInventories.
// +kubebuilder:object:root=true
type HarborInventoryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []HarborInventory `json:"items"`
}
