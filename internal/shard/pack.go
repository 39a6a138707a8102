// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"cmp"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// roomyShare is the part of a limit that has to be free in a list for new
// entries to open it, unless it takes all that are left: a quarter. Less would
// mean more writes for a push, more would mean emptier lists.
const roomyShare = 4

// packing is the state of one Plan. Entries are handled as positions in desired.
type packing struct {
	namer   Namer
	limits  Limits
	scale   *scale
	desired []v1alpha1.ArtifactEntry

	weights  []weight       // of desired
	position map[string]int // by digest
	kept     []bool         // by position: a list keeps it
	released []bool         // by position: a list over its limits let it go

	bins     []*bin // the lists with a name of the namer's, by index; created ones at the end
	misnamed []string
	used     map[int]bool // indexes of lists that stand
	next     int          // no index below it is free
}

func newPacking(namer Namer, desired []v1alpha1.ArtifactEntry, limits Limits) *packing {
	if limits.MaxEntries <= 0 {
		limits.MaxEntries = v1alpha1.DefaultArtifactsPerList
	}
	if limits.MaxBytes <= 0 {
		limits.MaxBytes = DefaultMaxBytes
	}
	p := &packing{
		namer: namer, limits: limits, scale: newScale(), desired: desired,
		weights:  make([]weight, len(desired)),
		position: make(map[string]int, len(desired)),
		kept:     make([]bool, len(desired)),
		released: make([]bool, len(desired)),
		used:     map[int]bool{},
	}
	for at := range desired {
		if _, twice := p.position[desired[at].Digest]; twice {
			p.kept[at] = true // nothing is to be done about it
			continue
		}
		p.position[desired[at].Digest] = at
		p.weights[at] = p.scale.weigh(&desired[at])
	}
	return p
}

// sort makes a bin of each list that the namer names.
func (p *packing) sort(existing []Existing) {
	for i := range existing {
		index, ok := p.namer.Index(existing[i].Name)
		if !ok {
			p.misnamed = append(p.misnamed, existing[i].Name)
			continue
		}
		p.used[index] = true
		p.bins = append(p.bins, &bin{index: index, had: existing[i].Entries, rewrite: existing[i].Rewrite})
	}
	slices.Sort(p.misnamed)
	p.sortBins()
}

func (p *packing) sortBins() {
	slices.SortFunc(p.bins, func(a, b *bin) int { return cmp.Compare(a.index, b.index) })
}

// keep fills each bin with what stays in it.
func (p *packing) keep() {
	for _, b := range p.bins {
		p.keepIn(b)
	}
}

func (p *packing) keepIn(b *bin) {
	held := make([]int, 0, len(b.had))
	differs := map[int]bool{}
	for i := range b.had {
		at, wanted := p.position[b.had[i].Digest]
		switch {
		case !wanted:
			b.removed++
		case p.kept[at]:
			b.duplicates++
		default:
			p.kept[at] = true
			held = append(held, at)
			if p.scale.weigh(&b.had[i]).hash != p.weights[at].hash {
				differs[at] = true
			}
		}
	}
	if !slices.IsSorted(held) {
		b.reordered = true
		slices.Sort(held)
	}
	for i, at := range held {
		if !b.fits(p.weights[at].size, p.limits) {
			p.release(b, held[i:])
			break
		}
		b.put(at, p.weights[at].size)
		if differs[at] {
			b.changed++
		}
	}
}

func (p *packing) release(b *bin, positions []int) {
	b.movedAway += len(positions)
	for _, at := range positions {
		p.kept[at] = false
		p.released[at] = true
	}
}

// move gives the released entries lists of their own. Anywhere else they would
// come at the same time as, or later than, the old place loses them.
func (p *packing) move() {
	rest := p.rest(true)
	for len(rest) > 0 {
		before := len(rest)
		b := p.create()
		rest = p.pour(rest, b)
		b.movedHere += before - len(rest)
	}
	p.sortBins()
}

// fill places the entries that are in no list.
func (p *packing) fill() {
	rest := p.rest(false)
	rest = p.add(rest, (*bin).written)
	if !p.addWhole(rest) {
		rest = p.add(rest, func(b *bin) bool { return b.roomy(p.limits) })
		if !p.addWhole(rest) {
			for len(rest) > 0 {
				rest = p.addTo(rest, p.create())
			}
		}
	}
	p.sortBins()
}

// rest returns the positions of entries that no list keeps, either those that
// were released or the others, in the desired order.
func (p *packing) rest(released bool) []int {
	var rest []int
	for at := range p.desired {
		if !p.kept[at] && p.released[at] == released {
			rest = append(rest, at)
		}
	}
	return rest
}

// add puts entries into the bins that qualify, lowest first, and returns what is left.
func (p *packing) add(rest []int, qualifies func(*bin) bool) []int {
	for _, b := range p.bins {
		if len(rest) > 0 && qualifies(b) {
			rest = p.addTo(rest, b)
		}
	}
	return rest
}

// addWhole puts all the entries into the lowest bin that takes them all, if any does.
func (p *packing) addWhole(rest []int) bool {
	bytes := 0
	for _, at := range rest {
		bytes += p.weights[at].size + 1
	}
	for _, b := range p.bins {
		if len(rest) == 0 {
			break
		}
		if b.takes(len(rest), bytes, p.limits) {
			rest = p.addTo(rest, b)
		}
	}
	return len(rest) == 0
}

func (p *packing) addTo(rest []int, b *bin) []int {
	left := p.pour(rest, b)
	b.added += len(rest) - len(left)
	return left
}

// pour moves entries into a bin, first ones first, until the next does not fit.
func (p *packing) pour(rest []int, b *bin) []int {
	for len(rest) > 0 && b.fits(p.weights[rest[0]].size, p.limits) {
		b.put(rest[0], p.weights[rest[0]].size)
		p.kept[rest[0]] = true
		rest = rest[1:]
	}
	return rest
}

// create returns a new bin under the lowest free index. The index of a list that
// is going to be deleted is not free: creating comes first.
func (p *packing) create() *bin {
	for p.used[p.next] {
		p.next++
	}
	b := &bin{index: p.next, created: true}
	p.used[p.next] = true
	p.bins = append(p.bins, b)
	return b
}

func (p *packing) changes() Changes {
	c := Changes{namer: p.namer}
	for _, w := range p.weights {
		c.Hash = c.Hash.Add(w.hash)
	}
	for _, b := range p.bins {
		switch {
		case b.created:
			c.Create = append(c.Create, p.list(b))
		case len(b.holds) == 0:
			c.Delete = append(c.Delete, p.namer.Name(b.index))
		case b.written():
			c.Update = append(c.Update, p.list(b))
		default:
			c.Unchanged++
		}
	}
	c.Delete = append(c.Delete, p.misnamed...)
	c.Misnamed = p.misnamed
	return c
}

func (p *packing) list(b *bin) List {
	slices.Sort(b.holds)
	list := List{
		Name:    p.namer.Name(b.index),
		Entries: make([]v1alpha1.ArtifactEntry, 0, len(b.holds)),
		Reason:  b.reason(),
	}
	for _, at := range b.holds {
		list.Entries = append(list.Entries, p.desired[at])
		list.Hash = list.Hash.Add(p.weights[at].hash)
	}
	return list
}
