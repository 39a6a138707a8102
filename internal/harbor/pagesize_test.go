// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

func TestPageSize(t *testing.T) {
	fast := transport.Observation{Status: 200, Duration: 100 * time.Millisecond}
	medium := transport.Observation{Status: 200, Duration: 5 * time.Second}
	slow := transport.Observation{Status: 200, Duration: 11 * time.Second}
	late := transport.Observation{Status: 504, Duration: time.Minute}
	silent := transport.Observation{Failure: transport.FailureTimeout, Duration: time.Minute}
	broken := transport.Observation{Status: 500}
	for _, c := range []struct {
		name string
		seen []transport.Observation
		want int
	}{
		{"nothing", nil, 100},
		{"slow pages", []transport.Observation{slow, slow}, 25},
		{"one page too late", []transport.Observation{late, medium, silent, medium}, 100},
		{"two in a row", []transport.Observation{late, silent}, 50},
		{"errors of another kind", slices.Repeat([]transport.Observation{broken}, 10), 100},
		{"never below the least", slices.Repeat([]transport.Observation{silent}, 100), leastPageSize},
		{"recovered", append([]transport.Observation{slow, slow}, slices.Repeat([]transport.Observation{fast}, 2*fastToGrow)...), 100},
		{"not yet recovered", append([]transport.Observation{slow, slow}, slices.Repeat([]transport.Observation{fast}, 2*fastToGrow-1)...), 50},
		{"interrupted", append(append([]transport.Observation{slow}, slices.Repeat([]transport.Observation{fast}, fastToGrow-1)...), medium, fast), 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPageSizer()
			for _, o := range c.seen {
				o.Rows = p.now()
				p.observe(o)
			}
			if got := p.now(); got != c.want {
				t.Errorf("size %d, want %d", got, c.want)
			}
		})
	}
}

func TestPageSizeIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPageSizer()
		for range rapid.IntRange(0, 200).Draw(t, "pages") {
			before := p.now()
			o := transport.Observation{
				Rows: rapid.IntRange(0, 100).Draw(t, "rows"), Status: rapid.SampledFrom([]int{0, 200, 504}).Draw(t, "status"),
				Duration: time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "took")),
			}
			p.observe(o)
			now := p.now()
			if now < leastPageSize || now > maxPageSize || o.Rows < before && now != before {
				t.Fatalf("%+v: from %d to %d", o, before, now)
			}
		}
	})
}
