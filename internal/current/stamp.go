// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Stamp is what Harbor's listing of repositories tells of one. The zero Stamp is
// of none.
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

// Same tells whether nothing moved between two stamps that tells of a change.
func (s Stamp) Same(o Stamp) bool {
	return s.ID == o.ID && s.Artifacts == o.Artifacts && s.Updated.Equal(o.Updated)
}

// Record is what is remembered of a repository whose artifacts were read.
type Record struct {
	// Read is the stamp from before that reading, and Began when it began.
	Read  Stamp
	Began time.Time
	// Seen is the last stamp, of listings since as well.
	Seen Stamp
	// Why is what the listing since then meant for it, if there was one.
	Why Finding
	// Vain counts the readings that found nothing new and that pulls may have
	// caused, since one that found something.
	Vain int
}

// Finding is what a listing means for a repository.
type Finding string

// The findings. Changed and Pulled ask for the repository to be read.
const (
	// Changed: it was deleted and made again, or has more or fewer artifacts, or
	// its update_time moved and no pull explains that.
	Changed Finding = "Changed"
	// Pulled: its update_time moved and so did its pull_count, which does not tell
	// whether something was pushed as well.
	Pulled Finding = "Pulled"
	// Postponed is Pulled once more, soon after readings in vain.
	Postponed Finding = "Postponed"
	// Unchanged: nothing moved that tells of a change.
	Unchanged Finding = "Unchanged"
)

// Reads tells whether the repository is to be read.
func (f Finding) Reads() bool { return f == Changed || f == Pulled }

// Damping says how long a repository that is pulled all the time is left alone
// after a reading in vain.
type Damping struct {
	// Base is the wait after the first one; it doubles with each further one.
	Base time.Duration
	// Bound is the greatest wait.
	Bound time.Duration
}

// Dampen returns the damping for listings that come every so often, where each
// repository is read within the given time anyway: it is at most an hour, and at
// most a quarter of that time.
func Dampen(every, within time.Duration) Damping {
	return Damping{Base: 2 * every, Bound: min(time.Hour, within/4)}
}

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
// remembered of it until it is read.
//
//	id       artifacts  update_time  pull_count  finding
//	another                                      Changed
//	same     others                              Changed
//	same     as many    same                     Unchanged
//	same     as many    moved        same        Changed
//	same     as many    moved        too         Pulled, or Postponed
//
// Whether pull_count moved is seen from one listing to the next: Harbor writes
// both in one statement. So Postponed hides a push only if a pull came between
// the same two listings, and only if the number of artifacts stayed the same, as
// when a tag moved. What it hides is found by the first listing that comes
// d.Bound after the last reading, if nothing else tells of it before.
func Compare(was Record, listed Stamp, d Damping, now time.Time) (Finding, Record) {
	was.Why = compare(&was, &listed, d, now)
	was.Seen = listed
	if was.Why == Changed {
		was.Vain = 0 // what is certain stays so if the reading fails, whatever comes then
	}
	return was.Why, was
}

func compare(was *Record, listed *Stamp, d Damping, now time.Time) Finding {
	switch {
	case listed.ID != was.Read.ID, listed.Artifacts != was.Read.Artifacts:
		return Changed
	case listed.Updated.Equal(was.Read.Updated):
		return Unchanged
	case !listed.Updated.Equal(was.Seen.Updated) && listed.Pulls == was.Seen.Pulls:
		return Changed
	case was.Vain > 0 && now.Before(was.Began.Add(d.wait(was.Vain))):
		return Postponed
	}
	return Pulled
}

// After returns what is to be remembered of a repository that was read, with the
// stamp from before and from began on. Equal tells that nothing new was found.
func (r Record) After(read Stamp, began time.Time, equal bool) Record {
	after := Record{Read: read, Seen: read, Began: began}
	if equal {
		after.Vain = r.Vain
		if r.Why == Pulled {
			after.Vain++
		}
	}
	return after
}
