// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Stamp is what Harbor's listing of repositories tells of one.
type Stamp struct {
	ID        int64
	Updated   time.Time
	Artifacts int
	Pulls     int64
}

// StampOf returns the stamp of a repository.
func StampOf(r *harbor.Repository) Stamp {
	return Stamp{ID: r.ID, Updated: r.UpdateTime.UTC(), Artifacts: r.ArtifactCount, Pulls: r.PullCount}
}

// Record is what is remembered of a repository whose artifacts were read.
type Record struct {
	// Read is the stamp from before that reading, and Began when it began.
	Read  Stamp
	Began time.Time
	// Seen is the last stamp, of listings since as well.
	Seen Stamp
	// Vain counts the readings in a row that found nothing new and that pulls may
	// have caused.
	Vain int
}

// Finding is what a listing means for a repository.
type Finding string

// The findings. Those before Unchanged ask for the repository to be read.
const (
	// New: nothing is remembered of it.
	New Finding = "New"
	// Recreated: it was deleted, and its name used again.
	Recreated Finding = "Recreated"
	// Counted: it has more or fewer artifacts.
	Counted Finding = "Counted"
	// Updated: its update_time moved, and no pull explains that.
	Updated Finding = "Updated"
	// Pulled: its update_time moved and so did its pull_count, which does not tell
	// whether something was pushed as well.
	Pulled Finding = "Pulled"
	// Unchanged: nothing moved that tells of a change.
	Unchanged Finding = "Unchanged"
	// Postponed is Pulled once more, soon after readings in vain.
	Postponed Finding = "Postponed"
)

// Reads tells whether the repository is to be read.
func (f Finding) Reads() bool { return f != Unchanged && f != Postponed }

// Damping says how long a repository that is pulled all the time is left alone
// between readings in vain.
type Damping struct {
	// Base is the wait after the first one; it doubles with each further one.
	Base time.Duration
	// Bound is the greatest wait.
	Bound time.Duration
}

// DefaultDamping reads a repository that is always pulled every hour.
var DefaultDamping = Damping{Base: 20 * time.Minute, Bound: time.Hour}

func (d Damping) wait(vain int) time.Duration {
	wait := d.Base
	for range vain - 1 {
		if wait >= d.Bound {
			break
		}
		wait *= 2
	}
	return min(wait, d.Bound)
}

// Compare tells what a listing means for a repository, and returns what is to be
// remembered of it until it is read. Telling is whether Harbor's version moves
// update_time with every change of artifacts and tags, as 2.15.2 and later do;
// pulls move it in all versions.
//
//	known  id       artifacts  update_time  pull_count           finding
//	no                                                           New
//	yes    another                                               Recreated
//	yes    same     others                                       Counted
//	yes    same     as many    same                              Unchanged
//	yes    same     as many    moved        (not telling)        Unchanged
//	yes    same     as many    moved        same                 Updated
//	yes    same     as many    moved        too                  Pulled, or Postponed
//
// Whether pull_count moved is seen from one listing to the next: Harbor writes
// both in one statement. So Postponed hides a push only if a pull came between
// the same two listings, and only if the number of artifacts stayed the same, as
// when a tag moved. What it hides is found by the first listing that comes
// d.Bound after the last reading, if nothing else tells of it before.
func Compare(was Record, known bool, listed Stamp, telling bool, d Damping, now time.Time) (Finding, Record) {
	f := compare(&was, known, &listed, telling, d, now)
	was.Seen = listed
	if f == Recreated || f == Counted || f == Updated {
		was.Vain = 0 // what is certain stays so if the reading fails, whatever comes then
	}
	return f, was
}

func compare(was *Record, known bool, listed *Stamp, telling bool, d Damping, now time.Time) Finding {
	switch {
	case !known:
		return New
	case listed.ID != was.Read.ID:
		return Recreated
	case listed.Artifacts != was.Read.Artifacts:
		return Counted
	case !telling || listed.Updated.Equal(was.Read.Updated):
		return Unchanged
	case !listed.Updated.Equal(was.Seen.Updated) && listed.Pulls == was.Seen.Pulls:
		return Updated
	case was.Vain > 0 && now.Before(was.Began.Add(d.wait(was.Vain))):
		return Postponed
	}
	return Pulled
}

// After returns what is to be remembered of a repository that was read: because
// of the finding, with this stamp, from began on. Equal tells that nothing new was
// found.
func (r Record) After(f Finding, listed Stamp, began time.Time, equal bool) Record {
	after := Record{Read: listed, Seen: listed, Began: began}
	if equal {
		after.Vain = r.Vain
		if f == Pulled {
			after.Vain++
		}
	}
	return after
}
