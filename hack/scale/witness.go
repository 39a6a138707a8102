// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// witness follows the lists of one namespace, version by version, and what
// Harbor held. It complains of
//
//   - an artifact that was in a list, that Harbor holds, and that is in no list
//     any more;
//   - an entry that shows what Harbor never held, or what it held before the
//     entry last showed something newer.
type witness struct {
	mu        sync.Mutex
	namespace string
	lists     map[string][]testbed.Identity // entries by list
	places    map[testbed.Identity]int      // number of lists that it is in
	held      map[testbed.Identity]*holding
	found     []string
}

// holding is what Harbor held of one artifact.
type holding struct {
	forms []string // as its tags were, in the order of time
	shown int      // index of the form that was last shown
	gone  bool     // Harbor does not hold it any more
}

// begin follows another namespace, in which there is nothing yet.
func (w *witness) begin(namespace string, held []testbed.Artifact) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.namespace = namespace
	w.lists = map[string][]testbed.Identity{}
	w.places = map[testbed.Identity]int{}
	w.held = map[testbed.Identity]*holding{}
	w.hold(held)
}

// changing runs something that changes Harbor and returns what it holds then.
// What happens to lists meanwhile is looked at afterwards.
func (w *witness) changing(change func() ([]testbed.Artifact, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	held, err := change()
	if err != nil {
		return err
	}
	w.hold(held)
	return nil
}

func (w *witness) hold(artifacts []testbed.Artifact) {
	now := map[testbed.Identity]bool{}
	for _, a := range artifacts {
		id := testbed.Identity{Repository: a.Repository, Digest: a.Digest}
		now[id] = true
		h := w.held[id]
		if h == nil {
			h = &holding{}
			w.held[id] = h
		}
		if form := form(a.Tags); len(h.forms) == 0 || h.forms[len(h.forms)-1] != form {
			h.forms = append(h.forms, form)
		}
	}
	for id, h := range w.held {
		h.gone = h.gone || !now[id]
	}
}

func form(tags []string) string {
	return strings.Join(slices.Sorted(slices.Values(tags)), " ")
}

// see is called with every event of a watch on lists.
func (w *witness) see(kind watch.EventType, l *v1alpha1.ArtifactList) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Namespace != w.namespace {
		return
	}
	var entries []testbed.Identity
	if kind != watch.Deleted {
		for _, e := range l.Artifacts {
			id := testbed.Identity{Repository: l.Repository, Digest: e.Digest}
			entries = append(entries, id)
			w.places[id]++
			w.check(l, id, form(e.Tags))
		}
	}
	for _, id := range w.lists[l.Name] {
		w.places[id]--
		if h := w.held[id]; w.places[id] == 0 && h != nil && !h.gone {
			w.complain(l, "%s is in no list any more, and Harbor holds it", id)
		}
	}
	w.lists[l.Name] = entries
}

// check looks whether an entry shows something that is not older than what was
// shown before.
func (w *witness) check(l *v1alpha1.ArtifactList, id testbed.Identity, form string) {
	h := w.held[id]
	if h == nil {
		w.complain(l, "%s is no artifact of Harbor's", id)
		return
	}
	newer := slices.Index(h.forms[h.shown:], form)
	if newer < 0 {
		w.complain(l, "%s shows the tags %q; Harbor had %q since the last version", id, form, h.forms[h.shown:])
		return
	}
	h.shown += newer
}

func (w *witness) complain(l *v1alpha1.ArtifactList, format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf("list %s/%s, version %s: ", l.Namespace, l.Name, l.ResourceVersion)+fmt.Sprintf(format, args...))
}

// complaints returns the first ones, and how many there are.
func (w *witness) complaints() ([]string, int) {
	const shown = 10
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.found[:min(len(w.found), shown)], len(w.found)
}
