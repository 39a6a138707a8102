// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// A sync that has not ended long after its timeout makes the operator unhealthy,
// for as long as it hangs; one that takes the time that it has does not.
func TestSyncsThatHang(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	r := &Reconciler{running: newRunning(), hinting: newRunning(), hints: newHints(), memory: newMemory(), harbors: newHarbors(1)}
	r.now = func() time.Time { return now }
	inv := &v1alpha1.HarborInventory{}
	inv.UID = "a"
	_, end := r.hinting.begin(t.Context(), inv)
	defer end()
	healthy := func(when string, want bool) {
		t.Helper()
		if err := r.alive(nil); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	healthy("before the sync", true)
	ended := r.hinting.expect(inv.UID, now.Add(time.Hour))
	now = now.Add(time.Hour)
	healthy("at its last moment", true)
	now = now.Add(time.Second)
	healthy("after it", false)
	ended()
	healthy("when it has ended after all", true)
}

// Webhooks are received on the leader; it is ready when it listens.
func TestReadyToReceive(t *testing.T) {
	leads, waits := make(chan struct{}), make(chan struct{})
	close(leads)
	for _, c := range []struct {
		name    string
		elected <-chan struct{}
		server  *receiver.Server
		ready   bool
	}{
		{"a leader without webhooks", leads, nil, true},
		{"a leader that does not listen", leads, &receiver.Server{}, false},
		{"a replica that waits", waits, &receiver.Server{}, true},
	} {
		if err := receives(c.elected, c.server)(nil); (err == nil) != c.ready {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
