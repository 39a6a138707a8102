// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestLimiterIsHeldUntilTheBodyIsClosed(t *testing.T) {
	l := NewLimiter(2)
	resp, err := Limit(ok("body"), l).RoundTrip(get(t, "http://harbor.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.InFlight(); got != 1 {
		t.Errorf("in flight before the body is closed: %d, want 1", got)
	}
	for range 3 { // closing again changes nothing
		resp.Body.Close()
		if got := l.InFlight(); got != 0 {
			t.Errorf("in flight after the body is closed: %d, want 0", got)
		}
	}
}

func TestLimiterIsFreeAfterAnError(t *testing.T) {
	l := NewLimiter(1)
	for range 3 {
		if _, err := read(Limit(roundTrip(fail), l), get(t, "http://harbor.example.com")); !errors.Is(err, errReset) {
			t.Fatal(err)
		}
	}
	if got := l.InFlight(); got != 0 {
		t.Errorf("in flight %d, want 0", got)
	}
}

func TestLimiterHoldsAtLeastOne(t *testing.T) {
	for _, n := range []int{-3, 0, 1} {
		l := NewLimiter(n)
		release, err := l.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := l.InFlight(); got != 1 {
			t.Errorf("%d: in flight %d, want 1", n, got)
		}
		release()
		release()
		if got := l.InFlight(); got != 0 {
			t.Errorf("%d: in flight %d after the release, want 0", n, got)
		}
	}
}

// TestCanceledWaitHoldsNothing: a request that waits for the second limiter
// gives the first one back.
func TestCanceledWaitHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, shared := NewLimiter(5), NewLimiter(1)
		release, err := shared.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			resp, err := Limit(ok(""), own, shared).RoundTrip(get(t, "http://harbor.example.com").WithContext(ctx))
			if err == nil {
				resp.Body.Close()
			}
			done <- err
		}()
		synctest.Wait()
		if own.InFlight() != 1 || shared.InFlight() != 1 {
			t.Errorf("while waiting: %d and %d, want 1 and 1", own.InFlight(), shared.InFlight())
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want canceled", err)
		}
		if own.InFlight() != 0 || shared.InFlight() != 1 {
			t.Errorf("after it: %d and %d, want 0 and 1", own.InFlight(), shared.InFlight())
		}
		release()
	})
}

// TestNeverMoreInFlight: whatever requests meet, there are never more of them
// between sending and the end of the body than each limiter allows, and none
// is left in the end. Time is synctest's, so requests overlap at random.
func TestNeverMoreInFlight(t *testing.T) {
	for _, bound := range []int{1, 5, 20} {
		rapid.Check(t, func(rt *rapid.T) {
			type plan struct {
				Start, Header, Body, Patience time.Duration
				Fail                          bool
			}
			ms := func(most int) *rapid.Generator[time.Duration] {
				return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
			}
			plans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan {
				return plan{
					Start: ms(20).Draw(t, "start"), Header: ms(10).Draw(t, "header"), Body: ms(10).Draw(t, "body"),
					Patience: ms(60).Draw(t, "patience"), Fail: rapid.Bool().Draw(t, "fail"),
				}
			}), 0, 60).Draw(rt, "requests")
			highest := 0
			synctest.Test(t, func(t *testing.T) {
				own, shared := NewLimiter(bound), NewLimiter(bound+3)
				var inFlight atomic.Int64
				var mu sync.Mutex
				wire := func(p plan) roundTrip {
					return func(req *http.Request) (*http.Response, error) {
						n := int(inFlight.Add(1))
						mu.Lock()
						highest = max(highest, n)
						mu.Unlock()
						if pause(req.Context(), p.Header) != nil || p.Fail {
							inFlight.Add(-1)
							return nil, errReset
						}
						body := &onClose{ReadCloser: io.NopCloser(strings.NewReader("[]")), do: func() {
							_ = pause(req.Context(), p.Body)
							inFlight.Add(-1)
						}}
						return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
					}
				}
				var all sync.WaitGroup
				for _, p := range plans {
					all.Go(func() {
						time.Sleep(p.Start)
						ctx, cancel := context.WithTimeout(t.Context(), p.Patience)
						defer cancel()
						resp, err := Limit(wire(p), own, shared).RoundTrip(get(t, "http://harbor.example.com").WithContext(ctx))
						if err == nil {
							resp.Body.Close()
						}
					})
				}
				all.Wait()
				if own.InFlight() != 0 || shared.InFlight() != 0 || inFlight.Load() != 0 {
					rt.Errorf("left behind: %d, %d, %d", own.InFlight(), shared.InFlight(), inFlight.Load())
				}
			})
			if highest > bound {
				rt.Errorf("%d in flight, bound %d", highest, bound)
			}
		})
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestBackgroundIsServedLast: a request of the background gets a slot only when
// nobody else waits for one.
func TestBackgroundIsServedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		release, err := l.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var served []string
		wait := func(name string, ctx context.Context) {
			go func() {
				release, err := l.Acquire(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				served = append(served, name)
				release()
			}()
			synctest.Wait()
		}
		wait("background", Background(t.Context()))
		for range 2 * urgentInARow {
			wait("urgent", Urgent(t.Context()))
		}
		wait("other", t.Context())
		if got := l.Waiting(); got != 2+2*urgentInARow {
			t.Errorf("%d wait", got)
		}
		release()
		synctest.Wait()
		if last := len(served) - 1; last != 1+2*urgentInARow || served[last] != "background" || served[urgentInARow] != "other" {
			t.Errorf("served in the order %v", served)
		}
	})
}
