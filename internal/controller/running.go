// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// errInterrupted ends a sync whose inventory was deleted or changed.
var errInterrupted = errors.New("the inventory was deleted or changed during the sync")

// running knows the syncs under way and ends those that have become pointless:
// a queue would deliver the event only after the sync.
type running struct {
	mu    sync.Mutex
	syncs map[types.UID]underway
}

type underway struct {
	generation int64
	cancel     context.CancelCauseFunc
	until      time.Time // it must have ended by then; zero: no sync yet, or no more
}

func newRunning() *running { return &running{syncs: map[types.UID]underway{}} }

// begin registers a sync. The caller calls end when it is over.
func (r *running) begin(ctx context.Context, inv *v1alpha1.HarborInventory) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.syncs[inv.UID] = underway{generation: inv.Generation, cancel: cancel}
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.syncs, inv.UID)
		cancel(nil)
	}
}

// expect notes when a sync that has begun must have ended. The caller calls
// ended when it has.
func (r *running) expect(inventory types.UID, until time.Time) (ended func()) {
	set := func(until time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s, ok := r.syncs[inventory]; ok {
			s.until = until
			r.syncs[inventory] = s
		}
	}
	set(until)
	return func() { set(time.Time{}) }
}

// hangs names a sync that should have ended.
func (r *running) hangs(now time.Time) (inventory types.UID, hangs bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for uid, s := range r.syncs {
		if !s.until.IsZero() && now.After(s.until) {
			return uid, true
		}
	}
	return "", false
}

// interrupt ends the sync of an object unless it is still what the object asks for.
func (r *running) interrupt(obj client.Object, deleted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.syncs[obj.GetUID()]; ok && (deleted || obj.GetDeletionTimestamp() != nil || obj.GetGeneration() != s.generation) {
		s.cancel(errInterrupted)
	}
}

// superseded tells whether the inventory of a sync that has just been registered
// was deleted or changed, or is another operator's, by an event that came before
// it could interrupt the sync: the cache knows what the events tell.
func (r *Reconciler) superseded(ctx context.Context, inv *v1alpha1.HarborInventory) bool {
	var cached v1alpha1.HarborInventory
	if err := r.client.Get(ctx, client.ObjectKeyFromObject(inv), &cached); err != nil {
		return apierrors.IsNotFound(err)
	}
	return cached.UID != inv.UID || cached.DeletionTimestamp != nil || cached.Generation > inv.Generation
}

// interrupted tells whether the context of begin ended: the object was deleted
// or changed, or the operator is stopping. spec.timeout is no part of it.
func interrupted(ctx context.Context) bool {
	return ctx.Err() != nil
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// interrupting wraps an event handler: updates and deletions also end the sync under way.
func (r *running) interrupting(h handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: h.Create,
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			r.interrupt(e.ObjectNew, false)
			h.Update(ctx, e, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			r.interrupt(e.Object, true)
			h.Delete(ctx, e, q)
		},
	}
}

// asksForWork lets through what may ask for a sync or end one, and leaves out
// the controller's own changes of the status.
func asksForWork() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
				e.ObjectNew.GetDeletionTimestamp() != nil ||
				e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
				e.ObjectOld.GetAnnotations()[v1alpha1.AnnotationRequestedAt] != e.ObjectNew.GetAnnotations()[v1alpha1.AnnotationRequestedAt]
		},
	}
}
