// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Somebody who edits lists again and again makes the pauses between repairs grow.
func TestRepairPauses(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		interval time.Duration
		every    time.Duration // an edit comes
		want     []time.Duration
	}{
		{"now and then", time.Hour, time.Hour, []time.Duration{0, 0, 0}},
		{"all the time", 2 * time.Minute, 0, []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 2 * time.Minute, 2 * time.Minute}},
		{"short interval", 5 * time.Second, 0, []time.Duration{0, 10 * time.Second, 10 * time.Second, 10 * time.Second}},
		{"a pause long enough to forget", time.Hour, 30 * time.Second, []time.Duration{0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r repair
			var got []time.Duration
			now := start
			for range c.want {
				wait := r.wait(now)
				got = append(got, wait)
				now = now.Add(wait)
				r = r.next(now, c.interval)
				now = now.Add(c.every)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
