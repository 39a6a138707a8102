// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// unmoved returns a function that tells which repositories need not be read,
// by their entries in a listing. It is nil, so that all are read, as long as
// nothing is known of the inventory. A repository is read if one of these is so:
//
//  1. Its lists were not written since the operator began, or not as they should.
//  2. It is not as it was before it was read last: id, update_time, artifact_count.
//     Where that may be for pulls alone, and was before, it can wait; see
//     current.Compare.
//  3. A hint names it.
//  4. Its lists are no longer as they were written.
//  5. It is its turn to be verified.
//  6. An artifact in its lists has grown too old for the spec.
func (r *Reconciler) unmoved(inv *v1alpha1.HarborInventory, lists *listOutput) func(harbor.Repository) bool {
	known := lists.known
	version, ok := known.complete()
	if !ok {
		return nil
	}
	lists.pushed = known.newestPush()
	_, hinted := r.hints.waiting(client.ObjectKeyFromObject(inv))
	now, within := r.now(), verifyInterval(inv, version)
	damping := current.Dampen(inv.Spec.Interval.Duration, wantedVerifyInterval(inv, version))
	return func(repository harbor.Repository) bool {
		was, ok := known.compare(&repository, damping, now)
		return ok && !was.Why.Reads() && !hinted[repository.Name] && !lists.plan.filter.Aged(was.oldest) &&
			lists.intact(lists.standing[repository.Name], was) && !current.Due(repository.Name, was.Began, now, within)
	}
}

// Default intervals of verification: shorter where Harbor's listing of
// repositories does not tell of every change.
const (
	defaultVerifyInterval    = 24 * time.Hour
	defaultVerifyIntervalOld = 6 * time.Hour
)

// verifyInterval returns the time from one verification of a repository to the
// next. Syncs come an interval apart, so it is that much less than what is asked
// for, but not less than half.
func verifyInterval(inv *v1alpha1.HarborInventory, version string) time.Duration {
	return current.Interval(wantedVerifyInterval(inv, version), inv.Spec.Interval.Duration*11/10)
}

// wantedVerifyInterval is the time within which every repository is to be verified.
func wantedVerifyInterval(inv *v1alpha1.HarborInventory, version string) time.Duration {
	switch {
	case inv.Spec.VerifyInterval != nil:
		return inv.Spec.VerifyInterval.Duration
	case !fetch.StampsTellChanges(version):
		return defaultVerifyIntervalOld
	default:
		return defaultVerifyInterval
	}
}
