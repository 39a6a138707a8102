// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDueInEveryWindow: who asks every so often, give or take, and reads what is
// due, reads each repository at least once in any window of the given time, and
// not more than once for each interval that begins.
func TestDueInEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,8}/[a-z0-9]{1,12}`).Draw(t, "repository")
		every := minutes(t, "every", 1, 60)
		within := every * time.Duration(rapid.IntRange(2, 20).Draw(t, "within"))
		interval := Interval(within, every)
		if interval > within || interval < within/2 {
			t.Fatalf("an interval of %v for %v", interval, within)
		}
		now := epoch.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "start")))
		start, last, reads := now, now, 0
		for range rapid.IntRange(20, 200).Draw(t, "times") {
			now = now.Add(every * time.Duration(rapid.IntRange(1, 8).Draw(t, "pause")) / 8)
			if now.Sub(last) > within {
				t.Fatalf("at %v it was read %v ago, it should be within %v", now, now.Sub(last), within)
			}
			if Due(name, last, now, interval) {
				last = now
				reads++
			}
		}
		if most := int(now.Sub(start)/interval) + 1; reads > most {
			t.Fatalf("read %d times in %v, at most %d", reads, now.Sub(start), most)
		}
		if !Due(name, time.Time{}, now, interval) {
			t.Fatal("what was never read is not due")
		}
	})
}

// TestDueIsFlat: where an interval has k rounds, about n/k of n repositories are
// due in each, whatever they are called: no more than m + 8*sqrt(m) + 8, m being
// n/k, which a fair throw of the dice passes less than once in a million rounds.
func TestDueIsFlat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 10, 300, 1500}).Draw(t, "repositories")
		rounds := rapid.SampledFrom([]int{1, 4, 36, 144}).Draw(t, "rounds")
		pattern := rapid.SampledFrom([]string{"team/app-%d", "team-%d/app", "library/%08d", "a/%x/b"}).Draw(t, "names")
		const round = 10 * time.Minute
		interval := time.Duration(rounds) * round
		mean := float64(n) / float64(rounds)
		for i := range rounds {
			now := epoch.Add(time.Duration(i) * round)
			due := 0
			for r := range n {
				if Due(fmt.Sprintf(pattern, r), now.Add(-round), now, interval) {
					due++
				}
			}
			if float64(due) > mean+8*math.Sqrt(mean)+8 {
				t.Fatalf("round %d of %d: %d of %d repositories are due", i, rounds, due, n)
			}
		}
	})
}

var epoch = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return epoch.Add(d) }

func minutes(t *rapid.T, name string, low, high int) time.Duration {
	return time.Duration(rapid.IntRange(low, high).Draw(t, name)) * time.Minute
}
