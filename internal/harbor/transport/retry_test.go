// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestCeiling(t *testing.T) {
	for _, tt := range []struct {
		policy RetryPolicy
		try    int
		want   time.Duration
	}{
		{RetryPolicy{}, 2, 250 * time.Millisecond},
		{RetryPolicy{}, 3, 500 * time.Millisecond},
		{RetryPolicy{}, 7, 8 * time.Second},
		{RetryPolicy{}, 8, 10 * time.Second},
		{RetryPolicy{}, 1 << 30, 10 * time.Second},
		{RetryPolicy{Base: time.Second, Max: 3 * time.Second}, 2, time.Second},
		{RetryPolicy{Base: time.Second, Max: 3 * time.Second}, 4, 3 * time.Second},
		{RetryPolicy{Base: time.Minute}, 2, 10 * time.Second},
		{RetryPolicy{Base: 1 << 60, Max: 1 << 62}, 4, 1 << 62},
		{RetryPolicy{Base: 1 << 60, Max: 1 << 62}, 9, 1 << 62},
		{RetryPolicy{Base: -1}, 2, 0},
		{RetryPolicy{Max: -1}, 2, 0},
	} {
		if got := tt.policy.ceiling(tt.try); got != tt.want {
			t.Errorf("%+v: before try %d at most %v, want %v", tt.policy, tt.try, got, tt.want)
		}
	}
}

// TestCeilingBounds: whatever the policy, the ceiling is from 0 to Max and never falls.
func TestCeilingBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := RetryPolicy{
			Base: time.Duration(rapid.Int64().Draw(t, "base")),
			Max:  time.Duration(rapid.Int64Range(1, 1<<62).Draw(t, "max")),
		}
		last := time.Duration(0)
		for try := 2; try < 80; try++ {
			d := p.ceiling(try)
			if d < last || d > p.Max {
				t.Fatalf("try %d: %v after %v, at most %v", try, d, last, p.Max)
			}
			last = d
		}
	})
}

func TestAttempts(t *testing.T) {
	for tries, want := range map[int]int{0: 8, 1: 1, 7: 7, -1: 1} {
		if got := (RetryPolicy{Tries: tries}).Attempts(); got != want {
			t.Errorf("%d: %d, want %d", tries, got, want)
		}
	}
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		about      string
		policy     RetryPolicy
		retryAfter time.Duration
		deadline   time.Duration // 0: none
		want       bool
		from, to   time.Duration
	}{
		{"jitter", RetryPolicy{Base: time.Second}, 0, 0, true, 0, time.Second},
		{"what the server asks for, and jitter", RetryPolicy{Base: time.Second}, 20 * time.Second, 0, true, 20 * time.Second, 21 * time.Second},
		{"the server asks for too much", RetryPolicy{Base: time.Second}, time.Hour, 0, true, time.Minute, 61 * time.Second},
		{"its own bound", RetryPolicy{Base: 1, MaxRetryAfter: 3 * time.Second}, time.Hour, 0, true, 3 * time.Second, 3*time.Second + 1},
		{"the deadline is far", RetryPolicy{Base: 1}, time.Second, time.Minute, true, time.Second, time.Second + 1},
		{"the deadline is near: no wait at all", RetryPolicy{}, 10 * time.Second, 5 * time.Second, false, 0, 0},
	} {
		t.Run(tt.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				got := tt.policy.Wait(ctx, 2, tt.retryAfter)
				if waited := time.Since(start); got != tt.want || waited < tt.from || waited > tt.to {
					t.Errorf("%v after %v, want %v after %v to %v", got, waited, tt.want, tt.from, tt.to)
				}
			})
		})
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		if (RetryPolicy{}).Wait(ctx, 2, 30*time.Second) {
			t.Error("waited to the end")
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v, want 3s", waited)
		}
	})
}

// TestJitter: waits spread over the whole range, so that clients do not come
// back all at once.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		low, high := 0, 0
		for range 1000 {
			start := time.Now()
			(RetryPolicy{Base: time.Second}).Wait(t.Context(), 2, 0)
			if time.Since(start) < 500*time.Millisecond {
				low++
			} else {
				high++
			}
		}
		if low < 350 || high < 350 {
			t.Errorf("%d waits below the middle, %d above", low, high)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                                  0,
		"0":                                 0,
		"7":                                 7 * time.Second,
		" 7 ":                               7 * time.Second,
		"007":                               7 * time.Second,
		"86401":                             24 * time.Hour,
		"99999999999999999999999":           24 * time.Hour,
		"-7":                                0,
		"+7":                                0,
		"1.5":                               0,
		"7s":                                0,
		"soon":                              0,
		"Mon, 23 Nov 2026 12:00:30 GMT":     30 * time.Second,
		"Monday, 23-Nov-26 12:00:30 GMT":    30 * time.Second,
		"Mon Nov 23 12:00:30 2026":          30 * time.Second,
		"Mon, 23 Nov 2026 11:59:30 GMT":     0,
		"Fri, 31 Dec 9999 23:59:59 GMT":     24 * time.Hour,
		"Mon, 23 Nov 2026 12:00:30 Nirvana": 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "12", "-1", "Mon, 23 Nov 2026 12:00:30 GMT", "9223372036854775808"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got := RetryAfter(http.Header{"Retry-After": {text}}, now)
		if got < 0 || got > 24*time.Hour {
			t.Errorf("%q: %v", text, got)
		}
		if got%time.Second != 0 && got > 0 {
			t.Errorf("%q: %v is no number of seconds", text, got)
		}
		var seconds int
		if n, _ := fmt.Sscanf(text, "%d", &seconds); n == 1 && fmt.Sprint(seconds) == text && seconds >= 0 && seconds <= 86400 && got != time.Duration(seconds)*time.Second {
			t.Errorf("%q: %v", text, got)
		}
	})
}
