// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"cmp"
	"math/bits"
	"net/http"
	"slices"
	"time"
)

// adaptation finds out how many requests at a time do a Harbor good. It is a
// state machine of observations and times, without a clock.
//
// The limit moves between 1 and the greatest. It is looked at after each round:
// as many answers as the limit was.
//
//	| the round had                             | the limit                    |
//	|-------------------------------------------|------------------------------|
//	| 429 or 503, two and every fifth at least  | is halved, at once           |
//	| a queue inside Harbor longer than allowed | loses a fifth                |
//	| no queue, and used the limit              | grows by one, or doubles     |
//	|                                           | until the first trouble      |
//	| anything else                             | stays                        |
//
// The queue is Vegas' estimate: of n requests under way, those that only wait are
// n x (1 - least time / time now), each answer's time being compared with the
// least of answers of its endpoint and size. A running Harbor on 2 cores gained
// nothing beyond 5 requests at a time and lost beyond 25; it answered all of them
// with 200, later and later. A time below tolerable counts as no queue: it is
// nobody's trouble, and on a busy machine of our own it says little.
type adaptation struct {
	most     int
	limit    int
	starting bool // no trouble so far: doubles

	least map[sizeClass]time.Duration
	// the round under way
	ratios  []float64 // time now by least time, of each answer
	used    bool      // the limit was reached
	refused int
	halved  time.Time // when the limit was halved last
}

// sizeClass is what answers have in common that take the same work: the endpoint,
// and the size to a factor of two.
type sizeClass struct {
	endpoint string
	bits     int
}

const (
	// startLimit is where the limit starts: what a Harbor on 2 cores makes use of.
	startLimit = 5

	// tolerable is the time of an answer up to which there is no queue.
	tolerable = 250 * time.Millisecond

	// allowedQueue is the queue that is allowed in any case, so that Harbor never
	// waits for us; beyond it half of the limit may be waiting.
	allowedQueue = 6

	// leastSamples is the least number of answers in a round.
	leastSamples = 5

	// halveEvery is the pause between two times that the limit is halved: those
	// that were under way together are refused together.
	halveEvery = time.Second

	// maxSizeClasses bounds the memory; there are a dozen endpoints.
	maxSizeClasses = 512

	// forget makes a least time a little longer with each round, for what Harbor
	// can do changes in time: it doubles in some 3,500 rounds. Whenever few
	// requests are under way, it is measured anew.
	forget = 1.0002
)

func newAdaptation(most int) *adaptation {
	return &adaptation{most: most, limit: min(most, startLimit), starting: true, least: map[sizeClass]time.Duration{}}
}

// observe takes one answer that came when so many requests were under way, this
// one included.
func (a *adaptation) observe(o Observation, underWay int, now time.Time) {
	a.used = a.used || underWay >= a.limit
	switch {
	case o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable:
		a.refused++
		if a.refused >= max(2, a.limit/5) && now.Sub(a.halved) >= halveEvery {
			a.limit, a.halved, a.starting = max(1, a.limit/2), now, false
			a.endRound()
		}
		return
	case o.Status != http.StatusOK || o.Failure != FailureNone:
		return // tells nothing about Harbor's load
	}
	a.ratios = append(a.ratios, a.ratio(o))
	if len(a.ratios) >= max(a.limit, leastSamples) {
		a.judge()
		a.endRound()
	}
}

// ratio of the time that an answer took to the least of its class.
func (a *adaptation) ratio(o Observation) float64 {
	class := sizeClass{o.Endpoint, bits.Len64(uint64(max(0, o.Bytes)))}
	took := max(o.Duration, time.Microsecond)
	least, known := a.least[class]
	if !known && len(a.least) >= maxSizeClasses {
		clear(a.least)
	}
	if !known || took < least {
		a.least[class] = took
		return 1
	}
	if took <= tolerable {
		return 1
	}
	return float64(took) / float64(max(least, time.Millisecond))
}

// judge decides after a round. The median counts, so that single slow answers do not.
func (a *adaptation) judge() {
	slices.SortFunc(a.ratios, cmp.Compare[float64])
	median := a.ratios[len(a.ratios)/2]
	queue := float64(a.limit) * (1 - 1/median)
	switch {
	case queue > max(allowedQueue, float64(a.limit)/2):
		a.starting = false
		a.limit = max(1, a.limit-max(1, a.limit/5))
	case queue > allowedQueue/2 || !a.used:
	case a.starting:
		a.limit = min(a.most, 2*a.limit)
	default:
		a.limit = min(a.most, a.limit+1)
	}
}

func (a *adaptation) endRound() {
	a.ratios, a.used, a.refused = a.ratios[:0], false, 0
	for class, least := range a.least {
		a.least[class] = time.Duration(float64(least) * forget)
	}
}
