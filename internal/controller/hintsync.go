// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// setupHints adds the controller of hints: it reads single repositories while
// syncs of whole inventories go on, so that a push does not have to wait for them.
func (r *Reconciler) setupHints(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("harborinventory-hints").
		WithOptions(crcontroller.Options{MaxConcurrentReconciles: r.options.MaxConcurrentReconciles}).
		Watches(&v1alpha1.HarborInventory{}, r.hinting.interrupting(&handler.EnqueueRequestForObject{}),
			builder.WithPredicates(asksForWork())).
		WatchesMetadata(&v1alpha1.ArtifactList{}, r.edits.watch()).
		WatchesRawSource(source.Channel(r.hintWake, &handler.EnqueueRequestForObject{})).
		Complete(reconcile.Func(r.reconcileHints))
}

// unsettledPause is the pause before hints are looked at again of an inventory
// whose spec no sync has looked at yet.
const unsettledPause = time.Second

// reconcileHints reads the repositories that hints name:
//
//  1. Decide whether there is anything to do.
//  2. Check the spec and read what it refers to.
//  3. Read the audit log, which makes further hints, if it is time.
//  4. Read the repositories from Harbor and write their lists.
//  5. Tell the new numbers, and try again later what failed.
func (r *Reconciler) reconcileHints(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var inv v1alpha1.HarborInventory
	if err := r.live.Get(ctx, req.NamespacedName, &inv); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.hints.forget(req.NamespacedName)
			r.harbors.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !r.options.Selector.Matches(labels.Set(inv.Labels)) || inv.DeletionTimestamp != nil || inv.Spec.Suspend {
		return ctrl.Result{}, nil
	}
	// 1.
	if inv.Status.ObservedGeneration != inv.Generation {
		return ctrl.Result{RequeueAfter: unsettledPause}, nil
	}
	known := r.memory.recall(&inv)
	taken := r.takeHints(ctx, &inv)
	if len(taken) == 0 && !r.auditDue(&inv, known) {
		return ctrl.Result{RequeueAfter: r.nextHint(&inv, known)}, nil
	}
	ctx, cancel := r.hinting.begin(ctx, &inv)
	defer cancel()
	// 2.
	plan, err := r.resolve(ctx, &inv)
	if err != nil { // the next sync tells of it
		r.hints.settled(req.NamespacedName, taken, r.now())
		return ctrl.Result{RequeueAfter: referenceRetry}, nil
	}
	defer plan.client.Close()
	// 3.
	if r.auditDue(&inv, known) {
		r.follow(ctx, &inv, plan, known)
	}
	if len(taken) == 0 {
		taken = r.takeHints(ctx, &inv)
	}
	// 4. 5.
	if len(taken) > 0 {
		if err := r.settleHints(ctx, &inv, plan, taken); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: r.nextHint(&inv, known)}, nil
}

// takeHints takes the repositories to be read now. What concerns more is left to
// a sync of the whole, and so is a small inventory, which is one object.
func (r *Reconciler) takeHints(ctx context.Context, inv *v1alpha1.HarborInventory) []hint {
	name := client.ObjectKeyFromObject(inv)
	taken := r.hints.take(name, r.now())
	if len(taken) > 0 && inv.Spec.Output.Mode == v1alpha1.OutputStatus {
		r.hints.widen(name, scopeAll)
		taken = nil
	}
	if wider, _ := r.hints.waiting(name); wider != scopeNone {
		wake(ctx, r.wake, inv) // for a sync of the whole
	}
	return taken
}

// settleHints reads repositories, writes their lists, and tells the new numbers.
func (r *Reconciler) settleHints(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, taken []hint) error {
	unread, err := r.readHinted(ctx, inv, p, taken)
	if interrupted(ctx) {
		return nil
	}
	var failed []hint
	for _, t := range taken {
		outcome := "succeeded"
		if slices.Contains(unread, t.repository) {
			outcome = "failed"
			failed = append(failed, t)
		}
		hintedReads.WithLabelValues(t.by.String(), outcome).Inc()
	}
	r.hints.settled(client.ObjectKeyFromObject(inv), failed, r.now())
	if err != nil {
		log.FromContext(ctx).Info("repositories of hints could not be read; they are tried again", "repositories", len(failed), "reason", err.Error())
	}
	err = r.tellNumbers(ctx, inv)
	r.wakeLane(ctx, inv)
	return err
}

