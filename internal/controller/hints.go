// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// hints holds, for each inventory, what somebody says is not as it was: Harbor,
// by webhooks or its audit log, or the metadata of lists that others edited.
// Hints are lost with the process; what they told is found by the next sync.
type hints struct {
	mu sync.Mutex
	of map[types.NamespacedName]*hinted
}

// hinted is what the hints of one inventory ask for.
type hinted struct {
	// repositories to be read, by their full names, each not before a time.
	repositories map[string]time.Time
	// wider is what a sync of single repositories cannot settle.
	wider scope
	// failed counts readings in a row that failed.
	failed int
	// repair is when edits of lists were put right last.
	repair repair
}

// scope is how much of Harbor a sync reads.
type scope int

const (
	// scopeNone: nothing.
	scopeNone scope = iota
	// scopeChanged: the listings of projects and repositories, and the artifacts
	// of those repositories that are not as they were.
	scopeChanged
	// scopeAll: the artifacts of every repository.
	scopeAll
)

func (s scope) String() string { return [...]string{"none", "changed", "all"}[s] }

// maxHintedRepositories bounds the repositories that hints of one inventory
// name; with more, everything is read.
const maxHintedRepositories = 10_000

func newHints() *hints { return &hints{of: map[types.NamespacedName]*hinted{}} }

// at returns the hints of an inventory. The caller holds the lock.
func (h *hints) at(name types.NamespacedName) *hinted {
	of := h.of[name]
	if of == nil {
		of = &hinted{repositories: map[string]time.Time{}}
		h.of[name] = of
	}
	return of
}

// repository notes that a repository is to be read now.
func (h *hints) repository(name types.NamespacedName, repository string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at(name).add(repository, now)
}

func (h *hinted) add(repository string, at time.Time) {
	if before, ok := h.repositories[repository]; ok && before.Before(at) {
		return
	}
	if len(h.repositories) >= maxHintedRepositories {
		h.wider = scopeAll
		clear(h.repositories)
	}
	if h.wider != scopeAll {
		h.repositories[repository] = at
	}
}

// widen asks for a sync of that scope at least.
func (h *hints) widen(name types.NamespacedName, to scope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.at(name)
	of.wider = max(of.wider, to)
}

// edited notes that somebody else edited or deleted a list of a repository,
// which is not known where its name is empty. It returns when that is to be
// put right.
func (h *hints) edited(name types.NamespacedName, repository string, now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.at(name)
	of.repair = of.repair.next(now)
	if repository == "" {
		of.wider = max(of.wider, scopeChanged)
	} else {
		of.add(repository, of.repair.at)
	}
	return of.repair.at
}

// take returns the repositories that are to be read now, sorted, and takes them out.
func (h *hints) take(name types.NamespacedName, now time.Time) (repositories []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of[name]
	if of == nil {
		return nil
	}
	for repository, at := range of.repositories {
		if !at.After(now) {
			repositories = append(repositories, repository)
			delete(of.repositories, repository)
		}
	}
	slices.Sort(repositories)
	return repositories
}

// pause returns for how long there is nothing to read; 0 if nothing is waiting.
func (h *hints) pause(name types.NamespacedName, now time.Time) (pause time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of[name]
	if of == nil {
		return 0
	}
	for _, at := range of.repositories {
		if wait := max(time.Millisecond, at.Sub(now)); pause == 0 || wait < pause {
			pause = wait
		}
	}
	return pause
}

// Bounds of the pause before repositories are read again that could not be read.
const (
	firstHintRetry = time.Second
	lastHintRetry  = time.Minute
)

// settled notes the outcome of a reading: those that failed are read again, later
// each time.
func (h *hints) settled(name types.NamespacedName, failed []string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.at(name)
	if len(failed) == 0 {
		of.failed = 0
		return
	}
	pause := min(lastHintRetry, firstHintRetry<<min(of.failed, 6))
	of.failed++
	for _, repository := range failed {
		of.add(repository, now.Add(pause))
	}
}

// waiting tells what a sync has to look after: the scope asked for, and those
// repositories that are not to be taken for known.
func (h *hints) waiting(name types.NamespacedName) (wider scope, repositories map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of[name]
	if of == nil {
		return scopeNone, nil
	}
	repositories = make(map[string]bool, len(of.repositories))
	for repository := range of.repositories {
		repositories[repository] = true
	}
	return of.wider, repositories
}

// begun notes that a sync of that scope begins.
func (h *hints) begun(name types.NamespacedName, s scope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if of := h.of[name]; of != nil && of.wider <= s {
		of.wider = scopeNone
	}
}

// count returns the number of repositories that wait to be read.
func (h *hints) count() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.of {
		n += len(of.repositories)
	}
	return n
}

// forget drops the hints of an inventory that is gone.
func (h *hints) forget(name types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, name)
}

// Bounds of the pause between two repairs of the lists of one inventory. It
// doubles while edits go on: somebody who writes over lists again and again
// shall not make Harbor work for it.
const (
	firstRepairPause = 10 * time.Second
	lastRepairPause  = 10 * time.Minute
)

// repair is when edits were put right last, or will be, and the pause after it.
type repair struct {
	at    time.Time
	pause time.Duration
}

// next returns the repair that an edit seen now will be part of.
func (r repair) next(now time.Time) repair {
	if r.at.After(now) {
		return r // not yet begun
	}
	at := now
	if earliest := r.at.Add(r.pause); earliest.After(now) {
		at = earliest
	}
	pause := firstRepairPause
	if at.Sub(r.at) < 3*r.pause {
		pause = min(2*r.pause, lastRepairPause)
	}
	return repair{at: at, pause: pause}
}
