// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// condition parses "Ready=True Succeeded the message".
func condition(text string) metav1.Condition {
	kind, rest, _ := strings.Cut(text, "=")
	fields := strings.SplitN(rest, " ", 3)
	return metav1.Condition{Type: kind, Status: metav1.ConditionStatus(fields[0]), Reason: fields[1], Message: fields[2]}
}

func inventory(observed int64, conditions ...string) *v1alpha1.HarborInventory {
	inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
	inv.Status.ObservedGeneration = observed
	for _, c := range conditions {
		inv.Status.Conditions = append(inv.Status.Conditions, condition(c))
	}
	return inv
}

func TestJudge(t *testing.T) {
	requested := inventory(1, "Ready=True Succeeded all")
	requested.Status.LastHandledReconcileAt = "now"
	underway := inventory(1, "Ready=Unknown Progressing reading", "Reconciling=True Progressing reading")
	underway.Status.Progress = &v1alpha1.SyncProgress{RepositoriesDone: 3, RepositoriesTotal: 7}
	for _, tt := range []struct {
		about     string
		inv       *v1alpha1.HarborInventory
		requested string
		ended     bool
		progress  string
		err       string
	}{
		{"new", inventory(0), "", false, "waiting for the operator", ""},
		{"status of an earlier spec", inventory(0, "Ready=True Succeeded all"), "", false, "waiting for the operator", ""},
		{"begun", inventory(1, "Ready=Unknown Progressing reading", "Reconciling=True Progressing reading"), "", false, "reading", ""},
		{"under way", underway, "", false, "status.progress: 3 of 7 repositories", ""},
		{"good", inventory(1, "Ready=True Succeeded all"), "", true, "", ""},
		{"good in parts", inventory(1, "Ready=True PartialFailure most", "Complete=False PartialFailure most"), "", true, "", ""},
		{"not yet asked", inventory(1, "Ready=True Succeeded all"), "now", false, "waiting for the requested sync", ""},
		{"asked and handled", requested, "now", true, "", ""},
		{"failed", inventory(1, "Ready=False HarborUnavailable no answer"), "", false, "HarborUnavailable: no answer", ""},
		{"wrong password", inventory(1, "Ready=False AuthenticationFailed no"), "", false, "", "AuthenticationFailed: no"},
		{"stalled", inventory(1, "Ready=False SecretNotFound no", "Stalled=True SecretNotFound no"), "", false, "", "SecretNotFound: no"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			ended, progress, err := judge(tt.inv, tt.requested)
			if ended != tt.ended || progress != tt.progress {
				t.Errorf("ended %v, progress %q; want %v, %q", ended, progress, tt.ended, tt.progress)
			}
			if got := text(err); got != tt.err {
				t.Errorf("error %q, want %q", got, tt.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestIncomplete(t *testing.T) {
	for want, inv := range map[string]*v1alpha1.HarborInventory{
		"it has no condition Complete": inventory(1),
		"":                             inventory(1, "Complete=True Succeeded all"),
		"its condition Complete is False, PartialFailure: a lacks b": inventory(1, "Complete=False PartialFailure a lacks b"),
	} {
		if got := incomplete(inv); got != want {
			t.Errorf("incomplete: %q, want %q", got, want)
		}
	}
}
