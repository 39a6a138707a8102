// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

// Bounds of the lists in a status, as in the API.
const (
	maxFailures = 50
	maxNotFound = 50
)

// outcome returns the status after a sync. It takes the inventory as it was
// before, what the sync found, the time, and a random number in [0, 1).
//
//	| the sync                              | Ready | reason             | Complete | reason            |
//	|---------------------------------------|-------|--------------------|----------|-------------------|
//	| read everything                       | True  | Succeeded          | True     | Succeeded         |
//	| did, but a name matched nothing       | True  | Succeeded          | False    | SelectionNotFound |
//	| failed in parts, policy Continue      | True  | PartialFailure     | False    | PartialFailure    |
//	| failed in parts, policy Fail          | False | PartialFailure     | False    | PartialFailure    |
//	| failed in every part                  | False | of the failures    | False    | the same          |
//	| failed in every part by spec's query  | False | InvalidSpec        | False    | the same; Stalled |
//	| was ended: credentials, Harbor, time  | False | the cause          | False    | the same          |
//	| was ended: Harbor is not allowed      | False | HarborNotAllowed   | False    | the same; Stalled |
//	| found too much for the status         | False | TooManyArtifacts   | False    | the same; Stalled |
func outcome(inv *v1alpha1.HarborInventory, res *result, now time.Time, random float64) v1alpha1.HarborInventoryStatus {
	status := *inv.Status.DeepCopy()
	status.ObservedGeneration = inv.Generation
	status.LastHandledReconcileAt = inv.Annotations[v1alpha1.AnnotationRequestedAt]
	status.Progress = nil
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)

	v := judge(inv, res)
	setCondition(&status, inv, v1alpha1.ConditionReady, v.ready, v.readyReason, v.message)
	setCondition(&status, inv, v1alpha1.ConditionComplete, v.complete, v.completeReason, v.message)
	if v.stalled {
		setCondition(&status, inv, v1alpha1.ConditionStalled, true, v.readyReason, v.message)
	}
	setFailures(&status, inv, res, now)
	if res.err == nil {
		setFindings(&status, inv, res, now)
	}
	plannedAt := metav1.NewTime(next(now, inv.Spec.Interval.Duration, failingSince(&status), random))
	status.NextSyncTime = &plannedAt
	return status
}

// verdict is what a result means.
type verdict struct {
	ready, complete, stalled    bool
	readyReason, completeReason string
	message                     string
}

func judge(inv *v1alpha1.HarborInventory, res *result) verdict {
	failures := len(res.report.Failures)
	switch {
	case res.err != nil:
		reason, message := reasonOfEnd(res, inv)
		return verdict{stalled: reason == v1alpha1.ReasonHarborNotAllowed, readyReason: reason, completeReason: reason, message: message}
	case res.stall != nil:
		return verdict{stalled: true, readyReason: res.stall.reason, completeReason: res.stall.reason, message: res.stall.message}
	case failures > 0 && res.done+res.report.Known == 0:
		reason := reasonOfFailures(inv, res.report.Failures)
		return verdict{
			stalled: reason == v1alpha1.ReasonInvalidSpec, readyReason: reason, completeReason: reason,
			message: "nothing could be brought up to date: " + describeFailures(inv, res.report.Failures),
		}
	case failures > 0:
		return verdict{
			ready:       inv.Spec.FailurePolicy != v1alpha1.FailurePolicyFail,
			readyReason: v1alpha1.ReasonPartialFailure, completeReason: v1alpha1.ReasonPartialFailure,
			message: fmt.Sprintf("%s; what is known of it is kept; %s", describeFailures(inv, res.report.Failures), describe(res)),
		}
	case len(res.report.NotFound) > 0:
		return verdict{
			ready: true, readyReason: v1alpha1.ReasonSucceeded, completeReason: v1alpha1.ReasonSelectionNotFound,
			message: fmt.Sprintf("%s; matched nothing: %s", describe(res), describeUnmatched(inv, res.report.NotFound)),
		}
	default:
		return verdict{
			ready: true, complete: true,
			readyReason: v1alpha1.ReasonSucceeded, completeReason: v1alpha1.ReasonSucceeded, message: describe(res),
		}
	}
}

