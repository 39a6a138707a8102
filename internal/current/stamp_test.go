// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return epoch.Add(d) }

func TestCompare(t *testing.T) {
	read := Stamp{ID: 7, Updated: after(0), Artifacts: 3, Pulls: 10}
	quiet := Record{Read: read, Seen: read, Began: after(0)}
	vain := quiet
	vain.Vain = 1
	often := quiet
	often.Vain = 9
	waited := vain // a pull was seen, and postponed
	waited.Seen = Stamp{ID: 7, Updated: after(time.Minute), Artifacts: 3, Pulls: 11}
	moved := Stamp{ID: 7, Updated: after(2 * time.Minute), Artifacts: 3, Pulls: 10}
	pulled := moved
	pulled.Pulls = 11
	d := Damping{Base: 20 * time.Minute, Bound: time.Hour}
	for name, test := range map[string]struct {
		was     Record
		unknown bool
		listed  Stamp
		old     bool // before 2.15.2
		at      time.Duration
		want    Finding
		vain    int
	}{
		"never read":                       {unknown: true, listed: read, want: New},
		"the same":                         {was: quiet, listed: read, want: Unchanged},
		"deleted and made again":           {was: often, listed: Stamp{ID: 8, Updated: after(0), Artifacts: 3, Pulls: 10}, want: Recreated},
		"one more":                         {was: often, listed: Stamp{ID: 7, Updated: after(time.Hour), Artifacts: 4, Pulls: 99}, want: Counted},
		"one more, old":                    {was: quiet, old: true, listed: Stamp{ID: 7, Updated: after(0), Artifacts: 4, Pulls: 10}, want: Counted},
		"moved":                            {was: quiet, listed: moved, want: Updated},
		"moved back, as by a restore":      {was: quiet, listed: Stamp{ID: 7, Updated: after(-time.Hour), Artifacts: 3, Pulls: 10}, want: Updated},
		"moved, old":                       {was: quiet, old: true, listed: moved, want: Unchanged},
		"moved, often in vain":             {was: often, listed: moved, want: Updated},
		"pulled for the first time":        {was: quiet, listed: pulled, want: Pulled},
		"pulled, old":                      {was: quiet, old: true, listed: pulled, want: Unchanged},
		"pulled again":                     {was: vain, listed: pulled, at: 20*time.Minute - 1, want: Postponed, vain: 1},
		"pulled again, waited":             {was: vain, listed: pulled, at: 20 * time.Minute, want: Pulled, vain: 1},
		"pulled all the time":              {was: often, listed: pulled, at: time.Hour - 1, want: Postponed, vain: 9},
		"pulled all the time, waited":      {was: often, listed: pulled, at: time.Hour, want: Pulled, vain: 9},
		"no further pull, still postponed": {was: waited, listed: waited.Seen, at: 5 * time.Minute, want: Postponed, vain: 1},
		"moved without a further pull":     {was: waited, listed: pulled, at: 5 * time.Minute, want: Updated},
	} {
		t.Run(name, func(t *testing.T) {
			got, next := Compare(test.was, !test.unknown, test.listed, !test.old, d, after(test.at))
			want := test.was
			want.Seen, want.Vain = test.listed, test.vain
			if diff := cmp.Diff(want, next); got != test.want || diff != "" {
				t.Errorf("%s, want %s; to be remembered (-want +got):\n%s", got, test.want, diff)
			}
			if got.Reads() != (test.want != Unchanged && test.want != Postponed) {
				t.Errorf("%s reads: %t", got, got.Reads())
			}
		})
	}
}

func TestAfter(t *testing.T) {
	stamp := Stamp{ID: 1, Updated: after(time.Hour)}
	for _, test := range []struct {
		vain  int
		why   Finding
		equal bool
		want  int
	}{
		{0, Pulled, true, 1},
		{4, Pulled, true, 5},
		{4, Pulled, false, 0},
		{4, Updated, true, 4},
		{4, Unchanged, true, 4}, // its turn to be verified
		{4, Counted, false, 0},
	} {
		got := Record{Vain: test.vain, Seen: Stamp{ID: 9}}.After(test.why, stamp, after(time.Minute), test.equal)
		want := Record{Read: stamp, Seen: stamp, Began: after(time.Minute), Vain: test.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test, diff)
		}
	}
}

