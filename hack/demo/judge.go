// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// judge tells from an inventory's status whether its sync has ended, and
// otherwise how far it has come. An error is something that only the user can
// put right. requested is the value of the annotation that asked for the sync,
// "" for the first one.
func judge(inv *v1alpha1.HarborInventory, requested string) (ended bool, progress string, err error) {
	status := &inv.Status
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	reconciling := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReconciling)
	stalled := apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled)
	switch {
	case ready == nil, status.ObservedGeneration != inv.Generation:
		return false, "waiting for the operator", nil
	case stalled, ready.Status == metav1.ConditionFalse && ready.Reason == v1alpha1.ReasonAuthenticationFailed:
		return false, "", fmt.Errorf("%s: %s", ready.Reason, ready.Message)
	case reconciling != nil:
		return false, syncing(status.Progress, reconciling.Message), nil
	case status.LastHandledReconcileAt != requested:
		return false, "waiting for the requested sync", nil
	case ready.Status == metav1.ConditionTrue:
		return true, "", nil
	default: // the operator tries again
		return false, syncing(status.Progress, ready.Reason+": "+ready.Message), nil
	}
}

// syncing describes a sync under way.
func syncing(progress *v1alpha1.SyncProgress, message string) string {
	if progress == nil || progress.RepositoriesTotal == 0 {
		return message
	}
	return fmt.Sprintf("status.progress: %d of %d repositories", progress.RepositoriesDone, progress.RepositoriesTotal)
}

// incomplete tells what an inventory that is Ready says it lacks; "" if nothing.
func incomplete(inv *v1alpha1.HarborInventory) string {
	complete := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionComplete)
	switch {
	case complete == nil:
		return "it has no condition Complete"
	case complete.Status == metav1.ConditionTrue:
		return ""
	default:
		return fmt.Sprintf("its condition Complete is %s, %s: %s", complete.Status, complete.Reason, complete.Message)
	}
}
