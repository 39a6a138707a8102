// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func page(took time.Duration) Observation {
	return Observation{Endpoint: "artifacts.list", Status: http.StatusOK, Bytes: 180_000, Duration: took}
}

func refusal(status int) Observation { return Observation{Endpoint: "artifacts.list", Status: status} }

// rounds answers so many requests with the limit in use, and returns the limit then.
func rounds(a *adaptation, now *time.Time, answers int, took func(limit int) time.Duration) int {
	for range answers {
		d := took(a.limit)
		*now = now.Add(d / time.Duration(a.limit))
		a.observe(page(d), a.limit, *now)
	}
	return a.limit
}

// queueing is a Harbor that works on so many requests at a time, and lets others wait.
func queueing(serves int, took time.Duration) func(int) time.Duration {
	return func(limit int) time.Duration {
		return took * time.Duration(max(limit, serves)) / time.Duration(serves)
	}
}

func constant(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func TestAdaptation(t *testing.T) {
	for _, c := range []struct {
		name       string
		most       int
		took       func(limit int) time.Duration
		answers    int
		least, mst int
	}{
		{"fixed 20 ms: all connections, soon", 20, constant(20 * time.Millisecond), 20, 20, 20},
		{"fixed 2 s: all connections, soon", 20, constant(2 * time.Second), 20, 20, 20},
		{"a greatest below the start", 3, constant(2 * time.Second), 1, 3, 3},
		{"serves 2: no more than it makes use of, and some", 20, queueing(2, 60*time.Millisecond), 2000, 3, 14},
		{"serves 5", 20, queueing(5, 200*time.Millisecond), 2000, 6, 18},
		{"serves 50: all", 20, queueing(50, time.Second), 200, 20, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, now := newAdaptation(c.most), epoch
			if got := rounds(a, &now, c.answers, c.took); got < c.least || got > c.mst {
				t.Errorf("limit %d, want %d to %d", got, c.least, c.mst)
			}
		})
	}
}

func TestAdaptationToRefusals(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		a, now := newAdaptation(20), epoch
		rounds(a, &now, 100, constant(20*time.Millisecond))
		var limits []int
		for range 30 { // every answer is one
			now = now.Add(200 * time.Millisecond)
			a.observe(refusal(status), a.limit, now)
			limits = append(limits, a.limit)
		}
		if limits[2] != 20 || !slices.Contains(limits, 10) || limits[len(limits)-1] != 1 {
			t.Errorf("%d: limits %v", status, limits)
		}
		if got := rounds(a, &now, 19*20+1, constant(20*time.Millisecond)); got != 20 {
			t.Errorf("%d: limit %d after it recovered, want 20", status, got)
		}
		for range 2000 { // one in thirty-three is no overload
			if now.UnixMicro()%33 == 0 {
				a.observe(refusal(status), a.limit, now)
			}
			rounds(a, &now, 1, constant(20*time.Millisecond))
		}
		if a.limit < 15 {
			t.Errorf("%d: limit %d with single ones", status, a.limit)
		}
	}
}

// Whatever comes, the limit stays within its bounds; errors of other kinds and
// single slow answers change nothing.
func TestAdaptationIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 100).Draw(t, "most")
		a, now := newAdaptation(most), epoch
		for range rapid.IntRange(1, 300).Draw(t, "answers") {
			o := page(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "took")))
			o.Status = rapid.SampledFrom([]int{200, 200, 200, 429, 500, 503, 0}).Draw(t, "status")
			before := a.limit
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "later")))
			a.observe(o, rapid.IntRange(1, most).Draw(t, "under way"), now)
			if a.limit < 1 || a.limit > most {
				t.Fatalf("limit %d of %d", a.limit, most)
			}
			if (o.Status == 500 || o.Status == 0) && a.limit != before {
				t.Fatalf("status %d changed the limit from %d to %d", o.Status, before, a.limit)
			}
		}
	})
}

// TestRetryAfterHoldsEverybody: nobody is sent before a Retry-After is over.
func TestRetryAfterHoldsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewAdaptiveLimiter(5)
		start := time.Now()
		release, err := l.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.Learn(Observation{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second})
		release()
		if release, err = l.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		release()
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %s, want 3s", waited)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.Learn(Observation{Status: http.StatusServiceUnavailable, RetryAfter: time.Hour})
		if _, err := l.Acquire(short); err == nil || l.Waiting() != 0 || l.InFlight() != 0 {
			t.Errorf("error %v, %d wait, %d in flight", err, l.Waiting(), l.InFlight())
		}
		if _, err := l.Acquire(t.Context()); err != nil || time.Since(start) > 3*time.Second+defaultMaxRetryAfter {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}

// TestUrgentGoFirst: those that are urgent are served first, and one in eight is
// not; those in the background are served when nobody else waits.
func TestUrgentGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		release, err := l.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan string, 100)
		wait := func(ctx context.Context, name string) {
			go func() {
				release, err := l.Acquire(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				served <- name
				release()
			}()
			synctest.Wait()
		}
		for range 2 {
			wait(Background(t.Context()), "b")
		}
		for range 3 {
			wait(t.Context(), "-")
		}
		for range 10 {
			wait(Urgent(t.Context()), "u")
		}
		release()
		synctest.Wait()
		close(served)
		var order string
		for name := range served {
			order += name
		}
		if want := "uuuuuuu-uuu--bb"; order != want {
			t.Errorf("served %q, want %q", order, want)
		}
	})
}
