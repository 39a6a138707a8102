// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the order, there are never more retries than half of the calls and
// those to begin with; and after a call that left none, the next but one has one.
func TestBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Budget
		calls, retries := 0, 0
		for _, call := range rapid.SliceOfN(rapid.Bool(), 0, 600).Draw(t, "calls") {
			if call {
				b.Call()
				calls++
			} else if b.Spend() {
				retries++
			}
			if float64(retries) > budgetStart+budgetPerCall*float64(calls) {
				t.Fatalf("%d retries for %d calls", retries, calls)
			}
		}
		for b.Spend() {
			retries++
		}
		b.Call()
		b.Call()
		if !b.Spend() {
			t.Fatal("two calls bring no retry")
		}
	})
}

func TestBudgetIsBounded(t *testing.T) {
	var b Budget
	for range 10_000 {
		b.Call()
	}
	n := 0
	for b.Spend() {
		n++
	}
	if n != budgetMost {
		t.Errorf("%d retries are saved up, want %d", n, budgetMost)
	}
}
