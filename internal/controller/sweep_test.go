// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

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

// Whenever syncs look, each repository is verified once in an interval, and not
// twice; the load of one sync is near the mean.
func TestVerificationIsSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const repositories, syncs = 2000, 40
		start := time.Unix(rapid.Int64Range(1, 4_000_000_000).Draw(t, "start"), 0)
		step := time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "step"))
		interval := syncs * step
		last := make([]time.Time, repositories)
		for i := range last {
			last[i] = start
		}
		most := 0
		for n := 1; n <= syncs; n++ {
			now := start.Add(time.Duration(n) * step)
			due := 0
			for i := range last {
				if !verifiable(fmt.Sprintf("library/r%d", i), last[i], now, interval) {
					continue
				}
				if !last[i].Equal(start) {
					t.Fatalf("repository %d is verified at %s and at %s", i, last[i], now)
				}
				last[i] = now
				due++
			}
			most = max(most, due)
		}
		for i := range last {
			if last[i].Equal(start) {
				t.Fatalf("repository %d is never verified", i)
			}
		}
		if mean := repositories / syncs; most > 2*mean {
			t.Fatalf("%d repositories in one sync, the mean is %d", most, mean)
		}
	})
}
