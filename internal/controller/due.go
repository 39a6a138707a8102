// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// cause says why a sync runs.
type cause string

const (
	causeDeleted   cause = "Deleted"
	causeSuspended cause = "Suspended"
	causeRequested cause = "Requested"
	causeHinted    cause = "Hinted"
	causeSpec      cause = "SpecChanged"
	causeFirst     cause = "First"
	causeInterval  cause = "Interval"
	causeRetry     cause = "Retry"
	causeNotYet    cause = "NotYet"
)

// decision is how much to sync, why, and if nothing, when to look again.
type decision struct {
	cause cause
	scope scope
	after time.Duration // 0: not before an event
}

// due decides whether to sync an inventory now, and how much of Harbor is read.
// The first that applies:
//
//	| it is so                               | cause                              | scope    |
//	|----------------------------------------|------------------------------------|----------|
//	| it is being deleted                    | Deleted                            | none     |
//	| spec.suspend                           | Suspended                          | none     |
//	| it has never been seen                 | First                              | all      |
//	| the spec changed since the last sync   | SpecChanged                        | all      |
//	| a sync did not end, or none is planned | First                              | all      |
//	| requestedAt differs from its echo      | Requested                          | all      |
//	| hints ask for more than repositories   | Hinted                             | as asked |
//	| status.nextSyncTime has come           | Interval, or Retry after a failure | changed  |
//	| otherwise                              | NotYet                             | none     |
func due(inv *v1alpha1.HarborInventory, now time.Time, hinted scope) decision {
	requested := inv.Annotations[v1alpha1.AnnotationRequestedAt]
	next := inv.Status.NextSyncTime
	switch {
	case inv.DeletionTimestamp != nil:
		return decision{cause: causeDeleted}
	case inv.Spec.Suspend:
		return decision{cause: causeSuspended}
	case inv.Status.ObservedGeneration <= 0:
		return decision{scope: scopeAll, cause: causeFirst}
	case inv.Status.ObservedGeneration != inv.Generation:
		return decision{scope: scopeAll, cause: causeSpec}
	case next == nil:
		return decision{scope: scopeAll, cause: causeFirst}
	case requested != inv.Status.LastHandledReconcileAt:
		return decision{scope: scopeAll, cause: causeRequested}
	case hinted != scopeNone:
		return decision{scope: hinted, cause: causeHinted}
	case next.After(now):
		return decision{cause: causeNotYet, after: next.Sub(now)}
	case !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete):
		return decision{scope: scopeChanged, cause: causeRetry}
	default:
		return decision{scope: scopeChanged, cause: causeInterval}
	}
}

// rewrites tells whether a sync for this cause looks at every list whole, not
// only at those whose hash differs: what the lists hold beside their entries
// may have changed.
func (d decision) rewrites() bool { return d.cause == causeSpec || d.cause == causeFirst }

// brings tells whether a sync for this cause is expected to bring something
// new; others do not set the condition Reconciling.
func (d decision) brings() bool {
	return d.cause == causeFirst || d.cause == causeSpec || d.cause == causeRequested
}

const (
	// referenceRetry is the pause before a missing Secret or ConfigMap is looked
	// for again. They are not watched: that would need the right to list Secrets.
	referenceRetry = 5 * time.Second

	// firstRetry is the pause after a first failure; later ones wait as long as
	// the failure has lasted, up to the interval.
	firstRetry = 10 * time.Second
)

// next returns when to sync again. random is in [0, 1): an interval is spread by
// a tenth either way, so that inventories do not move in step.
func next(now time.Time, interval time.Duration, failingSince *time.Time, random float64) time.Time {
	pause := interval
	if failingSince != nil {
		pause = min(interval, max(firstRetry, now.Sub(*failingSince)))
	}
	return now.Add(time.Duration(float64(pause) * (0.9 + 0.2*random)))
}
