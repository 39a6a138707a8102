// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"maps"
	"slices"
	"time"
)

// Changes are what a listing of repositories, compared with what is remembered
// of them, tells: full names, each slice sorted.
type Changes struct {
	// New and Changed are to be read.
	New, Changed []string
	// Vanished are not in the listing. That is a question and no proof: Harbor
	// shows fewer repositories to an account that it does not know for the moment.
	Vanished []string
	// Postponed are left alone for now, see [Compare].
	Postponed []string
	// Unchanged counts the others.
	Unchanged int
}

// Sweep compares a whole listing with what is remembered.
func Sweep(known map[string]Record, listed map[string]Stamp, telling bool, d Damping, now time.Time) Changes {
	var c Changes
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		was, ok := known[name]
		switch finding, _ := Compare(was, ok, listed[name], telling, d, now); finding {
		case New:
			c.New = append(c.New, name)
		case Unchanged:
			c.Unchanged++
		case Postponed:
			c.Postponed = append(c.Postponed, name)
		default:
			c.Changed = append(c.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if _, ok := listed[name]; !ok {
			c.Vanished = append(c.Vanished, name)
		}
	}
	return c
}
