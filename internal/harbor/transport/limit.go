// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Limiter bounds the requests in flight of all round trippers that share it.
// Who waits is served in the order of arrival.
type Limiter struct {
	slots *semaphore.Weighted
	taken atomic.Int64
}

// NewLimiter returns a limiter for n requests in flight, at least 1.
func NewLimiter(n int) *Limiter {
	return &Limiter{slots: semaphore.NewWeighted(int64(max(1, n)))}
}

// Acquire waits for a slot. The caller calls release when done with it, once
// or more often. The error is the context's; then nothing is held.
func (l *Limiter) Acquire(ctx context.Context) (release func(), err error) {
	return acquire(ctx, []*Limiter{l})
}

// InFlight is the number of slots in use.
func (l *Limiter) InFlight() int { return int(l.taken.Load()) }

func (l *Limiter) take(ctx context.Context) error {
	if err := l.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	l.taken.Add(1)
	return nil
}

// acquire waits for a slot of each limiter, in order. Limiters shared by more
// come last, so that who waits for the shared one holds only what is its own.
func acquire(ctx context.Context, limiters []*Limiter) (release func(), err error) {
	for i, l := range limiters {
		if err := l.take(ctx); err != nil {
			releaseAll(limiters[:i])
			return nil, err
		}
	}
	return sync.OnceFunc(func() { releaseAll(limiters) }), nil
}

func releaseAll(limiters []*Limiter) {
	for _, l := range limiters {
		l.taken.Add(-1)
		l.slots.Release(1)
	}
}

// Limit returns a round tripper that holds one slot of each limiter from before
// a request is sent until its answer's body is closed: then the answer has been
// read to its end or its connection is closed, and Harbor is done with it.
func Limit(next http.RoundTripper, limiters ...*Limiter) http.RoundTripper {
	return &limit{next: next, limiters: limiters}
}

type limit struct {
	next     http.RoundTripper
	limiters []*Limiter
}

func (l *limit) RoundTrip(req *http.Request) (*http.Response, error) {
	release, err := acquire(req.Context(), l.limiters)
	if err != nil {
		return nil, err
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &onClose{ReadCloser: resp.Body, do: release}
	return resp, nil
}

// onClose calls do after the body has been closed.
type onClose struct {
	io.ReadCloser
	do func()
}

func (b *onClose) Close() error {
	err := b.ReadCloser.Close()
	b.do()
	return err
}
