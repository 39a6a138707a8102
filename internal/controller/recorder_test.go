// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// recorder counts the writes to the lists of a namespace, by list.
type recorder struct {
	mu     sync.Mutex
	writes map[string]int
	newest map[string]string // resource versions
}

// record counts from now on, until the test ends.
func (w *world) record() *recorder {
	w.Helper()
	var lists v1alpha1.ArtifactListList
	must(kube.List(w.Context(), &lists, client.InNamespace(w.ns)))
	r := &recorder{writes: map[string]int{}, newest: map[string]string{}}
	for _, l := range lists.Items {
		r.newest[l.Name] = l.ResourceVersion
	}
	watch, err := kube.Watch(w.Context(), &v1alpha1.ArtifactListList{}, client.InNamespace(w.ns),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: lists.ResourceVersion}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(watch.Stop)
	go func() {
		for e := range watch.ResultChan() {
			l, ok := e.Object.(*v1alpha1.ArtifactList)
			if !ok {
				return
			}
			r.mu.Lock()
			r.writes[l.Name]++
			r.newest[l.Name] = l.ResourceVersion
			if e.Type == "DELETED" {
				delete(r.newest, l.Name)
			}
			r.mu.Unlock()
		}
	}()
	return r
}

// written waits until the recorder has seen all that there is to see of an
// inventory's lists, and returns how often each was written.
func (w *world) written(r *recorder, name string) map[string]int {
	w.Helper()
	counts := map[string]int{}
	eventually(w.T, func() string {
		versions := w.versions(name)
		r.mu.Lock()
		defer r.mu.Unlock()
		counts = map[string]int{}
		for list, version := range versions {
			if r.newest[list] != version {
				return fmt.Sprintf("the newest version of list %s has not been seen", list)
			}
			counts[list] = r.writes[list]
		}
		return ""
	})
	return counts
}

// writtenEach fails unless every list of an inventory was written n times.
func (w *world) writtenEach(r *recorder, name string, n int) {
	w.Helper()
	counts := w.written(r, name)
	if len(counts) == 0 {
		w.Errorf("%s has no lists", name)
	}
	for list, got := range maps.All(counts) {
		if got != n {
			w.Errorf("list %s was written %d times, want %d", list, got, n)
		}
	}
}
