// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"container/list"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Limiter bounds the requests in flight of all round trippers that share it.
// Who waits is served in the order of arrival, those that are urgent first, those
// in the background last.
type Limiter struct {
	most int
	now  func() time.Time

	mu         sync.Mutex
	taken      int
	waiting    [3]list.List // of chan struct{}; by line
	served     int          // urgent ones in a row while others waited
	adaptation *adaptation  // nil: the bound is fixed
	until      time.Time    // nobody is served before
	wake       *time.Timer
}

// urgentInARow is how many urgent requests are served before one that waits and
// is not.
const urgentInARow = 7

// NewLimiter returns a limiter for n requests in flight, at least 1.
func NewLimiter(n int) *Limiter { return &Limiter{most: max(1, n), now: time.Now} }

// NewAdaptiveLimiter returns a limiter for at most n requests in flight that
// lets fewer through where [Limiter.Learn] was told of a Harbor in trouble.
func NewAdaptiveLimiter(n int) *Limiter {
	l := NewLimiter(n)
	l.adaptation = newAdaptation(l.most)
	return l
}

// line is where a request waits.
type line int

const (
	urgentLine line = iota
	usualLine
	backgroundLine
)

type lineKey struct{}

// Urgent returns a context whose requests do not wait behind others, apart from
// one in eight.
func Urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, lineKey{}, urgentLine)
}

// Background returns a context whose requests wait as long as any other does.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, lineKey{}, backgroundLine)
}

// Acquire waits for a slot. The caller calls release when done with it, once
// or more often. The error is the context's; then nothing is held.
func (l *Limiter) Acquire(ctx context.Context) (release func(), err error) {
	return acquire(ctx, []*Limiter{l})
}

// InFlight is the number of slots in use.
func (l *Limiter) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

// Waiting is the number of requests that wait for a slot.
func (l *Limiter) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.waiting {
		n += l.waiting[i].Len()
	}
	return n
}

// Bounds returns the greatest number of slots, and how many there are now.
func (l *Limiter) Bounds() (most, now int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most, l.limit()
}

func (l *Limiter) limit() int {
	if l.adaptation == nil {
		return l.most
	}
	return l.adaptation.limit
}

// Learn takes what became of a request that holds a slot. Where the answer asked
// for a pause (429 or 503 with Retry-After), nobody is served before it is over.
func (l *Limiter) Learn(o Observation) {
	if l.adaptation == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.adaptation.observe(o, l.taken, now)
	if o.RetryAfter > 0 {
		until := now.Add(min(o.RetryAfter, defaultMaxRetryAfter))
		if until.After(l.until) {
			l.until = until
		}
	}
	l.serve()
}

// serve gives free slots to those who wait. The caller holds the lock.
func (l *Limiter) serve() {
	if pause := l.until.Sub(l.now()); pause > 0 {
		if l.wake != nil {
			l.wake.Stop()
		}
		l.wake = time.AfterFunc(pause, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.serve()
		})
		return
	}
	for l.taken < l.limit() {
		next := l.next()
		if next == nil {
			return
		}
		l.taken++
		close(next)
	}
}

// next takes out who is served next.
func (l *Limiter) next() chan struct{} {
	urgent, usual := l.waiting[urgentLine].Len() > 0, l.waiting[usualLine].Len() > 0
	from := backgroundLine
	switch {
	case urgent && usual:
		from = urgentLine
		if l.served++; l.served > urgentInARow {
			l.served, from = 0, usualLine
		}
	case urgent:
		from = urgentLine
	case usual:
		from = usualLine
	}
	first := l.waiting[from].Front()
	if first == nil {
		return nil
	}
	return l.waiting[from].Remove(first).(chan struct{}) //nolint:errcheck // holds nothing else
}

func (l *Limiter) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in, given := ctx.Value(lineKey{}).(line)
	if !given {
		in = usualLine
	}
	ready := make(chan struct{})
	l.mu.Lock()
	place := l.waiting[in].PushBack(ready)
	l.serve()
	l.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-ready: // served just now
		l.taken--
		l.serve()
	default:
		l.waiting[in].Remove(place)
	}
	return ctx.Err()
}

func (l *Limiter) give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken--
	l.serve()
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
		l.give()
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
