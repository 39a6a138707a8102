// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// rest settles the status of an inventory that is not synced now.
func (r *Reconciler) rest(ctx context.Context, inv *v1alpha1.HarborInventory, d decision) error {
	if d.cause != causeSuspended {
		return nil
	}
	if err := r.own(ctx, inv); err != nil {
		return err
	}
	status := inv.Status.DeepCopy()
	status.ObservedGeneration = inv.Generation
	status.NextSyncTime = nil
	status.Progress = nil
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	ready := metav1.ConditionUnknown
	if c := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); c != nil {
		ready = c.Status
	}
	apimeta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: ready, Reason: v1alpha1.ReasonSuspended, ObservedGeneration: inv.Generation,
		Message: "spec.suspend is true: the inventory stays as the last sync left it",
	})
	return r.patchStatus(ctx, inv, status)
}

// stall tells of an obstacle that only a person can take away. Other errors go
// back to the queue.
func (r *Reconciler) stall(ctx context.Context, inv *v1alpha1.HarborInventory, err error) (ctrl.Result, error) {
	var obstacle *stallError
	if !errors.As(err, &obstacle) {
		return ctrl.Result{}, err
	}
	status := inv.Status.DeepCopy()
	status.ObservedGeneration = inv.Generation
	status.LastHandledReconcileAt = inv.Annotations[v1alpha1.AnnotationRequestedAt]
	status.NextSyncTime = nil
	status.Progress = nil
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
	setCondition(status, inv, v1alpha1.ConditionReady, false, obstacle.reason, obstacle.message)
	setCondition(status, inv, v1alpha1.ConditionStalled, true, obstacle.reason, obstacle.message)
	r.report(inv, status)
	if !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionStalled) {
		log.FromContext(ctx).Info("stalled", "reason", obstacle.reason, "message", obstacle.message)
	}
	if err := r.patchStatus(ctx, inv, status); err != nil {
		return ctrl.Result{}, err
	}
	if !obstacle.waits {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: referenceRetry}, nil
}

// announce tells that a sync begins which is to bring something new. Others
// begin in silence.
func (r *Reconciler) announce(ctx context.Context, inv *v1alpha1.HarborInventory, d decision, started metav1.Time) error {
	if !d.brings() {
		return nil
	}
	status := inv.Status.DeepCopy()
	status.Progress = &v1alpha1.SyncProgress{StartedAt: started}
	message := "reading Harbor: " + map[cause]string{
		causeFirst: "the first sync", causeSpec: "the spec is new", causeRequested: "asked for by annotation",
	}[d.cause]
	apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	setCondition(status, inv, v1alpha1.ConditionReconciling, true, v1alpha1.ReasonProgressing, message)
	if d.cause != causeRequested {
		status.ObservedGeneration = inv.Generation
		status.NextSyncTime = nil   // so that a restart begins this sync again
		status.AuditLogCursor = nil // of what was read for another spec
		apimeta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonProgressing,
			Message: message, ObservedGeneration: inv.Generation,
		})
	}
	return r.patchStatus(ctx, inv, status)
}

// conclude writes the outcome and comes back when the next sync is due.
func (r *Reconciler) conclude(ctx context.Context, inv *v1alpha1.HarborInventory, res result) (ctrl.Result, error) {
	now := r.now()
	status := outcome(inv, &res, now, rand.Float64()) //nolint:gosec // jitter needs no secrecy
	syncDuration.WithLabelValues(res.decision.scope.String()).Observe(res.duration.Seconds())
	syncs.WithLabelValues(apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete).Reason).Inc()
	r.report(inv, &status)
	logSync(ctx, inv, &res, &status)
	endSync(trace.SpanFromContext(ctx), &res, &status)
	ctx, end := tracedPhase(ctx, "write status")
	defer end()
	if err := r.patchStatus(ctx, inv, &status); err != nil {
		return ctrl.Result{}, ignoreGone(err)
	}
	return ctrl.Result{RequeueAfter: status.NextSyncTime.Sub(now)}, nil
}

// patchStatus writes what differs, if anything does.
func (r *Reconciler) patchStatus(ctx context.Context, inv *v1alpha1.HarborInventory, status *v1alpha1.HarborInventoryStatus) error {
	if equality.Semantic.DeepEqual(&inv.Status, status) {
		return nil
	}
	before := inv.DeepCopy()
	inv.Status = *status
	return client.IgnoreNotFound(r.client.Status().Patch(ctx, inv, client.MergeFrom(before)))
}

// logSync writes one line for each sync, and one for each of the first failures.
// What a sync says that is as the one before left it, it says to debuggers: an
// inventory that nothing happens to leaves no lines.
func logSync(ctx context.Context, inv *v1alpha1.HarborInventory, res *result, status *v1alpha1.HarborInventoryStatus) {
	logger := log.FromContext(ctx)
	complete := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	was := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionComplete)
	routine := res.decision.cause == causeInterval || res.decision.cause == causeRetry
	known := routine && was != nil && was.Reason == complete.Reason
	quiet := known && res.done == 0 && len(res.report.Gone) == 0 && status.FailuresTotal == inv.Status.FailuresTotal
	logger.V(level(quiet)).Info("synced", "cause", res.decision.cause, "outcome", complete.Reason, "seconds", res.duration.Seconds(),
		"scope", res.decision.scope, "repositories", res.done, "unmoved", res.report.Known, "artifacts", res.totals.Artifacts, "failures", status.FailuresTotal,
		"unverified", res.report.Unverified, "notFound", len(res.report.NotFound), "gone", len(res.report.Gone))
	if res.err != nil {
		logger.V(level(known)).Info("sync ended early", "reason", complete.Reason, "message", complete.Message)
	}
	for _, f := range status.Failures {
		logger.V(level(routine && f.Since.Before(&res.started))).
			Info("could not be read or written", "project", f.Project, "repository", f.Repository, "reason", f.Reason, "message", f.Message)
	}
}

// level is that of a line: debug if nothing in it is new.
func level(quiet bool) int {
	if quiet {
		return 1
	}
	return 0
}
