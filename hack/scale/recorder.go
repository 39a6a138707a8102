// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// markers is the namespace of lists that only tell how far a recorder has come.
const markers = "markers"

// recorder sees every version of every ArtifactList, in the order in which the
// API server stored them.
type recorder struct {
	kube client.WithWatch
	see  func(kind watch.EventType, list *v1alpha1.ArtifactList)

	mu     sync.Mutex
	seen   map[string]bool // resourceVersions
	writes int64
	marker string // the last one that came by
	made   int64
	err    error
}

// record begins to record; see, which may be nil, is called with each event.
// The first lists that it sees are those that stand.
func (b *bed) record(ctx context.Context, see func(watch.EventType, *v1alpha1.ArtifactList)) (*recorder, error) {
	if err := b.namespace(ctx, markers); err != nil {
		return nil, err
	}
	r := &recorder{kube: b.kube, see: see, seen: map[string]bool{}}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	events := &backlog{changed: make(chan struct{}, 1)}
	group.Go(func() { r.read(ctx, events) })
	group.Go(func() { r.work(ctx, events) })
	b.stops = append(b.stops, func() error {
		cancel()
		group.Wait()
		return nil
	})
	return r, nil
}

// backlog holds events that wait to be looked at. Nothing bounds it: the API
// server ends a watch that does not keep pace.
type backlog struct {
	mu      sync.Mutex
	events  []watch.Event
	changed chan struct{} // holds a value when there may be new ones
}

func (l *backlog) add(event watch.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, event)
	select {
	case l.changed <- struct{}{}:
	default: // it is known already
	}
}

func (l *backlog) take() []watch.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.events
	l.events = nil
	return events
}

// read watches until the context ends. The API server ends each watch at some
// time; the next one goes on behind the last version.
func (r *recorder) read(ctx context.Context, into *backlog) {
	version := ""
	for ctx.Err() == nil {
		w, err := r.kube.Watch(ctx, &v1alpha1.ArtifactListList{}, &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true},
		})
		if err != nil {
			r.fail(fmt.Errorf("watching ArtifactLists: %w", err))
			return
		}
		for event := range w.ResultChan() {
			if list, ok := event.Object.(*v1alpha1.ArtifactList); ok {
				version = list.ResourceVersion
			}
			into.add(event)
		}
		w.Stop()
	}
}

func (r *recorder) work(ctx context.Context, from *backlog) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from.changed:
		}
		for _, event := range from.take() {
			r.handle(event)
		}
	}
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *recorder) handle(event watch.Event) {
	list, ok := event.Object.(*v1alpha1.ArtifactList)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case event.Type == watch.Bookmark:
	case !ok:
		r.err = fmt.Errorf("watching ArtifactLists: %v", event.Object)
	case list.Namespace == markers:
		r.marker = list.Name
	default:
		if !r.seen[list.ResourceVersion] {
			r.seen[list.ResourceVersion] = true
			r.writes++
		}
		if r.see != nil {
			r.see(event.Type, list)
		}
	}
}

// sofar is the number of writes that the recorder has seen so far.
func (r *recorder) sofar() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writes
}

// catchUp returns when the recorder has seen everything that was written before
// the call, and how many writes that were.
func (r *recorder) catchUp(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	r.made++
	name := fmt.Sprintf("marker-%d", r.made)
	marker := &v1alpha1.ArtifactList{
		ObjectMeta: metav1.ObjectMeta{Namespace: markers, Name: name},
		Artifacts:  []v1alpha1.ArtifactEntry{},
	}
	if err := r.kube.Create(ctx, marker); err != nil {
		return 0, err
	}
	for {
		r.mu.Lock()
		marker, writes, err := r.marker, r.writes, r.err
		r.mu.Unlock()
		if err != nil || marker == name {
			return writes, err
		}
		if err := testbed.Pause(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// encodedSize is the size of a list as JSON, without its managed fields.
func encodedSize(l *v1alpha1.ArtifactList) int64 {
	l.ManagedFields = nil
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // the type holds nothing that cannot be encoded
	}
	return int64(len(text))
}
