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
		was    Record
		listed Stamp
		at     time.Duration
		want   Finding
		vain   int
	}{
		"doubted":                          {was: Record{Seen: read, Vain: 9}, listed: read, want: Changed},
		"the same":                         {was: quiet, listed: read, want: Unchanged},
		"deleted and made again":           {was: often, listed: Stamp{ID: 8, Updated: after(0), Artifacts: 3, Pulls: 10}, want: Changed},
		"one more":                         {was: often, listed: Stamp{ID: 7, Updated: after(time.Hour), Artifacts: 4, Pulls: 99}, want: Changed},
		"one more, before Harbor 2.15.2":   {was: quiet, listed: Stamp{ID: 7, Updated: after(0), Artifacts: 4, Pulls: 10}, want: Changed},
		"moved":                            {was: quiet, listed: moved, want: Changed},
		"moved back, as by a restore":      {was: quiet, listed: Stamp{ID: 7, Updated: after(-time.Hour), Artifacts: 3, Pulls: 10}, want: Changed},
		"moved, often in vain":             {was: often, listed: moved, want: Changed},
		"pulled for the first time":        {was: quiet, listed: pulled, want: Pulled},
		"pulled again":                     {was: vain, listed: pulled, at: 20*time.Minute - 1, want: Postponed, vain: 1},
		"pulled again, waited":             {was: vain, listed: pulled, at: 20 * time.Minute, want: Pulled, vain: 1},
		"pulled all the time":              {was: often, listed: pulled, at: time.Hour - 1, want: Postponed, vain: 9},
		"pulled all the time, waited":      {was: often, listed: pulled, at: time.Hour, want: Pulled, vain: 9},
		"no further pull, still postponed": {was: waited, listed: waited.Seen, at: 5 * time.Minute, want: Postponed, vain: 1},
		"moved without a further pull":     {was: waited, listed: pulled, at: 5 * time.Minute, want: Changed},
	} {
		t.Run(name, func(t *testing.T) {
			got, next := Compare(test.was, test.listed, d, after(test.at))
			want := test.was
			want.Seen, want.Vain, want.Why = test.listed, test.vain, test.want
			if test.want == Unchanged {
				want.Vain = test.was.Vain
			}
			if diff := cmp.Diff(want, next); got != test.want || diff != "" {
				t.Errorf("%s, want %s; to be remembered (-want +got):\n%s", got, test.want, diff)
			}
			if got.Reads() != (test.want == Changed || test.want == Pulled) {
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
		{4, Changed, true, 4},
		{4, Unchanged, true, 4}, // its turn to be verified
		{4, Changed, false, 0},
	} {
		got := Record{Vain: test.vain, Why: test.why, Seen: Stamp{ID: 9}}.After(stamp, after(time.Minute), test.equal)
		want := Record{Read: stamp, Seen: stamp, Began: after(time.Minute), Vain: test.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test, diff)
		}
	}
}

func TestDampen(t *testing.T) {
	for _, test := range []struct{ every, within, base, bound time.Duration }{
		{10 * time.Minute, 24 * time.Hour, 20 * time.Minute, time.Hour},
		{10 * time.Minute, time.Hour, 20 * time.Minute, 15 * time.Minute},
		{time.Hour, 24 * time.Hour, 2 * time.Hour, time.Hour},
	} {
		if got := Dampen(test.every, test.within); got != (Damping{test.base, test.bound}) {
			t.Errorf("every %s, within %s: %+v", test.every, test.within, got)
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
			finding, next := Compare(record, listed, d, now)
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
			record = record.After(listed, now, !open)
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
