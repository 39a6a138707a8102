// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
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
	// repositories to be read, by their full names.
	repositories map[string]wish
	// wishes counts those that came.
	wishes int
	// wider is what a sync of single repositories cannot settle.
	wider scope
	// failed counts readings in a row that failed.
	failed int
	// repair is when edits of lists were put right last.
	repair repair
}

// wish is a repository that is to be read.
type wish struct {
	notBefore time.Time
	by        hinter // the most urgent one of those who wish for it
	number    int    // of the first of them: the older, the smaller
	// named are the artifacts that may differ.
	named named
}

// hinter is who tells that a repository is not as it was; the urgent ones first.
type hinter int

const (
	byWebhook hinter = iota
	byEdit
	byAuditLog
)

// String is the value of the label source of metrics.
func (h hinter) String() string { return [...]string{"webhook", "edit", "audit_log"}[h] }

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
		of = &hinted{repositories: map[string]wish{}}
		h.of[name] = of
	}
	return of
}

// repository notes that a repository is to be read now, or the artifacts of it that
// are named.
func (h *hints) repository(name types.NamespacedName, repository string, of named, by hinter, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at(name).add(repository, wish{notBefore: now, by: by, named: of})
}

func (h *hinted) add(repository string, w wish) {
	before, ok := h.repositories[repository]
	if ok {
		w.number, w.by, w.named = before.number, min(before.by, w.by), before.named.and(w.named)
		if before.notBefore.Before(w.notBefore) {
			w.notBefore = before.notBefore
		}
	} else {
		h.wishes++
		w.number = h.wishes
	}
	if !ok && len(h.repositories) >= maxHintedRepositories {
		h.wider = scopeAll
		clear(h.repositories)
	}
	if h.wider != scopeAll {
		h.repositories[repository] = w
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
		of.add(repository, wish{notBefore: of.repair.at, by: byEdit})
	}
	return of.repair.at
}

// hint is a wish that is granted.
type hint struct {
	repository string
	by         hinter
	named      named
}

// maxTaken bounds the repositories that are read at a time: what is more urgent
// waits for no more than these.
const maxTaken = 32

// take returns repositories that are to be read now, at most maxTaken, the most
// urgent ones first and of those the oldest wishes, and takes them out.
func (h *hints) take(name types.NamespacedName, now time.Time) (taken []hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of[name]
	if of == nil {
		return nil
	}
	for repository, w := range of.repositories {
		if !w.notBefore.After(now) {
			taken = append(taken, hint{repository, w.by, w.named})
		}
	}
	slices.SortFunc(taken, func(a, b hint) int {
		return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(of.repositories[a.repository].number, of.repositories[b.repository].number))
	})
	taken = taken[:min(maxTaken, len(taken))]
	for _, t := range taken {
		delete(of.repositories, t.repository)
	}
	return taken
}

// pause returns for how long there is nothing to read; 0 if nothing is waiting.
func (h *hints) pause(name types.NamespacedName, now time.Time) (pause time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of[name]
	if of == nil {
		return 0
	}
	for _, w := range of.repositories {
		if wait := max(time.Millisecond, w.notBefore.Sub(now)); pause == 0 || wait < pause {
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
func (h *hints) settled(name types.NamespacedName, failed []hint, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.at(name)
	if len(failed) == 0 {
		of.failed = 0
		return
	}
	pause := min(lastHintRetry, firstHintRetry<<min(of.failed, 6))
	of.failed++
	for _, f := range failed {
		of.add(f.repository, wish{notBefore: now.Add(pause), by: f.by})
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
