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
		hinted  scope
		want    decision
	}{
		{"never seen", []change{func(inv *v1alpha1.HarborInventory) { inv.Status.ObservedGeneration = -1 }}, scopeNone, decision{scope: scopeAll, cause: causeFirst}},
		{"no sync ended", nil, scopeNone, decision{scope: scopeAll, cause: causeFirst}},
		{"not yet", []change{next(time.Minute), complete("True")}, scopeNone, decision{cause: causeNotYet, after: time.Minute}},
		{"interval", []change{next(0), complete("True")}, scopeNone, decision{scope: scopeChanged, cause: causeInterval}},
		{"retry", []change{next(-time.Second), complete("False")}, scopeNone, decision{scope: scopeChanged, cause: causeRetry}},
		{"new spec", []change{next(time.Minute), newSpec}, scopeNone, decision{scope: scopeAll, cause: causeSpec}},
		{"requested", []change{next(time.Minute), requested}, scopeNone, decision{scope: scopeAll, cause: causeRequested}},
		{"requested before the first", []change{requested}, scopeNone, decision{scope: scopeAll, cause: causeFirst}},
		{"new spec and requested", []change{next(time.Minute), requested, newSpec}, scopeNone, decision{scope: scopeAll, cause: causeSpec}},
		{"hinted", []change{next(time.Minute)}, scopeAll, decision{scope: scopeAll, cause: causeHinted}},
		{"hinted, less", []change{next(time.Minute)}, scopeChanged, decision{scope: scopeChanged, cause: causeHinted}},
		{"hinted and requested", []change{next(time.Minute), requested}, scopeChanged, decision{scope: scopeAll, cause: causeRequested}},
		{"hinted and suspended", []change{suspended}, scopeAll, decision{cause: causeSuspended}},
		{"suspended", []change{suspended, requested, newSpec}, scopeNone, decision{cause: causeSuspended}},
		{"deleted", []change{deleted, suspended, requested}, scopeNone, decision{cause: causeDeleted}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
			inv.Status.ObservedGeneration = 3
			for _, change := range c.changes {
				change(inv)
			}
			if got := due(inv, now, c.hinted); got != c.want {
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
