// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"testing"
	"time"
)

// TestAnswersToHead: the header is the whole answer. However it is delivered, the
// request counts no longer when the client has it, and no body follows.
func TestAnswersToHead(t *testing.T) {
	for name, fault := range map[string]Fault{
		"stall in mid-body": StallMidBody(), "trickle": Trickle(1, time.Hour), "truncated": Truncate(), "reset in mid-body": ResetMidBody(),
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(t, Recorded(), Options{})
			s.Inject(Rule{Fault: All(Gateway(http.StatusBadGateway), fault)}) // a fault with a body
			c := newClient(t, s, asRobot.name, asRobot.secret)
			for range 20 {
				got, err := c.do(http.MethodHead, apiPrefix+"/projects?project_name=library")
				if stats := s.Stats(); stats.InFlight != 0 || stats.HighestEver != 1 {
					t.Fatalf("in flight %d, at most %d, want 0 and 1", stats.InFlight, stats.HighestEver)
				}
				if name != "reset in mid-body" && (err != nil || got.status != http.StatusBadGateway) {
					t.Fatalf("status %d, %v, want 502", got.status, err)
				}
			}
		})
	}
}
