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

// repeated tells whether the event was received before. An event that may be
// another one is not: folding takes care of it.
func (r *repeats) repeated(now time.Time, inventory Name, e harbor.Event) bool {
	key := eventKey(inventory, e)
	r.mu.Lock()
	defer r.mu.Unlock()
	first, known := r.seen.get(key)
	if age := now.Sub(first); known && age <= r.window {
		return e.ID != "" || age > ambiguity
	}
	r.seen.put(key, now)
	return false
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
