// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// The number of requests in flight, as Harbor counts it, reaches maxConnections
// and never goes beyond, retries included: one request in ten fails, each time in
// another way. It is counted in a bubble because how many requests a Harbor is
// asked at a time depends on how soon it answers, and a busy machine answers late.
func TestMaxConnections(t *testing.T) {
	for _, n := range []int32{1, 5, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := harbortest.Generated(harbortest.Size{Projects: 4, Repositories: 200, Artifacts: 5})
				spec := realmSpec()
				spec.Webhook, spec.MaxConnections, spec.Interval.Duration = v1alpha1.Webhook{}, n, time.Hour
				w := newRealm(registry, harbortest.Options{Latency: 80 * time.Millisecond}, spec)
				for _, fault := range []harbortest.Fault{
					harbortest.InternalError(), harbortest.Gateway(502), harbortest.TooManyRequests(""),
					harbortest.Reset(), harbortest.ResetMidBody(), harbortest.Truncate(), harbortest.InvalidJSON(),
				} {
					w.harbor.Inject(harbortest.Rule{Rate: 0.015, Fault: fault})
				}
				w.start()
				time.Sleep(5 * time.Minute)
				if diff := cmp.Diff(w.held(), w.shown()); diff != "" {
					t.Errorf("Harbor lists (-), the lists show (+):\n%s", diff)
				}
				stats := w.harbor.Stats()
				if stats.HighestEver != int(n) {
					t.Errorf("maxConnections %d: %d of %d requests were in flight at the height", n, stats.HighestEver, stats.Total)
				}
				w.stop()
				w.close()
			})
		})
	}
}
