// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// laneOf knows repositories of which so many artifacts are pending of ten.
func laneOf(pending map[string]int64) *knowledge {
	inv := &v1alpha1.HarborInventory{}
	inv.Spec.DetailRequestsPerMinute = 60
	k := newMemory().recall(inv)
	for name, n := range pending {
		k.remember(name, remembered{totals: inventory.Totals{Artifacts: 10, Pending: n}})
	}
	return k
}

func TestOrderOfLookups(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	k := laneOf(map[string]int64{"p/a": 0, "p/b": 3, "p/c": 0, "p/d": 10})
	next := func() *lookup {
		t.Helper()
		l, pause := k.nextLookup(now, time.Hour)
		if (l == nil) != (pause > 0) {
			t.Fatalf("%+v, and a pause of %s", l, pause)
		}
		return l
	}
	is := func(l *lookup, repository string, kind lookKind) {
		t.Helper()
		if l == nil || l.repository != repository || l.kind != kind {
			t.Fatalf("%+v, want %s %s", l, kind, repository)
		}
	}
	b := next()
	is(b, "p/b", lookPending)
	k.lookedUp(b, []string{"sha256:1"}, nil, now)
	k.urge("p/d", []string{"sha256:5"})
	k.urge("p/d", []string{"sha256:6"})
	k.urge("p/unknown", nil)
	d := next()
	is(d, "p/d", lookUrgent)
	if len(d.urgent) != 2 {
		t.Errorf("urgent: %v", d.urgent)
	}
	k.urge("p/d", []string{"sha256:7"})
	k.putBack(d)
	d = next()
	is(d, "p/d", lookUrgent)
	if len(d.urgent) != 3 {
		t.Errorf("urgent after an interruption: %v", d.urgent)
	}
	k.lookedUp(d, nil, nil, now)
	b = next() // it goes on
	is(b, "p/b", lookPending)
	if len(b.digests) != 1 {
		t.Errorf("digests %v are left", b.digests)
	}
	k.amend("p/b", func(r *remembered) { r.totals.Pending = 0 })
	k.lookedUp(b, nil, nil, now)
	d = next()
	is(d, "p/d", lookPending)
	k.lookedUp(d, nil, errors.New("no answer"), now)
	if l := next(); l != nil {
		t.Fatalf("%+v right after a failure, or before its turn", l)
	}
	now = now.Add(laneRetry)
	is(next(), "p/d", lookPending)
	k.amend("p/d", func(r *remembered) { r.totals.Pending = 0 })
	k.lookedUp(d, nil, nil, now)
	// Everything has its turn once within the hour.
	turns := map[string]int{}
	for range 3600 / 10 {
		now = now.Add(10 * time.Second)
		for l := next(); l != nil; l = next() {
			is(l, l.repository, lookAll)
			turns[l.repository]++
			k.lookedUp(l, nil, nil, now)
		}
	}
	for name := range k.repositories {
		if turns[name] != 1 {
			t.Errorf("%s had %d turns within the interval", name, turns[name])
		}
	}
	k.drop("p/a")
	k.urge("p/c", nil)
	c := next()
	is(c, "p/c", lookUrgent)
	k.drop("p/c")
	k.lookedUp(c, nil, nil, now)
	if len(k.lane.looked)+len(k.lane.retry)+len(k.lane.begun)+len(k.lane.urgent) > 4 {
		t.Errorf("what is gone is remembered: %+v", k.lane)
	}
}

// Of a scan that names a child of an index, the indexes are looked up.
func TestWhatAScanNames(t *testing.T) {
	entries := []v1alpha1.ArtifactEntry{
		{Digest: "image", Vulnerabilities: &v1alpha1.Vulnerabilities{}},
		{Digest: "new"},
		{Digest: "index", ManifestMediaType: "application/vnd.oci.image.index.v1+json", Unavailable: []string{"vulnerabilities"}},
	}
	unseen := map[string]*harbor.ScanOverview{"unseen": nil, "seen": {}}
	for _, c := range []struct {
		lookup lookup
		want   string
	}{
		{lookup{kind: lookPending}, "new unseen"},
		{lookup{kind: lookAll}, "image new index seen unseen"},
		{lookup{kind: lookUrgent}, "image new index seen unseen"},
		{lookup{kind: lookUrgent, urgent: map[string]bool{"image": true}}, "image"},
		{lookup{kind: lookUrgent, urgent: map[string]bool{"image": true, "child": true}}, "image index"},
		{lookup{kind: lookUrgent, urgent: map[string]bool{"seen": true}}, "index seen"},
	} {
		if got := strings.Join(c.lookup.chooseFrom(entries, unseen, []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.lookup, got, c.want)
		}
	}
}

func TestLookSize(t *testing.T) {
	k := laneOf(nil)
	for _, want := range []int{10, 5, 2, 1, 1} {
		k.noteLook(true)
		if got := k.lookSize(); got != want {
			t.Errorf("%d artifacts after an answer too late, want %d", got, want)
		}
	}
	for range 30 {
		k.noteLook(false)
	}
	if got := k.lookSize(); got != laneArtifacts {
		t.Errorf("%d artifacts after many answers in time", got)
	}
}