// TestPullsAndPushes has one repository pulled and pushed to at random, lists it
// at intervals, and reads it when the listing says so, which fails at times.
//
//   - What changed is read at the first listing after it, unless a pull came in
//     the same interval; and by the first that comes Bound after the last reading
//     in any case.
//   - As long as nothing changes, readings come ever less often.
func TestPullsAndPushes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Damping{Base: minutes(t, "base", 1, 60), Bound: minutes(t, "bound", 1, 240)}
		every := minutes(t, "every", 1, 30)
		fails := rapid.IntRange(0, 3).Draw(t, "failing readings of 10")
		now := epoch
		listed := Stamp{ID: 1, Updated: now, Artifacts: 2}
		record := Record{Read: listed, Seen: listed, Began: now}
		changed, open, quietSince, inVain := time.Time{}, false, now, 0
		for range rapid.IntRange(1, 100).Draw(t, "listings") {
			pulls := rapid.IntRange(0, 1).Draw(t, "pulls")
			push := rapid.IntRange(0, 9).Draw(t, "push") == 0
			for range pulls {
				now = now.Add(time.Second)
				listed.Updated, listed.Pulls = now, listed.Pulls+1
			}
			if push {
				now = now.Add(time.Second)
				listed.Updated = now
				if !open {
					open, changed = true, now
				}
			}
			now = now.Add(every)
			finding, next := Compare(record, true, listed, true, d, now)
			if push && pulls == 0 && !finding.Reads() {
				t.Fatalf("a push without a pull is %s", finding)
			}
			if open && !finding.Reads() && !now.Before(record.Began.Add(d.Bound)) {
				t.Fatalf("a change of %v is not read at %v, read last at %v", changed, now, record.Began)
			}
			record = next
			if !finding.Reads() || rapid.IntRange(0, 9).Draw(t, "reading") < fails {
				continue
			}
			record = record.After(finding, listed, now, !open)
			if inVain++; open {
				quietSince, inVain = now, 0
			}
			open = false
			steps := math.Ceil(math.Log2(max(1, float64(d.Bound)/float64(d.Base)))) + 2
			if most := steps + now.Sub(quietSince).Minutes()/min(d.Base, d.Bound).Minutes(); float64(inVain) > most {
				t.Fatalf("%d readings in vain in %v, at most %f", inVain, now.Sub(quietSince), most)
			}
			if long := now.Sub(quietSince).Minutes() / d.Bound.Minutes(); d.Base <= d.Bound && float64(inVain) > steps+long+1 {
				t.Fatalf("%d readings in vain in %v, at most %f", inVain, now.Sub(quietSince), steps+long+1)
			}
		}
	})
}

func minutes(t *rapid.T, name string, low, high int) time.Duration {
	return time.Duration(rapid.IntRange(low, high).Draw(t, name)) * time.Minute
}

func TestSweep(t *testing.T) {
	stamp := func(id int64, artifacts int) Stamp { return Stamp{ID: id, Updated: after(0), Artifacts: artifacts} }
	read := func(id int64, artifacts, vain int) Record {
		return Record{Read: stamp(id, artifacts), Seen: stamp(id, artifacts), Began: after(0), Vain: vain}
	}
	pulled := Stamp{ID: 5, Updated: after(time.Second), Artifacts: 1, Pulls: 1}
	known := map[string]Record{"a/same": read(1, 1, 0), "a/more": read(2, 1, 0), "a/again": read(3, 1, 0), "a/gone": read(4, 1, 0), "a/pulled": read(5, 1, 1)}
	listed := map[string]Stamp{"a/same": stamp(1, 1), "a/more": stamp(2, 2), "a/again": stamp(9, 1), "a/pulled": pulled, "a/new": stamp(10, 0)}
	want := Changes{
		New: []string{"a/new"}, Changed: []string{"a/again", "a/more"}, Vanished: []string{"a/gone"}, Postponed: []string{"a/pulled"}, Unchanged: 1,
	}
	if diff := cmp.Diff(want, Sweep(known, listed, true, DefaultDamping, after(time.Minute))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSweptIsListed: who reads what a sweep names knows what the listing shows,
// all of it where the version tells of changes; and the next sweep finds nothing.
func TestSweptIsListed(t *testing.T) {
	names := rapid.SampledFrom([]string{"a/a", "a/b", "a/c", "b/a", "b/b"})
	stamps := rapid.MapOf(names, rapid.Custom(func(t *rapid.T) Stamp {
		return Stamp{
			ID: int64(rapid.IntRange(1, 2).Draw(t, "id")), Artifacts: rapid.IntRange(0, 2).Draw(t, "artifacts"),
			Updated: after(minutes(t, "updated", 0, 2)), Pulls: int64(rapid.IntRange(0, 1).Draw(t, "pulls")),
		}
	}))
	rapid.Check(t, func(t *rapid.T) {
		telling, now := rapid.Bool().Draw(t, "telling"), after(minutes(t, "now", 2, 120))
		known := map[string]Record{}
		for name, stamp := range stamps.Draw(t, "known") {
			known[name] = Record{Read: stamp, Seen: stamp, Began: epoch, Vain: rapid.IntRange(0, 3).Draw(t, "vain")}
		}
		listed := stamps.Draw(t, "listed")
		changes := Sweep(known, listed, telling, DefaultDamping, now)
		if n := len(changes.New) + len(changes.Changed) + len(changes.Postponed) + changes.Unchanged; n != len(listed) {
			t.Fatalf("%d repositories of %d: %+v", n, len(listed), changes)
		}
		for _, name := range append(changes.New, changes.Changed...) {
			known[name] = known[name].After(Updated, listed[name], now, false)
		}
		for _, name := range changes.Vanished {
			delete(known, name)
		}
		later := now.Add(DefaultDamping.Bound)
		for _, name := range changes.Postponed {
			if finding, _ := Compare(known[name], true, listed[name], telling, DefaultDamping, later); finding != Pulled {
				t.Errorf("%s was postponed, and is %s later", name, finding)
			}
			known[name] = known[name].After(Pulled, listed[name], later, true)
		}
		if len(known) != len(listed) {
			t.Fatalf("%d repositories are known, %d listed", len(known), len(listed))
		}
		for name, stamp := range listed {
			got := known[name].Read
			got.Pulls = stamp.Pulls
			if !telling {
				got.Updated = stamp.Updated
			}
			if got != stamp {
				t.Errorf("%s is known as %+v, listed as %+v", name, got, stamp)
			}
		}
		if again := Sweep(known, listed, telling, DefaultDamping, later); again.Unchanged != len(listed) || len(again.Vanished) > 0 {
			t.Errorf("the next sweep finds %+v", again)
		}
	})
}
