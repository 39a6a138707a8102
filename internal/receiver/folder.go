// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"slices"
	"time"
)

// folder folds hints that come one upon the other into few: a pipeline that
// pushes 500 tags, an index with its children. It is a pure decision, with the
// time as a parameter.
//
//	a hint for                waits until
//	a repository, alone       it is quiet
//	the same one again        quiet after the last, at the longest since the first
//	more than bound at once   as before, for the project or all of the inventory instead
//
// Nothing that was added is lost: what due returns covers it.
type folder struct {
	quiet, longest time.Duration
	bound          int // scopes of one inventory
	inventories    map[Name]map[scope]*entry
	// next is no later than when the first entry is due; zero without entries.
	next time.Time
}

// scope is what a hint is about: a repository, a project without one, all
// without a project.
type scope struct{ project, repository string }

// entry is a hint that waits.
type entry struct {
	hint        Hint
	first, last time.Time // of what was added to it
}

func newFolder(l Limits) *folder {
	return &folder{quiet: l.Quiet, longest: l.Longest, bound: l.Repositories, inventories: map[Name]map[scope]*entry{}}
}

func (f *folder) due(e *entry) time.Time {
	due, latest := e.last.Add(f.quiet), e.first.Add(f.longest)
	if latest.Before(due) {
		return latest
	}
	return due
}

// add takes a hint. It says whether the hint was folded into one that waits, or
// others into it.
func (f *folder) add(now time.Time, h Hint) (folded bool) {
	entries := f.inventories[h.Inventory]
	if entries == nil {
		entries = map[scope]*entry{}
		f.inventories[h.Inventory] = entries
	}
	// 1. One that covers it waits already.
	for _, s := range []scope{{h.Project, h.Repository}, {h.Project, ""}, {"", ""}} {
		if e := entries[s]; e != nil {
			e.hint.merge(h)
			e.last = now
			return true
		}
	}
	// 2. Else it waits itself, and takes in those that it covers.
	e := &entry{hint: h, first: now, last: now}
	before := len(entries)
	absorb(entries, e)
	// 3. There are too many: it asks for all of the project, or for everything.
	if len(entries) >= f.bound {
		e.hint.Repository, e.hint.Artifacts = "", nil
		absorb(entries, e)
	}
	if len(entries) >= f.bound {
		e.hint.Project = ""
		absorb(entries, e)
	}
	folded = len(entries) < before
	entries[scope{e.hint.Project, e.hint.Repository}] = e
	if due := f.due(e); f.next.IsZero() || due.Before(f.next) {
		f.next = due
	}
	return folded
}

// absorb takes the entries that e covers into e.
func absorb(entries map[scope]*entry, e *entry) {
	if e.hint.Repository != "" {
		return
	}
	for s, other := range entries {
		if e.hint.Project != "" && e.hint.Project != s.project {
			continue
		}
		e.hint.merge(other.hint)
		if other.first.Before(e.first) {
			e.first = other.first
		}
		delete(entries, s)
	}
}

// take removes and returns the hints that are due, sorted.
func (f *folder) take(now time.Time) []Hint {
	if f.next.IsZero() || now.Before(f.next) {
		return nil
	}
	return f.remove(func(e *entry) bool { return !f.due(e).After(now) })
}

// rest removes and returns all hints.
func (f *folder) rest() []Hint { return f.remove(func(*entry) bool { return true }) }

func (f *folder) remove(which func(*entry) bool) []Hint {
	var hints []Hint
	f.next = time.Time{}
	for name, entries := range f.inventories {
		for s, e := range entries {
			if which(e) {
				hints = append(hints, e.hint)
				delete(entries, s)
			} else if due := f.due(e); f.next.IsZero() || due.Before(f.next) {
				f.next = due
			}
		}
		if len(entries) == 0 {
			delete(f.inventories, name)
		}
	}
	slices.SortFunc(hints, func(a, b Hint) int {
		return cmp.Or(
			cmp.Compare(a.Inventory.Namespace, b.Inventory.Namespace), cmp.Compare(a.Inventory.Name, b.Inventory.Name),
			cmp.Compare(a.Project, b.Project), cmp.Compare(a.Repository, b.Repository),
		)
	})
	return hints
}

// waiting is the number of hints that wait.
func (f *folder) waiting() int {
	n := 0
	for _, entries := range f.inventories {
		n += len(entries)
	}
	return n
}
