// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of a HarborInventory. Ready, Reconciling and Stalled follow
// kstatus (sigs.k8s.io/cli-utils): Reconciling and Stalled are there only while
// they are true.
const (
	// ConditionReady is True when the last sync ended well and the lists show its result.
	ConditionReady = "Ready"

	// ConditionReconciling is True while a sync is under way that brings something
	// new: the first one, one after a change of the spec, a requested one, or one
	// after a failure. A periodic sync that confirms what is there does not set it.
	ConditionReconciling = "Reconciling"

	// ConditionStalled is True when no further try can succeed before somebody
	// changes the spec, the Secret or the ConfigMap that the message names.
	ConditionStalled = "Stalled"

	// ConditionComplete is True when the lists hold everything that the
	// selection covers: nothing failed, nothing was left unread.
	ConditionComplete = "Complete"

	// ConditionDetailsKnown is True when every artifact in the lists shows the
	// details that are looked up between the syncs. It is there only where the spec
	// asks for such a detail.
	ConditionDetailsKnown = "DetailsKnown"
)

// Reasons of the conditions.
const (
	// ReasonSucceeded: everything that was selected has been read and written.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing: a sync is under way, or details are being looked up.
	ReasonProgressing = "Progressing"
	// ReasonSuspended: spec.suspend is true; what is there stays as it is.
	ReasonSuspended = "Suspended"
	// ReasonSecretNotFound: the Secret of the credentials, or of the client certificate, is not there.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretInvalid: one of these Secrets lacks a key, or the key is empty, or
	// what should be a certificate and its private key is none.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonCABundleNotFound: the object that holds the CA bundle is not there.
	ReasonCABundleNotFound = "CABundleNotFound"
	// ReasonCABundleInvalid: the object lacks the key, or the key holds no certificate in PEM.
	ReasonCABundleInvalid = "CABundleInvalid"
	// ReasonInvalidSpec: the spec holds a value that the schema lets through and that cannot work.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonHarborNotAllowed: the operator's administrator does not allow this
	// Harbor: its host, its address, plain HTTP, or a certificate that is not verified.
	ReasonHarborNotAllowed = "HarborNotAllowed"
	// ReasonTooManyArtifacts: output.mode is Status and the status cannot hold all artifacts.
	ReasonTooManyArtifacts = "TooManyArtifacts"
	// ReasonAuthenticationFailed: Harbor does not know the credentials; it
	// answers them as it answers anonymous callers.
	ReasonAuthenticationFailed = "AuthenticationFailed"
	// ReasonHarborUnavailable: Harbor could not be reached, or answered with errors only.
	ReasonHarborUnavailable = "HarborUnavailable"
	// ReasonPartialFailure: some projects or repositories could not be read; status.failures names them.
	ReasonPartialFailure = "PartialFailure"
	// ReasonSelectionNotFound: a name or pattern of the spec matched nothing; status.notFound names it.
	ReasonSelectionNotFound = "SelectionNotFound"
	// ReasonTimedOut: the sync did not end within spec.timeout.
	ReasonTimedOut = "TimedOut"
	// ReasonWebhooksLeft is the reason of an event: an inventory was deleted, and
	// its webhook policies could not be removed from Harbor.
	ReasonWebhooksLeft = "WebhooksLeft"
	// ReasonWriteFailed: the API server refused or could not take what was to be written.
	ReasonWriteFailed = "WriteFailed"
)

// Reasons of a SyncFailure.
const (
	// FailureForbidden: the project or repository exists, and the credentials may not read it.
	FailureForbidden = "Forbidden"
	// FailureUnavailable: Harbor did not answer, or with a server error, at every try.
	FailureUnavailable = "Unavailable"
	// FailureInvalidAnswer: what came back was not what Harbor's API sends.
	FailureInvalidAnswer = "InvalidAnswer"
	// FailureUnauthorized: Harbor answered the request as if it came without credentials, at every try.
	FailureUnauthorized = "Unauthorized"
	// FailurePartialAnswer: Harbor's answers kept lacking tags, labels or accessories of some artifacts.
	FailurePartialAnswer = "PartialAnswer"
	// FailureBadQuery: Harbor refused spec.artifacts.query.
	FailureBadQuery = "BadQuery"
	// FailureWrite: the repository was read, and its lists could not be written.
	FailureWrite = "WriteFailed"
)
