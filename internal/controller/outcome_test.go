// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

func failures(n int) []fetch.Failure {
	var list []fetch.Failure
	for i := range n {
		list = append(list, fetch.Failure{
			Project: "p", Repository: fmt.Sprintf("p/r%03d", i), Reason: fetch.ReasonUnavailable,
			Err: fmt.Errorf("artifacts.list: %w", harbor.ErrUnavailable),
		})
	}
	return list
}

// failing is the report of a sync in which one repository failed for each reason.
func failing(reasons ...fetch.Reason) fetch.Report {
	list := failures(len(reasons))
	for i, reason := range reasons {
		list[i].Reason = reason
	}
	return fetch.Report{Version: "v2.16.0", Projects: 2, Repositories: 3, Failures: list}
}

func TestOutcome(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	whole := fetch.Report{Version: "v2.16.0", Projects: 2, Repositories: 3}
	partly := whole
	partly.Failures = failures(1)
	unmatched := whole
	unmatched.NotFound = []string{"nosuch"}
	totals := inventory.Totals{Artifacts: 10, SizeBytes: 1000}

	for _, c := range []struct {
		name            string
		policy          v1alpha1.FailurePolicy
		query           string
		result          result
		ready, complete string // "Status Reason"
		stalled         bool
		says            string
		counted         bool // the numbers of the status are the result's
		next            time.Duration
	}{
		{
			name: "everything", result: result{report: whole, done: 3, found: 3, totals: totals, lists: 4},
			ready: "True Succeeded", complete: "True Succeeded", says: "10 artifacts of 3 repositories in 2 projects", counted: true, next: time.Hour,
		},
		{
			name: "a name matched nothing", result: result{report: unmatched, done: 3, totals: totals, lists: 4},
			ready: "True Succeeded", complete: "False SelectionNotFound", says: "matched nothing: nosuch (spec.projects): check the spelling", counted: true, next: time.Hour,
		},
		{
			name: "partly, Continue", result: result{report: partly, done: 2, totals: totals, lists: 4},
			ready: "True PartialFailure", complete: "False PartialFailure", says: "1 could not be read: p/r000", counted: true, next: firstRetry,
		},
		{
			name: "partly, Fail", policy: v1alpha1.FailurePolicyFail, result: result{report: partly, done: 2, totals: totals, lists: 4},
			ready: "False PartialFailure", complete: "False PartialFailure", says: "1 could not be read: p/r000", counted: true, next: firstRetry,
		},
		{
			name: "nothing", result: result{report: partly, totals: totals, lists: 4},
			ready: "False HarborUnavailable", complete: "False HarborUnavailable", says: "nothing could be brought up to date: 1 could not be read", counted: true, next: firstRetry,
		},
		{
			name: "nothing could be written", result: result{report: failing(fetch.ReasonWrite), totals: totals, lists: 4},
			ready: "False WriteFailed", complete: "False WriteFailed", says: "up to date: 1 could not be written: p/r000", counted: true, next: firstRetry,
		},
		{
			name: "not to be read, and not to be written", result: result{report: failing(fetch.ReasonForbidden, fetch.ReasonWrite), done: 1, totals: totals, lists: 4},
			ready: "True PartialFailure", complete: "False PartialFailure", says: "2 could not be read or written: p/r000, p/r001", counted: true, next: firstRetry,
		},
		{
			name: "no right", result: result{report: failing(fetch.ReasonForbidden), done: 1, totals: totals, lists: 4},
			ready: "True PartialFailure", complete: "False PartialFailure", says: "give the account the right to read it", counted: true, next: firstRetry,
		},
		{
			name: "a query that Harbor does not accept", query: "push_time=[~]", result: result{report: failing(fetch.ReasonBadQuery), totals: totals, lists: 4},
			ready: "False InvalidSpec", complete: "False InvalidSpec", stalled: true, says: `correct spec.artifacts.query: Harbor does not accept "push_time=[~]"`, counted: true, next: firstRetry,
		},
		{
			name: "a query that Harbor does not accept, and no answer", query: "push_time=[~]", result: result{report: failing(fetch.ReasonBadQuery, fetch.ReasonUnavailable), totals: totals, lists: 4},
			ready: "False PartialFailure", complete: "False PartialFailure", says: "2 could not be read", counted: true, next: firstRetry,
		},
		{
			name: "Harbor's address is not allowed", result: result{err: fmt.Errorf("systeminfo: %w", &egress.RefusalError{Cause: egress.AddressSpecial, Kind: "loopback"})},
			ready: "False HarborNotAllowed", complete: "False HarborNotAllowed", stalled: true, says: "has a loopback address", next: firstRetry,
		},
		{
			name: "credentials", result: result{err: fetch.ErrAuthenticationFailed},
			ready: "False AuthenticationFailed", complete: "False AuthenticationFailed", says: `(Secret "robot", spec.harbor.credentialsSecretRef)`, next: firstRetry,
		},
		{
			name: "Harbor gone", result: result{err: fmt.Errorf("x: %w", fetch.ErrUnavailable), done: 1},
			ready: "False HarborUnavailable", complete: "False HarborUnavailable", says: `spec.harbor.url: "harbor.example.com:8443": x: harbor stopped answering; nothing was removed`, next: firstRetry,
		},
		{
			name: "time-out", result: result{err: errTimedOut, done: 1, found: 3},
			ready: "False TimedOut", complete: "False TimedOut", says: "1 of 3 repositories", next: firstRetry,
		},
		{
			name:   "too many for the status",
			result: result{report: whole, stall: &stallError{reason: v1alpha1.ReasonTooManyArtifacts, message: "too many"}},
			ready:  "False TooManyArtifacts", complete: "False TooManyArtifacts", stalled: true, says: "too many", next: time.Hour,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{
				Generation: 7, Annotations: map[string]string{v1alpha1.AnnotationRequestedAt: "asked"},
			}}
			inv.Spec.Harbor.URL = "https://harbor.example.com:8443"
			inv.Spec.Projects = []v1alpha1.ProjectPattern{"p", "nosuch"}
			inv.Spec.Artifacts.Query = c.query
			inv.Spec.FailurePolicy = c.policy
			inv.Spec.Interval.Duration = time.Hour
			inv.Spec.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "robot"}
			inv.Status.Artifacts = new(int64(99))
			inv.Status.Progress = &v1alpha1.SyncProgress{}
			inv.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReconciling, Status: "True"}}
			got := outcome(inv, &c.result, now, 0.5)

			for kind, want := range map[string]string{v1alpha1.ConditionReady: c.ready, v1alpha1.ConditionComplete: c.complete} {
				condition := apimeta.FindStatusCondition(got.Conditions, kind)
				if text := fmt.Sprintf("%s %s", condition.Status, condition.Reason); text != want {
					t.Errorf("%s is %s, want %s", kind, text, want)
				}
				if !strings.Contains(condition.Message, c.says) {
					t.Errorf("%s does not say %q: %s", kind, c.says, condition.Message)
				}
			}
			if apimeta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionStalled) != c.stalled ||
				apimeta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReconciling) != nil {
				t.Errorf("conditions %+v", got.Conditions)
			}
			if got.ObservedGeneration != 7 || got.LastHandledReconcileAt != "asked" || got.Progress != nil {
				t.Errorf("status %+v", got)
			}
			if want := map[bool]int64{true: totals.Artifacts, false: 99}[c.counted]; *got.Artifacts != want {
				t.Errorf("status.artifacts %d, want %d", *got.Artifacts, want)
			}
			if pause := got.NextSyncTime.Sub(now); pause != c.next {
				t.Errorf("next sync in %s, want %s", pause, c.next)
			}
		})
	}
}

func TestFailuresInStatus(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	earlier := metav1.NewTime(now.Add(-time.Hour))
	inv := &v1alpha1.HarborInventory{}
	inv.Status.Failures = []v1alpha1.SyncFailure{{Project: "p", Repository: "p/r001", Since: earlier}, {Project: "p", Repository: "p/healed", Since: earlier}}
	list := failures(60)
	list[2].Err = errors.New(strings.Repeat("ä", 4000))
	got := outcome(inv, &result{report: fetch.Report{Failures: list}, done: 1}, now, 0)

	if len(got.Failures) != 50 || got.FailuresTotal != 60 {
		t.Errorf("%d failures are named, of %d", len(got.Failures), got.FailuresTotal)
	}
	for i, f := range got.Failures {
		if since := f.Since.Equal(&earlier); since != (f.Repository == "p/r001") {
			t.Errorf("failure %d of %s since %s", i, f.Repository, f.Since)
		}
		if len(f.Message) > 1024 {
			t.Errorf("a message of %d bytes", len(f.Message))
		}
	}
	if slices.ContainsFunc(got.Failures, func(f v1alpha1.SyncFailure) bool { return f.Repository == "p/healed" }) {
		t.Error("a failure that healed is still named")
	}
}
