// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
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
// less; plus one where the entry that the log is followed from, which shows that it
// is still the same log, takes another page. The table is printed with -v.
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
		remove := func(repository string, _ int) { fine(registry.DeleteArtifact(repository, "v1.0.1")) }
		for _, shape := range []struct {
			about string
			of    []string
			each  int // events
			do    func(string, int)
			whole int // requests for each repository beyond the plan, where it has to be read as a whole
		}{
			{"pushes", small[:1], 1, push, 0},
			{"pushes", small[:10], 1, push, 0},
			{"pushes", small[:100], 10, push, 0},
			{"pushes", big[:1], 3, push, 0},
			{"pushes", big[:5], 10, push, 0},
			{"pushes", big[:1], 40, push, 3}, // more than are read alone: its entry before and after its pages, and those without tags
			{"deletions", small[10:20], 1, remove, 2},
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
			if shape.of[0] == big[0] {
				pages = (largeSize + 99) / 100
			}
			plan := (e+99)/100 + k*min(shape.each, pages)
			fmt.Fprintf(&table, "| %d | %d | %s | %d | %d | %d | %d |\n", k, e, shape.about, log, all-log, all, plan)
			if all > plan+1+k*shape.whole {
				t.Errorf("%d repositories changed by %d %s: %d requests, want at most %d", k, e, shape.about, all, plan+1+k*shape.whole)
			}
		}
		w.stop()
		w.close()
	})
	t.Log("\n" + table.String())
}
