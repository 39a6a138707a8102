// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import "sync"

// Of a [Budget]: what a call adds, where it begins, and its greatest.
const (
	budgetPerCall = 0.5
	budgetStart   = 100
	budgetMost    = 200
)

// Budget bounds retries to a part of the calls, so that a Harbor that fails most
// of them is not asked many times as often as one that does not. Each call adds
// half a retry; there are 100 to begin with, and never more than 200. Where one
// in five requests fails, a call needs a quarter of a retry. The zero value is
// ready for use.
type Budget struct {
	mu    sync.Mutex
	spent float64 // less than budgetStart is left of it
}

// Call notes that a call begins.
func (b *Budget) Call() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(budgetStart-budgetMost, b.spent-budgetPerCall)
}

// Spend takes a retry out; false if there is none left.
func (b *Budget) Spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+1 > budgetStart {
		return false
	}
	b.spent++
	return true
}
