// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// sight notes when each artifact came to be seen in a list.
type sight struct {
	mu    sync.Mutex
	first map[testbed.Identity]time.Time
}

func newSight() *sight { return &sight{first: map[testbed.Identity]time.Time{}} }

// begin keeps what was seen until now from being waited for.
func (s *sight) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.first)
}

// see is called with every event of a watch on lists.
func (s *sight) see(kind watch.EventType, l *v1alpha1.ArtifactList) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == watch.Deleted {
		return
	}
	for _, e := range l.Artifacts {
		id := testbed.Identity{Repository: l.Repository, Digest: e.Digest}
		if _, seen := s.first[id]; !seen {
			s.first[id] = now
		}
	}
}

func (s *sight) lacks(began map[testbed.Identity]time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range began {
		if _, seen := s.first[id]; !seen {
			return true
		}
	}
	return false
}

// latencies returns how long it took from these moments on.
func (s *sight) latencies(began map[testbed.Identity]time.Time) latencies {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l latencies
	for id, at := range began {
		seen, ok := s.first[id]
		if !ok {
			l.missing++
			continue
		}
		l.sorted = append(l.sorted, seen.Sub(at))
	}
	slices.Sort(l.sorted)
	return l
}

// latencies of pushes that were seen, and the number of those that were not.
type latencies struct {
	sorted  []time.Duration
	missing int
}

// at returns the time within which so many of a hundred were seen; 0 if none was.
func (l latencies) at(percent int) time.Duration {
	if len(l.sorted) == 0 {
		return 0
	}
	return l.sorted[(len(l.sorted)*percent+99)/100-1]
}

// within fails if one was not seen, or a value is above its bound.
func (l latencies) within(value, bound time.Duration) error {
	switch {
	case l.missing > 0:
		return fmt.Errorf("%d of %d pushes were not seen", l.missing, l.missing+len(l.sorted))
	case value > bound:
		return fmt.Errorf("%s, want at most %s", milliseconds(value), milliseconds(bound))
	}
	return nil
}

func milliseconds(d time.Duration) string { return grouped(d.Milliseconds()) + " ms" }
