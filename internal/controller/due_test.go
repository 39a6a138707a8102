// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func TestDue(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *metav1.Time {
		time := metav1.NewTime(now.Add(d))
		return &time
	}
	type change = func(*v1alpha1.HarborInventory)
	complete := func(status metav1.ConditionStatus) change {
		return func(inv *v1alpha1.HarborInventory) {
			inv.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: status}}
		}
	}
	next := func(d time.Duration) change {
		return func(inv *v1alpha1.HarborInventory) { inv.Status.NextSyncTime = at(d) }
	}
	requested := func(inv *v1alpha1.HarborInventory) {
		inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: "now"}
	}
	suspended := func(inv *v1alpha1.HarborInventory) { inv.Spec.Suspend = true }
	newSpec := func(inv *v1alpha1.HarborInventory) { inv.Generation++ }
	deleted := func(inv *v1alpha1.HarborInventory) { inv.DeletionTimestamp = at(0) }

	for _, c := range []struct {
		name    string
		changes []change
		edits   edits
		want    decision
	}{
		{"never seen", []change{func(inv *v1alpha1.HarborInventory) { inv.Status.ObservedGeneration = -1 }}, edits{}, decision{sync: true, cause: causeFirst}},
		{"no sync ended", nil, edits{}, decision{sync: true, cause: causeFirst}},
		{"not yet", []change{next(time.Minute), complete("True")}, edits{}, decision{cause: causeNotYet, after: time.Minute}},
		{"interval", []change{next(0), complete("True")}, edits{}, decision{sync: true, cause: causeInterval}},
		{"retry", []change{next(-time.Second), complete("False")}, edits{}, decision{sync: true, cause: causeRetry}},
		{"new spec", []change{next(time.Minute), newSpec}, edits{}, decision{sync: true, cause: causeSpec}},
		{"requested", []change{next(time.Minute), requested}, edits{}, decision{sync: true, cause: causeRequested}},
		{"requested before the first", []change{requested}, edits{}, decision{sync: true, cause: causeFirst}},
		{"new spec and requested", []change{next(time.Minute), requested, newSpec}, edits{}, decision{sync: true, cause: causeSpec}},
		{"edited", []change{next(time.Minute)}, edits{pending: true}, decision{sync: true, cause: causeEdited}},
		{"edited again", []change{next(time.Minute)}, edits{pending: true, wait: time.Second}, decision{cause: causeNotYet, after: time.Second}},
		{"edited again, and soon due anyway", []change{next(time.Minute)}, edits{pending: true, wait: time.Hour}, decision{cause: causeNotYet, after: time.Minute}},
		{"edited again, and due", []change{next(0), complete("True")}, edits{pending: true, wait: time.Hour}, decision{sync: true, cause: causeInterval}},
		{"edited and requested", []change{next(time.Minute), requested}, edits{pending: true}, decision{sync: true, cause: causeRequested}},
		{"edited and suspended", []change{suspended}, edits{pending: true}, decision{cause: causeSuspended}},
		{"suspended", []change{suspended, requested, newSpec}, edits{}, decision{cause: causeSuspended}},
		{"deleted", []change{deleted, suspended, requested}, edits{}, decision{cause: causeDeleted}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
			inv.Status.ObservedGeneration = 3
			for _, change := range c.changes {
				change(inv)
			}
			if got := due(inv, now, c.edits); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.Int64Range(int64(10*time.Second), int64(168*time.Hour)).Draw(t, "interval"))
		random := rapid.Float64Range(0, 0.999).Draw(t, "random")
		pause := interval
		var since *time.Time
		if failing := time.Duration(rapid.Int64Range(-1, int64(200*time.Hour)).Draw(t, "failing")); failing >= 0 {
			begin := now.Add(-failing)
			since = &begin
			pause = min(interval, max(firstRetry, failing))
		}
		got := next(now, interval, since, random).Sub(now)
		if got < pause*9/10-time.Second || got > pause*11/10+time.Second {
			t.Errorf("pause %s, want %s give or take a tenth", got, pause)
		}
	})
}
