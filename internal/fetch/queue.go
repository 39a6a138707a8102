// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// priority of a task. Work on what has begun comes before new work, so that
// few repositories are in memory at a time.
type priority int

const (
	finish   priority = iota // what stands between rows that were read and the sink
	listPage                 // one page of what has begun
	beginRepository
	listRepositories
	priorities
)

type task func(context.Context)

// entry is a task that waits.
type entry struct {
	priority priority
	weight   int
	number   int // of its arrival
	task     task
}

// waiting is a heap: the lowest priority first, of those the heaviest, of those
// the one that came first.
type waiting []entry

func (w *waiting) Len() int { return len(*w) }

func (w *waiting) Less(i, j int) bool {
	a, b := &(*w)[i], &(*w)[j]
	return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.weight, a.weight), cmp.Compare(a.number, b.number)) < 0
}

func (w *waiting) Swap(i, j int) { (*w)[i], (*w)[j] = (*w)[j], (*w)[i] }

func (w *waiting) Push(e any) {
	if e, ok := e.(entry); ok {
		*w = append(*w, e)
	}
}

func (w *waiting) Pop() any {
	last := len(*w) - 1
	e := (*w)[last]
	(*w)[last] = entry{}
	*w = (*w)[:last]
	return e
}

// queue holds tasks that may add further tasks while they run. No task waits for
// another one: what has to come after several is run by the last of them (see
// each), so a worker is idle only when there is nothing to do. The queue ends
// when no task waits and none runs.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting waiting
	added   int
	running int
	stopped bool
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

func (q *queue) add(p priority, t task) { q.addHeavy(p, 0, t) }

// addHeavy adds a task that comes before the lighter ones of its priority: what
// takes longest begins first, lest the run end with it alone.
func (q *queue) addHeavy(p priority, weight int, t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.added++
	heap.Push(&q.waiting, entry{p, weight, q.added, t})
	q.changed.Signal()
}

// each adds the tasks do(0) to do(n-1), and calls then in the worker that ends
// the last one. If the queue stops before, then is not called.
func (q *queue) each(p priority, n int, do func(ctx context.Context, i int), then task) {
	if n <= 0 {
		q.add(p, then)
		return
	}
	var left atomic.Int64
	left.Store(int64(n))
	for i := range n {
		q.add(p, func(ctx context.Context) {
			do(ctx, i)
			if left.Add(-1) == 0 {
				then(ctx)
			}
		})
	}
}

// run works on the tasks with the given number of workers until all are done,
// or until the context ends: then tasks that wait are dropped.
func (q *queue) run(ctx context.Context, workers int) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.stopped = true
		q.changed.Broadcast()
	})
	defer stop()
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			for ctx.Err() == nil { // the other way that a worker may learn of it comes later
				t := q.next()
				if t == nil {
					break
				}
				t(ctx)
				q.done()
			}
			return nil
		})
	}
	_ = group.Wait() // the workers return no error
}

// next waits for a task; nil means that there will be none.
func (q *queue) next() task {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.stopped:
			return nil
		case len(q.waiting) > 0:
			q.running++
			e, _ := heap.Pop(&q.waiting).(entry)
			return e.task
		case q.running == 0:
			q.changed.Broadcast()
			return nil
		}
		q.changed.Wait()
	}
}

func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if q.running == 0 {
		q.changed.Broadcast()
	}
}

// firstError keeps the first error that tasks side by side meet.
type firstError struct {
	mu  sync.Mutex
	err error
}

// note keeps err, unless it is nil or not the first one.
func (f *firstError) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = cmp.Or(f.err, err)
}

// get returns the first error so far.
func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
