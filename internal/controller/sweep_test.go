// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func TestVerifyInterval(t *testing.T) {
	for _, c := range []struct {
		name     string
		asked    time.Duration // 0: nothing
		interval time.Duration
		version  string
		want     time.Duration
	}{
		{"tells of every change", 0, 10 * time.Minute, "v2.16.0-c50c7ddd", 24*time.Hour - 11*time.Minute},
		{"does not", 0, 10 * time.Minute, "v2.15.1", 6*time.Hour - 11*time.Minute},
		{"no version", 0, 10 * time.Minute, "", 6*time.Hour - 11*time.Minute},
		{"asked for", time.Hour, 10 * time.Minute, "v2.15.1", 49 * time.Minute},
		{"an interval as long", 10 * time.Minute, time.Hour, "v2.16.0", 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := &v1alpha1.HarborInventory{}
			inv.Spec.Interval.Duration = c.interval
			if c.asked > 0 {
				inv.Spec.VerifyInterval = &metav1.Duration{Duration: c.asked}
			}
			if got := verifyInterval(inv, c.version); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
