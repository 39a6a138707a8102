// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

func TestLatencies(t *testing.T) {
	var l latencies
	for i := range 200 {
		l.sorted = append(l.sorted, time.Duration(i+1)*time.Millisecond)
	}
	for percent, want := range map[int]int64{50: 100, 90: 180, 99: 198, 100: 200} {
		if got := l.at(percent); got.Milliseconds() != want {
			t.Errorf("%d of 100 within %s, want %d ms", percent, got, want)
		}
	}
	if err := l.within(l.at(99), 198*time.Millisecond); err != nil {
		t.Error(err)
	}
	if l.within(l.at(100), 199*time.Millisecond) == nil {
		t.Error("the slowest is within less than it took")
	}
	l.missing = 1
	if l.within(0, time.Hour) == nil {
		t.Error("one that was not seen is within an hour")
	}
}

// What is seen counts from its first list on, and not what was seen before.
func TestSight(t *testing.T) {
	s := newSight()
	list := func(digests ...string) *v1alpha1.ArtifactList {
		l := &v1alpha1.ArtifactList{Repository: "library/app"}
		for _, d := range digests {
			l.Artifacts = append(l.Artifacts, v1alpha1.ArtifactEntry{Digest: d})
		}
		return l
	}
	began := map[testbed.Identity]time.Time{
		{Repository: "library/app", Digest: "a"}: time.Now(), {Repository: "library/app", Digest: "b"}: time.Now(),
	}
	s.see(watch.Added, list("a"))
	s.begin()
	s.see(watch.Deleted, list("a", "b"))
	s.see(watch.Modified, list("b"))
	if l := s.latencies(began); !s.lacks(began) || l.missing != 1 || len(l.sorted) != 1 || l.sorted[0] < 0 {
		t.Errorf("%+v", l)
	}
	s.see(watch.Modified, list("a", "b"))
	if l := s.latencies(began); s.lacks(began) || l.missing != 0 || len(l.sorted) != 2 {
		t.Errorf("%+v", l)
	}
}
