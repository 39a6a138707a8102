// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"maps"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

const (
	// DefaultLag is how late an entry of the audit log may appear after one with a
	// greater id: an id is given inside of a transaction, and seen when that ends.
	DefaultLag = 2 * time.Minute

	// maxUnsettled bounds the entries above the cursor that are remembered.
	maxUnsettled = 10_000

	// shortestPurge is the shortest time that Harbor's purge schedule lets entries
	// live (audit_retention_hour, 1 or more).
	shortestPurge = time.Hour
)

// Feed follows Harbor's audit log by id. It belongs to one log: of a Harbor that
// was upgraded to 2.13 another one is to be started. The zero Feed has read
// nothing. It is not for several goroutines at once.
//
// The cursor is the greatest id below which nothing more can appear. An entry is
// behind it, and its id settled, once a reading began Lag after the end of
// another that had seen the entry or one with a greater id. So an entry that
// appears late, but within Lag, is never missed; and as soon as nothing was
// written for so long, a reading brings a single entry, the one at the cursor,
// which shows besides that the log is still the same.
type Feed struct {
	// Lag is [DefaultLag] if it is 0.
	Lag time.Duration

	started bool
	cursor  harbor.AuditEntry // with the id and the time alone after Resume
	seen    map[int64]bool    // ids above the cursor
	marks   []mark            // ids rise, times do not fall
	newest  harbor.AuditEntry // with the greatest id
	last    time.Time         // the latest time of an entry
	tally   tally
}

// mark is the entry with the greatest id that a reading had seen when it ended.
type mark struct {
	at    time.Time
	entry harbor.AuditEntry
}

// Reading is one reading of the log.
type Reading struct {
	Began, Ended time.Time
	// Entries from [Feed.From] on, by id. If the reading broke off, those until
	// then.
	Entries []harbor.AuditEntry
}

// News are what a reading tells that none before had told.
type News struct {
	// Repositories in which something was made or deleted, or that were deleted
	// themselves, and Projects that were made or deleted; each once, in the order
	// of the log.
	Repositories, Projects []string
	// Unnamed counts the entries that do not tell what they are about: then
	// anything may have changed.
	Unnamed int
	// Rewound tells that the log is not the one that was followed, as after the
	// restore of a database, or that it is empty now. Anything may have changed,
	// and the Feed is to be started again.
	Rewound bool
}

// Cursor is the place in a log where another feed can go on.
type Cursor struct {
	ID int64
	At time.Time // to the second
}

// Resume returns a feed that goes on at a cursor of an earlier one.
func Resume(c Cursor) *Feed {
	entry := harbor.AuditEntry{ID: c.ID, At: c.At}
	return &Feed{started: c.ID > 0, cursor: entry, newest: entry, last: c.At}
}

// From returns the id from which on the log is to be read; false if the feed is
// to be started first.
func (f *Feed) From() (id int64, ok bool) { return f.cursor.ID, f.started }

// Cursor returns where to resume; false if the feed is to be started first.
func (f *Feed) Cursor() (c Cursor, ok bool) {
	if !f.started {
		return Cursor{}, false
	}
	return Cursor{f.cursor.ID, f.cursor.At.Truncate(time.Second)}, true
}

// Start begins at the newest entry of the log, if there is one; began is when it
// was asked for. What is read of Harbor from then on needs no older entry, nor any
// that appears late below it: Harbor writes entries after the deed.
func (f *Feed) Start(newest harbor.AuditEntry, ok bool, began time.Time) {
	*f = Feed{Lag: f.Lag, started: ok, tally: f.tally}
	if !ok {
		f.tally.told(nil, began, f.lag())
		return
	}
	f.cursor, f.newest, f.last = newest, newest, newest.At
}

// Follow takes a reading:
//
//  1. If the log is another one, nothing of it is of use.
//  2. Note what is new, and tell of it.
//  3. Move the cursor over what is settled.
//  4. Forget early what is too much to remember; an entry that appears late there
//     is missed.
func (f *Feed) Follow(r Reading) News {
	// 1.
	if f.isRewound(r.Entries) {
		*f = Feed{Lag: f.Lag, tally: f.tally}
		return News{Rewound: true}
	}
	// 2.
	news := f.take(r)
	f.tally.told(news.Repositories, r.Began, f.lag())
	// 3.
	f.settle(func(m mark) bool {
		return !m.at.Add(f.lag()).After(r.Began) && m.entry.ID <= r.Entries[len(r.Entries)-1].ID
	})
	// 4.
	f.settle(func(mark) bool { return len(f.seen) > maxUnsettled })
	return news
}

func (f *Feed) lag() time.Duration {
	if f.Lag == 0 {
		return DefaultLag
	}
	return f.Lag
}

// isRewound tells whether the entry at the cursor is no longer there, for another
// reason than that it was purged: then those that follow it are younger by the
// time that entries live.
func (f *Feed) isRewound(entries []harbor.AuditEntry) bool {
	resumed := f.cursor == harbor.AuditEntry{ID: f.cursor.ID, At: f.cursor.At}
	switch {
	case len(entries) == 0:
		return true
	case resumed && entries[0].ID == f.cursor.ID:
		return !entries[0].At.Truncate(time.Second).Equal(f.cursor.At)
	case entries[0].ID == f.cursor.ID:
		return entries[0] != f.cursor
	default:
		return entries[0].At.Sub(f.cursor.At) < shortestPurge
	}
}

// Told tells whether an earlier reading has told of an entry.
func (f *Feed) Told(e harbor.AuditEntry) bool { return e.ID <= f.cursor.ID || f.seen[e.ID] }

// take notes the entries that were not seen before.
func (f *Feed) take(r Reading) News {
	var news News
	var repositories, projects distinct
	if f.seen == nil {
		f.seen = map[int64]bool{}
	}
	for _, e := range r.Entries {
		switch {
		case e.ID == f.cursor.ID:
			f.cursor = e // known in parts after Resume
		case f.Told(e):
			continue
		case e.Repository != "":
			repositories.add(e.Repository)
		case e.Project != "":
			projects.add(e.Project)
		default:
			news.Unnamed++
		}
		if e.ID > f.cursor.ID {
			f.seen[e.ID] = true
		}
		if e.ID >= f.newest.ID {
			f.newest = e
		}
		if e.At.After(f.last) {
			f.last = e.At
		}
	}
	if f.newest.ID > f.cursor.ID && (len(f.marks) == 0 || f.newest.ID > f.marks[len(f.marks)-1].entry.ID) {
		f.marks = append(f.marks, mark{r.Ended, f.newest})
	}
	news.Repositories, news.Projects = repositories.names, projects.names
	return news
}

// distinct holds names, each once, in the order in which they came.
type distinct struct {
	names []string
	seen  map[string]bool
}

func (d *distinct) add(name string) {
	if d.seen[name] {
		return
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[name] = true
	d.names = append(d.names, name)
}

// settle moves the cursor up, from mark to mark as long as they are to be settled.
func (f *Feed) settle(settled func(mark) bool) {
	for len(f.marks) > 0 && settled(f.marks[0]) {
		f.cursor = f.marks[0].entry
		f.marks = f.marks[1:]
		maps.DeleteFunc(f.seen, func(id int64, _ bool) bool { return id <= f.cursor.ID })
	}
}
