// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// RetryPolicy says how often and when a request is tried again. The zero value
// of a field stands for its default.
type RetryPolicy struct {
	// Tries in all, the first one included. Default 8: where one request in five
	// fails, one call in 390,000 then fails at all of them.
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
func (p RetryPolicy) Attempts() int { return max(1, cmp.Or(p.Tries, 8)) }

// Wait waits before the given try (2, 3, ...): at random, and as long as the
// server asked for besides. It returns false when the context ends, and without
// waiting when it would end meanwhile.
func (p RetryPolicy) Wait(ctx context.Context, try int, retryAfter time.Duration) bool {
	d := time.Duration(rand.Int64N(int64(p.ceiling(try)) + 1)) //nolint:gosec // jitter needs no secrecy
	d += max(0, min(retryAfter, cmp.Or(p.MaxRetryAfter, defaultMaxRetryAfter)))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// ceiling is the greatest wait before a try, without what a server asks for.
func (p RetryPolicy) ceiling(try int) time.Duration {
	d, most := cmp.Or(p.Base, 250*time.Millisecond), max(0, cmp.Or(p.Max, 10*time.Second))
	for range try - 2 {
		if d >= most {
			break
		}
		d *= 2
	}
	return max(0, min(d, most))
}

// defaultMaxRetryAfter bounds a wait that a server asks for, where nothing else does.
const defaultMaxRetryAfter = time.Minute

// maxRetryAfter bounds what RetryAfter returns: nobody plans further ahead.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads the header of that name, seconds or a date (RFC 9110, section
// 10.2.3), as a wait from 0 to 24 hours. Anything else is 0.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		d := time.Duration(0)
		for _, digit := range text {
			d = min(d*10+time.Duration(digit-'0')*time.Second, maxRetryAfter)
		}
		return d
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, min(date.Sub(now), maxRetryAfter))
	}
	return 0
}
