// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// migrations lets the first few lists of the suite migrate, and then none within
// any sync's time.
var migrations = rate.NewLimiter(rate.Every(24*time.Hour), migrationsAtOnce)

const migrationsAtOnce = 3

// Lists whose hash another version of the operator has computed in another way
// are written once, as the limiter allows; they keep their content, and are no
// reason for a sync of their own.
func TestListsOfAnotherVersionAreMigrated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) { s.Output.MaxArtifactsPerList = new(int32(1)) })
	w.condition("all", "Ready=True", "Complete=True")
	for _, l := range w.lists("all") {
		hash := l.Annotations[v1alpha1.AnnotationContentHash]
		l.Annotations[v1alpha1.AnnotationContentHash] = "v0:" + strings.TrimPrefix(hash, "v1:")
		must(save(&l))
	}
	start := w.versions("all")
	if len(start) < 2*migrationsAtOnce {
		t.Fatalf("%d lists are too few for this test", len(start))
	}

	// As many as may, and the next sync none.
	for _, want := range []int{migrationsAtOnce, 0} {
		before := w.versions("all")
		w.request("all")
		w.condition("all", "Ready=True Succeeded", "Complete=True")
		w.equal(w.held(), w.shown("all"))
		if n := differences(before, w.versions("all")); n != want {
			t.Errorf("%d lists were written, want %d", n, want)
		}
	}

	// A change in Harbor does not wait.
	before := w.versions("all")
	w.registry.Push("team/tools/cli", harbortest.Image{Tags: []string{"new"}})
	w.request("all")
	w.equal(w.held(), w.shown("all"))
	if n := differences(before, w.versions("all")); n != 1 {
		t.Errorf("%d lists were written for one change", n)
	}

	// The rest.
	migrations.SetLimit(rate.Inf)
	before = w.versions("all")
	w.request("all")
	w.equal(w.held(), w.shown("all"))
	after := w.versions("all")
	for _, name := range slices.Sorted(maps.Keys(after)) {
		migratedBefore := before[name] != start[name]
		if writtenNow := after[name] != before[name]; writtenNow == migratedBefore {
			t.Errorf("list %s: migrated before: %t, written now: %t", name, migratedBefore, writtenNow)
		}
	}
	for _, l := range w.lists("all") {
		if got, want := l.Annotations[v1alpha1.AnnotationContentHash], shard.HashEntries(l.Artifacts).String(); got != want {
			t.Errorf("list %s has the hash %s, want %s", l.Name, got, want)
		}
	}
	w.request("all")
	if n := differences(after, w.versions("all")); n != 0 {
		t.Errorf("%d lists were written once more", n)
	}
}
