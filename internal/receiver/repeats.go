// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// ambiguity is how long an equal event in the Default format may be another
// one: it has no id, and its time is in whole seconds, so two pushes of one tag
// with a delete between them can look the same. Events take up to 3 s to arrive
// under load.
const ambiguity = 5 * time.Second

// repeats knows events again. Harbor sends an event again when it got no answer
// in time, and was seen to send one 14 times (goharbor/harbor#22073).
type repeats struct {
	window time.Duration

	mu   sync.Mutex
	seen *generations[[sha256.Size]byte, time.Time]
}

func newRepeats(l Limits) *repeats {
	return &repeats{window: l.Repeats, seen: newGenerations[[sha256.Size]byte, time.Time](l.Remembered)}
}

// novelty of an event.
type novelty int

const (
	fresh     novelty = iota
	ambiguous         // equal to one received before, yet maybe another: folding takes care of it
	repeated          // received before
)

// look tells how new an event is.
func (r *repeats) look(now time.Time, inventory Name, e harbor.Event) novelty {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, known := r.seen.get(eventKey(inventory, e))
	switch age := now.Sub(first); {
	case !known || age > r.window:
		return fresh
	case e.ID == "" && age <= ambiguity:
		return ambiguous
	}
	return repeated
}

// remember makes an event one that was received.
func (r *repeats) remember(now time.Time, inventory Name, e harbor.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.put(eventKey(inventory, e), now)
}

// eventKey is equal for equal events. The names in it have no zero byte.
func eventKey(inventory Name, e harbor.Event) [sha256.Size]byte {
	parts := []string{inventory.Namespace, inventory.Name, string(e.Type), e.ID, e.OccurredAt}
	if e.ID == "" {
		parts = append(parts, e.Project)
		parts = append(parts, e.Repositories...)
		for _, a := range e.Artifacts {
			parts = append(parts, a.Digest, a.Tag)
		}
	}
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}
