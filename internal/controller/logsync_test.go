// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

// A sync that finds everything as the one before left it logs nothing at info.
func TestQuietSyncsLogNothing(t *testing.T) {
	t.Parallel()
	started := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 500, time.UTC))
	status := func(reason string, since ...metav1.Time) v1alpha1.HarborInventoryStatus {
		s := v1alpha1.HarborInventoryStatus{
			Conditions:    []metav1.Condition{{Type: v1alpha1.ConditionComplete, Reason: reason}},
			FailuresTotal: int32(len(since)),
		}
		for _, t := range since {
			s.Failures = append(s.Failures, v1alpha1.SyncFailure{Repository: "library/broken", Reason: "Unavailable", Since: t})
		}
		return s
	}
	ok, partial, gone := v1alpha1.ReasonSucceeded, v1alpha1.ReasonPartialFailure, v1alpha1.ReasonHarborUnavailable
	long := metav1.NewTime(started.Add(-time.Hour))
	for name, tt := range map[string]struct {
		was, is v1alpha1.HarborInventoryStatus
		cause   cause
		res     result
		want    string
	}{
		"nothing new":               {status(ok), status(ok), causeInterval, result{}, ""},
		"asked for":                 {status(ok), status(ok), causeRequested, result{}, "synced"},
		"the first":                 {v1alpha1.HarborInventoryStatus{}, status(ok), causeFirst, result{}, "synced"},
		"something was read":        {status(ok), status(ok), causeInterval, result{done: 1}, "synced"},
		"something is gone":         {status(ok), status(ok), causeInterval, result{report: fetch.Report{Gone: []string{"library/gone"}}}, "synced"},
		"it fails":                  {status(ok), status(partial, started), causeInterval, result{}, "synced, could not be read or written"},
		"it fails on":               {status(partial, long), status(partial, long), causeRetry, result{}, ""},
		"something else fails, too": {status(partial, long), status(partial, long, started), causeRetry, result{}, "synced, could not be read or written"},
		"Harbor is gone":            {status(ok), status(gone), causeInterval, result{err: errTimedOut}, "synced, sync ended early"},
		"Harbor stays away":         {status(gone), status(gone), causeRetry, result{err: errTimedOut}, ""},
		"Harbor is back":            {status(gone), status(ok), causeRetry, result{}, "synced"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var messages []string
			logger := funcr.NewJSON(func(line string) {
				_, message, _ := strings.Cut(line, `"msg":"`)
				message, _, _ = strings.Cut(message, `"`)
				messages = append(messages, message)
			}, funcr.Options{})
			tt.res.decision.cause, tt.res.started = tt.cause, started
			logSync(logr.NewContext(t.Context(), logger), &v1alpha1.HarborInventory{Status: tt.was}, &tt.res, &tt.is)
			if got := strings.Join(messages, ", "); got != tt.want {
				t.Errorf("logged %q, want %q", got, tt.want)
			}
		})
	}
}
