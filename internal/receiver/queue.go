// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"sync"
	"time"
)

// queue passes hints on when the folder says so.
type queue struct {
	pass    func(Hint)
	now     func() time.Time
	metrics *metrics
	wake    chan struct{} // has room for one

	mu     sync.Mutex
	folder *folder
}

func newQueue(f *folder, pass func(Hint), now func() time.Time, m *metrics) *queue {
	return &queue{pass: pass, now: now, metrics: m, wake: make(chan struct{}, 1), folder: f}
}

// add takes the hints of one event.
func (q *queue) add(now time.Time, hints []Hint) {
	q.mu.Lock()
	before, folded := q.folder.next, true
	for _, h := range hints {
		folded = q.folder.add(now, h) && folded
	}
	next := q.folder.next
	q.metrics.waiting.Set(float64(q.folder.waiting()))
	q.mu.Unlock()
	if folded {
		q.metrics.folded.WithLabelValues(byQueue).Inc()
	}
	if !next.Equal(before) {
		select {
		case q.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// run passes hints on until the context ends, and then the rest.
func (q *queue) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		hints, next := q.take((*folder).take)
		q.passOn(hints)
		if !next.IsZero() {
			timer.Reset(max(next.Sub(q.now()), 0))
		}
		select {
		case <-timer.C:
		case <-q.wake:
		case <-ctx.Done():
			hints, _ := q.take(func(f *folder, _ time.Time) []Hint { return f.rest() })
			q.passOn(hints)
			return
		}
	}
}

func (q *queue) take(from func(*folder, time.Time) []Hint) (hints []Hint, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	hints = from(q.folder, q.now())
	q.metrics.waiting.Set(float64(q.folder.waiting()))
	return hints, q.folder.next
}

func (q *queue) passOn(hints []Hint) {
	for _, h := range hints {
		q.pass(h)
		q.metrics.hints.Inc()
		q.metrics.delay.Observe(q.now().Sub(h.Received).Seconds())
	}
}
