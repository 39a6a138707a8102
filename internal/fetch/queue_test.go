// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// A tree of tasks, each adding its children: all run, once, and the queue ends.
func TestQueueRunsTasksThatTasksAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		children := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 60).Draw(t, "children")
		kinds := rapid.SliceOfN(rapid.IntRange(0, int(priorities)-1), len(children), len(children)).Draw(t, "priorities")
		workers := rapid.IntRange(1, 8).Draw(t, "workers")
		q := newQueue()
		var next, done atomic.Int64
		var add func(n int)
		add = func(n int) {
			for range n {
				i := int(next.Add(1)) - 1
				if i >= len(children) {
					return
				}
				q.add(priority(kinds[i]), func(context.Context) {
					add(children[i])
					done.Add(1)
				})
			}
		}
		add(3)
		q.run(t.Context(), workers)
		if added := min(int(next.Load()), len(children)); int(done.Load()) != added {
			t.Fatalf("%d of %d tasks ran", done.Load(), added)
		}
	})
}

func TestQueueWithoutTasksEnds(*testing.T) {
	newQueue().run(context.Background(), 3)
}

func TestQueueTakesBegunWorkFirst(t *testing.T) {
	q := newQueue()
	var order []string
	note := func(name string) task { return func(context.Context) { order = append(order, name) } }
	q.add(listRepositories, note("project 1"))
	q.add(listRepositories, note("project 2"))
	q.add(beginRepository, func(context.Context) {
		order = append(order, "repository 1")
		q.add(listPage, note("page 1"))
		q.add(listPage, note("page 2"))
	})
	q.add(beginRepository, note("repository 2"))
	q.run(t.Context(), 1)
	want := []string{"repository 1", "page 1", "page 2", "repository 2", "project 1", "project 2"}
	if !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// A context that ends drops the tasks that wait; those at work come to their end.
func TestQueueDropsWaitingTasks(t *testing.T) {
	for _, workers := range []int{1, 4} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		q := newQueue()
		var once sync.Once
		var ran, finished atomic.Int64
		for range 100 {
			q.add(listPage, func(ctx context.Context) {
				ran.Add(1)
				once.Do(cancel)
				<-ctx.Done()
				q.add(listPage, func(context.Context) { ran.Add(1000) })
				finished.Add(1)
			})
		}
		q.run(ctx, workers)
		if ran.Load() != finished.Load() || ran.Load() > 100 || ran.Load() < 1 {
			t.Errorf("%d workers: %d tasks ran, %d came to their end", workers, ran.Load(), finished.Load())
		}
	}
}

// Workers that wait wake up when the context ends, although no task does.
func TestQueueWakesIdleWorkers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := newQueue()
	var ran atomic.Int64
	q.add(listPage, func(ctx context.Context) {
		ran.Add(1)
		cancel()
		<-ctx.Done()
	})
	q.run(ctx, 8)
	if ran.Load() != 1 {
		t.Errorf("%d tasks ran, want 1", ran.Load())
	}
}
