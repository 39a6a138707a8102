// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Bounds of what is looked up at a time.
const (
	// laneArtifacts is the number of artifacts that one request looks up: Harbor
	// takes some 6 ms for each on a small machine. It is less where that is too slow.
	laneArtifacts = 20
	// laneRequests is the number of requests after which lists are written, and
	// what is more urgent is looked at.
	laneRequests = 10
	// laneRetry is the pause before a repository is looked at again of which
	// something could not be looked up.
	laneRetry = time.Minute
	// laneRest is the pause before it is looked whether anything has grown old.
	laneRest = time.Minute
)

// lane is what an inventory knows of the looking up of overviews. It belongs to
// the knowledge, whose lock guards it. In this order:
//
//  1. what a scan that has ended names;
//  2. what has been begun;
//  3. what lists name as pending: new artifacts, changed ones have new digests;
//  4. everything else in turn, each repository once within spec.verifyInterval, and
//     once after each sync that the annotation asks for.
type lane struct {
	budget *rate.Limiter // of requests
	began  time.Time     // when all of this began; zero before the first look
	asked  time.Time     // when everything was to be looked up anew
	size   int           // artifacts of one request

	urgent map[string]map[string]bool // digests by repository; nil are all
	begun  map[string]*lookup
	looked map[string]time.Time // when all of a repository was looked up last
	retry  map[string]time.Time // not before

	// unseen are the artifacts that no list shows because of their scan, or because
	// newer ones fill the list, by repository and digest; nil is pending. Only of
	// inventories that select by severity.
	unseen map[string]map[string]*harbor.ScanOverview
	told   time.Time // when the status was written last
}

// lookup is what is to be looked up of one repository.
type lookup struct {
	repository string
	// digests that are left. None: they are yet to be chosen.
	digests []string
	// urgent chooses these and what they may belong to, or all if it is empty.
	urgent map[string]bool
	kind   lookKind
	began  time.Time
}

// lookKind says which artifacts of a repository are looked up.
type lookKind string

const (
	lookUrgent  lookKind = "scanned"
	lookPending lookKind = "pending"
	lookAll     lookKind = "rotation"
)

func newLane(inv *v1alpha1.HarborInventory) lane {
	return lane{
		budget: rate.NewLimiter(rate.Limit(float64(inv.Spec.DetailRequestsPerMinute)/60), 1), size: laneArtifacts,
		urgent: map[string]map[string]bool{}, begun: map[string]*lookup{}, looked: map[string]time.Time{},
		retry: map[string]time.Time{}, unseen: map[string]map[string]*harbor.ScanOverview{},
	}
}

// drop forgets a repository.
func (l *lane) drop(repository string) {
	delete(l.urgent, repository)
	delete(l.begun, repository)
	delete(l.looked, repository)
	delete(l.retry, repository)
	delete(l.unseen, repository)
}

// unlisted counts the artifacts that no list shows, and those of them that are pending.
func (l *lane) unlisted() (all, pending int64) {
	for _, artifacts := range l.unseen {
		all += int64(len(artifacts))
		for _, scan := range artifacts {
			if scan == nil {
				pending++
			}
		}
	}
	return all, pending
}

func (l *lane) pends(repository string, of remembered) bool {
	if of.totals.Pending > 0 {
		return true
	}
	for _, scan := range l.unseen[repository] {
		if scan == nil {
			return true
		}
	}
	return false
}

