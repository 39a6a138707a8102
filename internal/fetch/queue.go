// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// priority of a task. Work on what has begun comes before new work, so that
// few repositories are in memory at a time.
type priority int

const (
	listPage priority = iota // one page, or one check, of a repository that has begun
	beginRepository
	listRepositories
	priorities
)

type task func(context.Context)

// queue holds tasks that may add further tasks while they run. It ends when no
// task waits and none runs.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting [priorities][]task
	running int
	stopped bool
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

func (q *queue) add(p priority, t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[p] = append(q.waiting[p], t)
	q.changed.Signal()
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
		if q.stopped {
			return nil
		}
		for p := range q.waiting {
			if tasks := q.waiting[p]; len(tasks) > 0 {
				t := tasks[0]
				tasks[0] = nil
				q.waiting[p] = tasks[1:]
				q.running++
				return t
			}
		}
		if q.running == 0 {
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
