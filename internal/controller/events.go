// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// What the events say that was done.
const (
	actionSync    = "Sync"
	actionRead    = "ReadSpec"
	actionRelease = "Release"
)

// report records an event where the new status differs from the old one in
// something that a person wants to know; a state that lasts is told once.
//
//	| change                                      | event                       |
//	|---------------------------------------------|-----------------------------|
//	| Ready turns True, or Complete does          | Normal, reason Succeeded    |
//	| Ready or Complete is False for a new reason | Warning, that reason        |
//	| status.notFound changes and is not empty    | Warning SelectionNotFound   |
func (r *Reconciler) report(inv *v1alpha1.HarborInventory, status *v1alpha1.HarborInventoryStatus) {
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	complete := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	was := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionComplete)
	wasReady := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionReady)
	if !slices.Equal(inv.Status.NotFound, status.NotFound) && len(status.NotFound) > 0 {
		r.recorder.Eventf(inv, nil, corev1.EventTypeWarning, v1alpha1.ReasonSelectionNotFound, actionSync,
			"Harbor has nothing that matches %s", describeUnmatched(inv, status.NotFound))
	}
	switch {
	case ready.Status == "False":
		if wasReady == nil || wasReady.Reason != ready.Reason {
			action := actionSync
			if apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled) {
				action = actionRead
			}
			r.recorder.Eventf(inv, nil, corev1.EventTypeWarning, ready.Reason, action, "%s", ready.Message)
		}
	case complete != nil && complete.Status == "True":
		if was == nil || was.Status != "True" {
			r.recorder.Eventf(inv, nil, corev1.EventTypeNormal, v1alpha1.ReasonSucceeded, actionSync, "%s", complete.Message)
		}
	case complete != nil && complete.Reason != v1alpha1.ReasonSelectionNotFound:
		if was == nil || was.Reason != complete.Reason {
			r.recorder.Eventf(inv, nil, corev1.EventTypeWarning, complete.Reason, actionSync, "%s", complete.Message)
		}
	}
}
