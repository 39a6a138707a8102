// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// RetryPolicy says how often and when a request is tried again. The zero value
// of a field stands for its default.
type RetryPolicy struct {
	// Tries in all, the first one included. Default 5.
	Tries int
	// Base is the greatest wait before the second try; it doubles from try to
	// try. The wait itself is random, from nothing to that ("full jitter").
	// Default 250 ms.
	Base time.Duration
	// Max bounds the wait. Default 10 s.
	Max time.Duration
	// MaxRetryAfter bounds a wait that the server asks for. Default 60 s.
	MaxRetryAfter time.Duration
}

// Attempts returns the number of tries in all.
func (p RetryPolicy) Attempts() int { return cmp.Or(p.Tries, 5) }

// Wait waits before the given try (2, 3, ...), as long as the server asked for
// or else at random. It returns false without waiting when the context would
// end meanwhile.
func (p RetryPolicy) Wait(ctx context.Context, try int, retryAfter time.Duration) bool {
	d := min(cmp.Or(p.Base, 250*time.Millisecond)<<min(try-2, 20), cmp.Or(p.Max, 10*time.Second))
	d = time.Duration(rand.Int64N(int64(d) + 1)) //nolint:gosec // jitter needs no secrecy
	if retryAfter > 0 {
		d = min(retryAfter, cmp.Or(p.MaxRetryAfter, time.Minute)) + d
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// RetryAfter reads the header of that name: seconds or a date. Anything else is 0.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(seconds, 24*3600))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