// wake has a controller look at an inventory.
func wake(ctx context.Context, controller chan<- event.GenericEvent, inv *v1alpha1.HarborInventory) {
	select {
	case controller <- event.GenericEvent{Object: inv}:
	case <-ctx.Done():
	}
}

// readHinted reads repositories and writes their lists. It returns those where
// that failed, and one reason.
func (r *Reconciler) readHinted(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, taken []hint) (failed []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, inv.Spec.Timeout.Duration, errTimedOut)
	defer cancel()
	defer r.hinting.expect(inv.UID, r.now().Add(inv.Spec.Timeout.Duration+endLimit))()
	ctx, end := traced(ctx, "hinted reads", inv, attribute.Int("repositories", len(taken)))
	defer end()
	out, err := r.newHintOutput(ctx, inv, p, repositories(taken))
	if err != nil {
		return repositories(taken), err
	}
	defer func() { out.settle(ctx, err) }()
	ctx = transport.Urgent(ctx) // somebody has just pushed this
	if taken = out.patchAll(ctx, taken); len(taken) == 0 {
		return nil, nil
	}
	names, logged := repositories(taken), map[string]bool{}
	for _, t := range taken {
		logged[t.repository] = t.by == byAuditLog
	}
	req := r.request(inv, p, out.held())
	req.Only = names
	req.Version, _ = out.known.complete()
	if unmoved := r.unmoved(inv, out); unmoved != nil && fetch.StampsTellChanges(req.Version) {
		// A webhook may have told already of what stands in the log. It may also
		// tell of a scan, which leaves the repository as it was.
		req.Known = func(repository harbor.Repository) bool { return logged[repository.Name] && unmoved(repository) }
	}
	s := newSink(out)
	report, err := fetch.Run(ctx, p.client, req, s)
	if err != nil {
		return slices.DeleteFunc(slices.Clone(names), s.wrote), err
	}
	report.Failures = append(report.Failures, out.forget(ctx, report.Gone)...)
	for _, f := range report.Failures {
		failed = append(failed, f.Repository)
		err = f.Err
	}
	return failed, err
}

func repositories(of []hint) []string {
	names := make([]string, len(of))
	for i := range of {
		names[i] = of[i].repository
	}
	return names
}

// newHintOutput is a listOutput that knows the lists of some repositories only.
func (r *Reconciler) newHintOutput(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, names []string) (*listOutput, error) {
	o := &listOutput{
		hinted: true, r: r, inv: inv, plan: p, slots: semaphore.NewWeighted(int64(r.options.Writers)), written: newWritten(), began: r.now(),
		known: r.memory.recall(inv), standing: map[string][]metav1.PartialObjectMetadata{},
	}
	for _, repository := range names {
		lists, err := r.listsUnder(ctx, inv, shard.NewNamer(inv.Name, repository).Prefix())
		if err != nil {
			return nil, err
		}
		if len(lists) > 0 {
			o.standing[repository] = lists
		}
	}
	return o, nil
}

// tellNumbers brings the numbers of the status in line with what the lists hold,
// if all of them are known. Others write the status, too.
func (r *Reconciler) tellNumbers(ctx context.Context, inv *v1alpha1.HarborInventory) error {
	known := r.memory.recall(inv)
	if _, ok := known.complete(); !ok {
		return nil
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var now v1alpha1.HarborInventory
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(inv), &now); err != nil || now.Generation != inv.Generation {
			return err
		}
		before := now.DeepCopy()
		sum := known.sum()
		setNumbers(&now.Status, &now, &sum)
		if equality.Semantic.DeepEqual(&before.Status, &now.Status) {
			return nil
		}
		return r.client.Status().Patch(ctx, &now, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	return client.IgnoreNotFound(err)
}