// nextLookup returns what to look up now, or nil and when to ask again.
func (k *knowledge) nextLookup(now time.Time, within time.Duration) (next *lookup, pause time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := &k.lane
	if l.began.IsZero() {
		l.began = now
	}
	pause = laneRest
	var chosen *lookup
	for name, of := range k.repositories {
		if wait := l.retry[name].Sub(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		candidate := k.lookupOf(name, of, now, within)
		if candidate != nil && (chosen == nil || candidate.before(chosen)) {
			chosen = candidate
		}
	}
	if chosen == nil {
		return nil, pause
	}
	if chosen.kind == lookUrgent {
		delete(l.urgent, chosen.repository)
	} else {
		l.begun[chosen.repository] = chosen
	}
	return chosen, 0
}

// lookupOf returns what is to be looked up of one repository, nil if nothing is.
// The caller holds the lock.
func (k *knowledge) lookupOf(name string, of remembered, now time.Time, within time.Duration) *lookup {
	l := &k.lane
	if digests, ok := l.urgent[name]; ok {
		return &lookup{repository: name, kind: lookUrgent, urgent: digests, began: now}
	}
	last, ok := l.looked[name]
	if !ok {
		last = l.began
	}
	switch begun := l.begun[name]; {
	case begun != nil:
		return begun
	case l.pends(name, of):
		return &lookup{repository: name, kind: lookPending, began: now}
	case of.totals.Artifacts > 0 && (last.Before(l.asked) || current.Due(name, last, now, within)):
		return &lookup{repository: name, kind: lookAll, began: now}
	default:
		return nil
	}
}

// before tells what comes first: the urgent, the pending, the others; of these
// what was begun, and the rest by name.
func (l *lookup) before(other *lookup) bool {
	rank := func(l *lookup) int {
		begun := 1
		if len(l.digests) > 0 {
			begun = 0
		}
		return 2*slices.Index([]lookKind{lookUrgent, lookPending, lookAll}, l.kind) + begun
	}
	return cmp.Or(cmp.Compare(rank(l), rank(other)), cmp.Compare(l.repository, other.repository)) < 0
}

// lookAnew has everything looked up once more.
func (k *knowledge) lookAnew(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lane.asked = now
}

// urge notes that a scan of a repository has ended: of these digests, or of any
// where there are none.
func (k *knowledge) urge(repository string, digests []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.repositories[repository]; known { // if not, what it holds will be pending
		k.lane.urge(repository, digests)
	}
}

func (l *lane) urge(repository string, digests []string) {
	waiting, ok := l.urgent[repository]
	switch {
	case len(digests) == 0, ok && waiting == nil:
		l.urgent[repository] = nil
		return
	case !ok:
		waiting = map[string]bool{}
	}
	for _, digest := range digests {
		waiting[digest] = true
	}
	l.urgent[repository] = waiting
}

// putBack has a lookup done again that was interrupted.
func (k *knowledge) putBack(l *lookup) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.repositories[l.repository]; known {
		k.lane.putBack(l)
	}
}

// putBack keeps in mind what was taken out: the urgent ones alone are.
func (l *lane) putBack(taken *lookup) {
	if taken.kind == lookUrgent {
		l.urge(taken.repository, slices.Collect(maps.Keys(taken.urgent)))
	}
}

// lookedUp notes the outcome of a part of a lookup: what of it is left, or why
// it failed. Where something is pending still, or failed, it is tried again later.
func (k *knowledge) lookedUp(l *lookup, rest []string, err error, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of, ok := k.repositories[l.repository]
	switch {
	case !ok:
		k.lane.drop(l.repository)
	case err != nil:
		k.lane.retry[l.repository] = now.Add(laneRetry)
		k.lane.putBack(l)
	case len(rest) > 0:
		l.digests = rest
		if l.kind == lookUrgent { // the rest is not more urgent than others
			l.kind = lookPending
		}
		k.lane.begun[l.repository] = l
	default:
		delete(k.lane.begun, l.repository)
		if l.kind == lookAll {
			k.lane.looked[l.repository] = l.began
		}
		if l.kind == lookPending && k.lane.pends(l.repository, of) {
			k.lane.retry[l.repository] = now.Add(laneRetry)
		}
	}
}

// lookSize returns the number of artifacts that the next request looks up.
func (k *knowledge) lookSize() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lane.size
}

// noteLook adapts that number to what became of a request.
func (k *knowledge) noteLook(late bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if late {
		k.lane.size = max(1, k.lane.size/2)
	} else {
		k.lane.size = min(laneArtifacts, k.lane.size+1)
	}
}

// tellDue tells whether the status is to be written, which is done every so often.
func (k *knowledge) tellDue(now time.Time, every time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.lane.told) < every {
		return false
	}
	k.lane.told = now
	return true
}

// unseenOf returns what is known of the artifacts of a repository that no list shows.
func (k *knowledge) unseenOf(repository string) map[string]*harbor.ScanOverview {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := make(map[string]*harbor.ScanOverview, len(k.lane.unseen[repository]))
	maps.Copy(known, k.lane.unseen[repository])
	return known
}

func (k *knowledge) setUnseen(repository string, artifacts map[string]*harbor.ScanOverview) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(artifacts) == 0 {
		delete(k.lane.unseen, repository)
		return
	}
	k.lane.unseen[repository] = artifacts
}

// amend changes what is remembered of a repository, if it is.
func (k *knowledge) amend(repository string, change func(*remembered)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.repositories[repository]; ok {
		change(&r)
		k.repositories[repository] = r
	}
}

// learnUnseen notes what was looked up of artifacts that no list shows, as far as
// they are still such.
func (k *knowledge) learnUnseen(repository string, learned map[string]*harbor.ScanOverview) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for digest, scan := range learned {
		if _, still := k.lane.unseen[repository][digest]; still {
			k.lane.unseen[repository][digest] = scan
		}
	}
}
