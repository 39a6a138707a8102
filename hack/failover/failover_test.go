// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
	"time"
)

// The second replica takes over in every case, and nothing is written twice. The
// Lease is shorter than it would be in a cluster, so that a kill is over sooner.
func TestFailover(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	s, err := open(ctx, t, "../..",
		"--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []stop{clean, kill} {
		for _, when := range []moment{idle, midSync} {
			if _, err := s.fail(ctx, how, when); err != nil {
				t.Fatalf("%s, %s: %v", how, when, err)
			}
			if err := s.writes(ctx); err != nil {
				t.Errorf("%s, %s: %v", how, when, err)
			}
		}
	}
}
