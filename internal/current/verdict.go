// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"fmt"
	"time"
)

// Reason says whether the audit log can be relied on, and why not.
type Reason string

// The reasons.
const (
	// LogWorking: nothing speaks against it.
	LogWorking Reason = "Working"
	// LogEmpty: it has no entries, and nothing was found that it should tell of.
	LogEmpty Reason = "Empty"
	// LogNotPermitted: it has no entries, although there are artifacts. Harbor
	// gives an empty log to accounts without the right to it.
	LogNotPermitted Reason = "NotPermitted"
	// LogSwitchedOff: it has got no entries of what was found to have changed.
	LogSwitchedOff Reason = "SwitchedOff"
	// LogIncomplete: it tells of some changes, and not of as many others.
	LogIncomplete Reason = "Incomplete"
)

// Verdict on the audit log.
type Verdict struct {
	Reason Reason
	// Message says the same to a person, and what to do.
	Message string
}

const (
	// enoughMissed is how many changes the log must have missed. One or two may
	// come of an entry that was lost: Harbor writes them after the deed.
	enoughMissed = 3
	// tallied is how many changes are looked back on, about.
	tallied = 64
	// maxOpen bounds the repositories whose entries are waited for.
	maxOpen = 256
	// behind is how much older than the newest artifact the newest entry may be.
	behind = 15 * time.Minute
)

// tally counts what the log told of and what it did not.
type tally struct {
	tells, misses int
	open          map[string]time.Time // found to have changed, without an entry yet
}

// Found notes that a repository was found to have got artifacts or tags of which
// the log has not told. Removals are not to be noted: garbage collection leaves no
// entries, nor does a label.
func (f *Feed) Found(repository string, now time.Time) {
	t := &f.tally
	if _, ok := t.open[repository]; ok || len(t.open) >= maxOpen {
		return
	}
	if t.open == nil {
		t.open = map[string]time.Time{}
	}
	t.open[repository] = now
}

// told counts the repositories that a reading names, and those that it should
// have named.
func (t *tally) told(repositories []string, began time.Time, lag time.Duration) {
	for _, name := range repositories {
		delete(t.open, name)
	}
	t.tells += len(repositories)
	for name, found := range t.open {
		if !found.Add(lag).After(began) {
			delete(t.open, name)
			t.misses++
		}
	}
	for t.tells+t.misses > tallied {
		t.tells, t.misses = t.tells/2, t.misses/2
	}
}

// Verdict tells whether the log can be relied on. Pushed is the push time of the
// newest artifact that is known, or the zero time: as the times of entries it is
// of Harbor's clock.
func (f *Feed) Verdict(pushed time.Time) Verdict {
	t := &f.tally
	switch {
	case !f.started && pushed.IsZero() && t.misses < enoughMissed:
		return Verdict{LogEmpty, "has no entries yet"}
	case !f.started:
		return Verdict{LogNotPermitted, "is empty although there are artifacts: the account needs the right audit-log:list, or the log is off"}
	case t.misses >= enoughMissed && t.tells == 0:
		return Verdict{LogSwitchedOff, "tells of no change: is it switched off in Harbor?"}
	case !f.last.IsZero() && pushed.Sub(f.last) > behind:
		return Verdict{LogSwitchedOff, fmt.Sprintf("tells of nothing since %s, although artifacts were pushed: is it switched off in Harbor?",
			f.last.UTC().Format(time.RFC3339))}
	case t.misses >= enoughMissed && t.misses > t.tells:
		return Verdict{LogIncomplete, "does not tell of most changes: the account needs the right audit-log:list, or some types of events are switched off in Harbor"}
	}
	return Verdict{LogWorking, "is followed"}
}
