// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Observation tells of one request that has ended, each try of its own.
type Observation struct {
	// Context of the request.
	Context context.Context
	// Endpoint is the class of the endpoint, such as artifacts.list: few in number.
	Endpoint string
	// Method is GET or HEAD.
	Method string
	// Rows is the size of the page that was asked for, of listings of artifacts; else 0.
	Rows int
	// Try counts from 1 for each call; more than 1 is a retry.
	Try int
	// After says what was wrong with the try before: an HTTP status such as 503,
	// or a [Failure]; empty for the first try.
	After string
	// Status of the answer; 0 when there was none.
	Status int
	// Duration from the request's sending to the end of its answer. What it
	// waited for a Limiter does not count.
	Duration time.Duration
	// RetryAfter is the pause that an answer 429 or 503 asked for, or 0.
	RetryAfter time.Duration
	// Bytes of the answer's body that were read.
	Bytes int64
	// Failure is what was wrong besides the status; empty if nothing.
	Failure Failure
}

// Observer is called with each request when it has ended, by several goroutines at once.
type Observer func(Observation)

// Attempt is one try of a call. Its context carries it.
type Attempt struct {
	// Endpoint, Rows, Try and After are those of the [Observation].
	Endpoint string
	Rows     int
	Try      int
	After    string
	failure  Failure
}

type attemptKey struct{}

// WithAttempt returns a context for one try of a call.
func WithAttempt(ctx context.Context, attempt *Attempt) context.Context {
	return context.WithValue(ctx, attemptKey{}, attempt)
}

// Fail notes what is wrong with the answer's content. It is called before the
// body is closed, by the goroutine that closes it.
func (a *Attempt) Fail(f Failure) { a.failure = f }

// Observe returns a round tripper that tells the observer of each request, when
// its body is closed or when there is none.
func Observe(next http.RoundTripper, observer Observer) http.RoundTripper {
	if observer == nil {
		return next
	}
	return &observe{next: next, observer: observer}
}

type observe struct {
	next     http.RoundTripper
	observer Observer
}

func (o *observe) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	attempt, _ := req.Context().Value(attemptKey{}).(*Attempt)
	if attempt == nil {
		attempt = &Attempt{Try: 1}
	}
	seen := Observation{Context: req.Context(), Endpoint: attempt.Endpoint, Method: req.Method, Rows: attempt.Rows, Try: attempt.Try, After: attempt.After}
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		seen.Duration, seen.Failure = time.Since(start), failureOf(req.Context(), err)
		o.observer(seen)
		return nil, err
	}
	seen.Status = resp.StatusCode
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		seen.RetryAfter = RetryAfter(resp.Header, time.Now())
	}
	body := &counted{ReadCloser: resp.Body}
	body.end = sync.OnceFunc(func() {
		seen.Duration, seen.Bytes, seen.Failure = time.Since(start), body.bytes, attempt.failure
		if body.err != nil {
			seen.Failure = failureOf(req.Context(), body.err)
		}
		o.observer(seen)
	})
	resp.Body = body
	return resp, nil
}

// failureOf tells the end of the caller's context from a time-out of the transport's.
func failureOf(ctx context.Context, err error) Failure {
	if ctx.Err() != nil {
		return FailureCanceled
	}
	return FailureOf(err)
}

// counted counts a body's bytes and keeps the error that reading it ended with.
type counted struct {
	io.ReadCloser
	bytes int64
	err   error
	end   func()
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

func (c *counted) Close() error {
	err := c.ReadCloser.Close()
	c.end()
	return err
}