// reasonOfEnd tells why a sync was ended early.
func reasonOfEnd(res *result, inv *v1alpha1.HarborInventory) (reason, message string) {
	if message, refused := refusal(res.err, inv.Spec.Harbor.URL); refused {
		return v1alpha1.ReasonHarborNotAllowed, message
	}
	switch {
	case errors.Is(res.err, fetch.ErrAuthenticationFailed):
		where := "the inventory has no credentials"
		if ref := inv.Spec.Harbor.CredentialsSecretRef; ref != nil {
			where = fmt.Sprintf("Secret %q, spec.harbor.credentialsSecretRef", ref.Name)
		}
		return v1alpha1.ReasonAuthenticationFailed, fmt.Sprintf("%v (%s); nothing was removed from the inventory", fetch.ErrAuthenticationFailed, where)
	case errors.Is(res.err, errTimedOut), errors.Is(res.err, context.DeadlineExceeded):
		return v1alpha1.ReasonTimedOut, fmt.Sprintf("%d of %d repositories were read within spec.timeout (%s); the others are kept as they were: raise spec.timeout, or maxConnections if Harbor can bear it",
			res.done, res.found, inv.Spec.Timeout.Duration)
	default:
		return v1alpha1.ReasonHarborUnavailable, fmt.Sprintf("spec.harbor.url: %q: %v; nothing was removed from the inventory", hostOf(inv.Spec.Harbor.URL), res.err)
	}
}

// reasonOfFailures tells why nothing at all could be read or written.
func reasonOfFailures(inv *v1alpha1.HarborInventory, failures []fetch.Failure) string {
	switch first := failures[0].Reason; {
	case !slices.ContainsFunc(failures, func(f fetch.Failure) bool { return !isOfQuery(inv, f) }):
		return v1alpha1.ReasonInvalidSpec
	case first == fetch.ReasonWrite:
		return v1alpha1.ReasonWriteFailed
	case first == fetch.ReasonUnavailable, first == fetch.ReasonInvalidAnswer, first == fetch.ReasonPartialAnswer:
		return v1alpha1.ReasonHarborUnavailable
	default:
		return v1alpha1.ReasonPartialFailure
	}
}

// isOfQuery tells whether Harbor refused what spec.artifacts.query says.
func isOfQuery(inv *v1alpha1.HarborInventory, f fetch.Failure) bool {
	return f.Reason == fetch.ReasonBadQuery && inv.Spec.Artifacts.Query != ""
}

func setCondition(status *v1alpha1.HarborInventoryStatus, inv *v1alpha1.HarborInventory, kind string, is bool, reason, message string) {
	value := metav1.ConditionFalse
	if is {
		value = metav1.ConditionTrue
	}
	apimeta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: kind, Status: value, Reason: reason, Message: cutMessage(message), ObservedGeneration: inv.Generation,
	})
}

// setFailures names the failures; one that was there before keeps its time.
func setFailures(status *v1alpha1.HarborInventoryStatus, inv *v1alpha1.HarborInventory, res *result, now time.Time) {
	since := map[[2]string]metav1.Time{}
	for _, f := range status.Failures {
		since[[2]string{f.Project, f.Repository}] = f.Since
	}
	status.Failures = nil
	status.FailuresTotal = int32(len(res.report.Failures)) //nolint:gosec // far below 2^31
	for _, f := range res.report.Failures[:min(maxFailures, len(res.report.Failures))] {
		first, known := since[[2]string{f.Project, f.Repository}]
		if !known {
			first = metav1.NewTime(now)
		}
		status.Failures = append(status.Failures, v1alpha1.SyncFailure{
			Project: f.Project, Repository: f.Repository, Reason: string(f.Reason), Message: cutMessage(describeFailure(inv, f)), Since: first,
		})
	}
}

// setFindings takes over the numbers of a run that came to its end.
func setFindings(status *v1alpha1.HarborInventoryStatus, inv *v1alpha1.HarborInventory, res *result, now time.Time) {
	at := metav1.NewTime(now)
	status.LastSyncTime = &at
	if apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionComplete) {
		status.LastFullSyncTime = &at
	}
	status.HarborVersion = res.report.Version
	status.Layers = layers(inv, res.report.Version, res.received, res.registration, res.audit, res.byProject)
	status.AuditLogCursor = res.cursor
	status.NotFound = res.report.NotFound[:min(maxNotFound, len(res.report.NotFound))]
	if res.stall != nil {
		return // what is shown is still what was shown before
	}
	status.Projects = new(int32(res.report.Projects))         //nolint:gosec // far below 2^31
	status.Repositories = new(int32(res.report.Repositories)) //nolint:gosec // far below 2^31
	setNumbers(status, inv, res.numbers())
	status.ArtifactEntries = nil
	if inv.Spec.Output.Mode == v1alpha1.OutputStatus {
		status.ArtifactEntries = res.entries
	}
}

// failingSince tells since when syncs have not been what they should, in a way
// that another try may mend.
func failingSince(status *v1alpha1.HarborInventoryStatus) *time.Time {
	c := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	if c == nil || c.Status == metav1.ConditionTrue || c.Reason == v1alpha1.ReasonSelectionNotFound || c.Reason == v1alpha1.ReasonTooManyArtifacts {
		return nil
	}
	return &c.LastTransitionTime.Time
}
