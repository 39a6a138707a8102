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
		name  string
		every time.Duration // an edit comes after the last one was put right
		want  []time.Duration
	}{
		{"now and then", time.Hour, []time.Duration{0, 0, 0}},
		{"all the time", 0, []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second, 10 * time.Minute, 10 * time.Minute}},
		{"a pause long enough to forget", 30 * time.Second, []time.Duration{0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r repair
			var got []time.Duration
			now := start
			for range c.want {
				r = r.next(now)
				got = append(got, r.at.Sub(now))
				if again := r.next(now); again != r && r.at.After(now) {
					t.Errorf("another edit before the repair makes it %v, not %v", again, r)
				}
				now = r.at.Add(c.every)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
