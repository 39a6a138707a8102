// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"net/http"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Bounds that the size of a page of artifacts is adapted by. The nginx in front
// of Harbor gives up after 60 s; an index with hundreds of children takes Harbor
// some tenths of a second (goharbor/harbor#18598).
const (
	leastPageSize = 5
	slowPage      = 10 * time.Second
	fastPage      = 2 * time.Second

	// failuresToShrink is how many pages in a row must come too late before the
	// size is halved: one alone may have had a reason of its own.
	failuresToShrink = 2
	// fastToGrow is how many full pages in a row must be fast before it is doubled.
	fastToGrow = 20
)

// pageSizer finds the size of pages that Harbor can make in time.
//
//	| a full page                          | the size                           |
//	|--------------------------------------|------------------------------------|
//	| took more than slowPage              | is halved                          |
//	| timed out, or was a 504, twice       | is halved                          |
//	| was fast, fastToGrow times in a row  | is doubled, up to Harbor's most    |
//	| anything else                        | stays                              |
type pageSizer struct {
	mu           sync.Mutex
	size         int
	fast, failed int
}

func newPageSizer() *pageSizer { return &pageSizer{size: maxPageSize} }

func (p *pageSizer) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// observe takes what became of a request for so many rows; pages smaller than
// the size tell nothing about it.
func (p *pageSizer) observe(o transport.Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Rows < p.size {
		return
	}
	late := o.Failure == transport.FailureTimeout || o.Status == http.StatusGatewayTimeout
	switch {
	case late:
		p.fast = 0
		if p.failed++; p.failed >= failuresToShrink {
			p.shrink()
		}
	case o.Status != http.StatusOK:
	case o.Duration > slowPage:
		p.shrink()
	case o.Duration > fastPage:
		p.fast, p.failed = 0, 0
	default:
		p.failed = 0
		if p.fast++; p.fast >= fastToGrow {
			p.size, p.fast = min(maxPageSize, 2*p.size), 0
		}
	}
}

func (p *pageSizer) shrink() { p.size, p.fast, p.failed = max(leastPageSize, p.size/2), 0, 0 }

// PageSize is the number of artifacts that a page of a listing should hold at
// present, from 5 to 100: less than 100 where Harbor was too slow for that.
func (c *Client) PageSize() int { return c.pages.now() }
