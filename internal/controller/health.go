// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

const (
	// endLimit is how long after spec.timeout a sync may take to come to its end:
	// it counts what it kept. One that takes longer hangs.
	endLimit = 10 * time.Minute

	// askLimit bounds an answer about the cache; a probe waits for a second.
	askLimit = 500 * time.Millisecond
)

// setupHealth adds what the probes ask, see docs/operations.md:
//
//	| probe    | check    | fails                                                       |
//	|----------|----------|-------------------------------------------------------------|
//	| /healthz | syncs    | while a sync hangs; when the locks hang, it never answers   |
//	| /readyz  | cache    | until the cache is filled                                   |
//	| /readyz  | webhooks | on the leader, until the receiver listens, if it is to      |
func (r *Reconciler) setupHealth(mgr ctrl.Manager) error {
	return errors.Join(
		mgr.AddHealthzCheck("syncs", r.alive),
		mgr.AddReadyzCheck("cache", r.filled),
		mgr.AddReadyzCheck("webhooks", receives(mgr.Elected(), r.receiver)),
	)
}

// alive fails while a sync hangs. It takes the locks that everybody needs.
func (r *Reconciler) alive(*http.Request) error {
	now := r.now()
	for _, running := range []*running{r.running, r.hinting} {
		if uid, hangs := running.hangs(now); hangs {
			return fmt.Errorf("the sync of the inventory with uid %s has not ended %s after its spec.timeout", uid, endLimit)
		}
	}
	r.hints.count()
	r.memory.snapshot(types.NamespacedName{})
	r.harbors.forget(types.NamespacedName{})
	return nil
}

func (r *Reconciler) filled(request *http.Request) error {
	ctx, cancel := context.WithTimeout(request.Context(), askLimit)
	defer cancel()
	if !r.cache.WaitForCacheSync(ctx) {
		return errors.New("the cache is not filled yet; a right to list and watch may be missing")
	}
	return nil
}

// receives returns a check of the receiver; nil: there is none.
func receives(elected <-chan struct{}, server *receiver.Server) func(*http.Request) error {
	return func(*http.Request) error {
		select {
		case <-elected:
		default:
			return nil // another replica receives
		}
		if server != nil && !server.Listening() {
			return errors.New("the receiver of webhooks does not listen")
		}
		return nil
	}
}
