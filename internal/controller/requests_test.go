// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// What the audit log tells of costs no more requests than the entries have pages,
// and for each repository the number of events or of its own pages, whichever is
// less; but one where the events fill their pages, so that the entry that the log is
// followed from, which shows that it is still the same log, takes another page. The
// table is printed with -v.
func TestRequestsForChanges(t *testing.T) {
	const size, large, largeSize = 41, 5, 1200
	var table strings.Builder
	table.WriteString("| Repositories | Events | of them | Requests for the log | for repositories | together | Plan |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))) // after what was generated was pushed
		registry := harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 105, Artifacts: size, Large: large, LargeArtifacts: largeSize})
		registry.AddRobot(harbortest.Robot{Name: "auditor", Secret: "secret", SystemScope: true})
		spec := realmSpec()
		spec.Webhook = v1alpha1.Webhook{}
		spec.Interval.Duration, spec.VerifyInterval.Duration = 24*time.Hour, 168*time.Hour
		w := newRealm(registry, harbortest.Options{Latency: time.Millisecond}, spec)
		w.store.secrets["robot"].Data["username"] = []byte("robot$auditor")
		registry.Push("library/first", harbortest.Image{Tags: []string{"1"}}) // so that there is a log
		w.start()
		time.Sleep(5 * time.Minute)
		var small, big []string
		repositories, _ := registry.Repositories()
		for _, r := range repositories {
			switch r.ArtifactCount {
			case size:
				small = append(small, r.Name)
			case largeSize:
				big = append(big, r.Name)
			}
		}
		pushed := 0
		push := func(repository string, n int) {
			for range n {
				pushed++
				registry.Push(repository, harbortest.Image{Tags: []string{fmt.Sprintf("pushed-%d", pushed)}})
			}
		}
		remove := func(repository string, n int) {
			listed, _ := registry.Listed()
			for _, a := range slices.Backward(listed) { // the first ones are children of indexes
				if n > 0 && a.Repository == repository && registry.DeleteArtifact(repository, a.Digest) == nil {
					n--
				}
			}
		}
		both := func(repository string, n int) { remove(repository, n/2); push(repository, n-n/2) }
		for _, shape := range []struct {
			about string
			of    []string
			each  int // events
			do    func(string, int)
			above int // requests that it takes more than the plan
		}{
			{"pushes", small[:1], 1, push, 0},
			{"pushes", small[:10], 1, push, 0},
			{"pushes", small[:100], 10, push, 1}, // its entries fill ten pages
			{"pushes", small[:1], 40, push, 0},   // it has a page
			{"pushes", big[:1], 3, push, 0},
			{"pushes", big[:5], 10, push, 0},
			{"pushes", big[:1], 40, push, 0},
			{"pushes", big[:1], 99, push, 0}, // its entries and the one before fill a page
			{"pushes", big[:1], 450, push, 0},
			{"deletions", small[10:20], 1, remove, 0},
			{"deletions", small[20:25], 20, remove, 1}, // its entries fill a page
			{"deletions", big[1:3], 60, remove, 0},
			{"pushes and deletions", small[30:40], 8, both, 0},
			{"pushes and deletions", big[3:5], 70, both, 0},
		} {
			time.Sleep(5 * time.Minute) // until the log is quiet
			before := w.harbor.Stats()
			for _, repository := range shape.of {
				shape.do(repository, shape.each)
			}
			for w.harbor.Stats().Requests(harbortest.ClassAuditLogExts) == before.Requests(harbortest.ClassAuditLogExts) {
				time.Sleep(time.Second)
			}
			time.Sleep(10 * time.Second) // one look at the log
			after := w.harbor.Stats()
			if diff := cmp.Diff(w.held(), w.shown()); diff != "" {
				t.Fatalf("after %s, Harbor lists (-), the lists show (+):\n%s", shape.about, diff)
			}
			log := after.Requests(harbortest.ClassAuditLogExts) - before.Requests(harbortest.ClassAuditLogExts)
			all := after.Total - before.Total
			k, e := len(shape.of), len(shape.of)*shape.each
			pages := 1
			if slices.Contains(big, shape.of[0]) {
				pages = (largeSize + 99) / 100
			}
			plan := (e+99)/100 + k*min(shape.each, pages)
			fmt.Fprintf(&table, "| %d | %d | %s | %d | %d | %d | %d |\n", k, e, shape.about, log, all-log, all, plan)
			if all > plan+shape.above {
				t.Errorf("%d repositories changed by %d %s: %d requests, want at most %d", k, e, shape.about, all, plan+shape.above)
			}
		}
		w.stop()
		w.close()
	})
	t.Log("\n" + table.String())
}
