// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// A picture of nothing is no picture.
func TestDrawnIsComplete(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]string{
		`{"panels": {"Syncs": {"series": 2, "nonzero": true}, "Hints": {"series": 1, "nonzero": true}}}`:  "",
		`{"panels": {"Syncs": {"series": 2, "nonzero": true}, "Hints": {"series": 1, "nonzero": false}}}`: "Hints (1 series)",
		`{"panels": {"Syncs": {"series": 2, "nonzero": true}, "Hints": {"series": 0}}}`:                   "Hints (0 series)",
		`{"panels": {}}`: "of 0 panels",
		`{"error": "TypeError: uPlot is not..."}`: "TypeError",
	} {
		d := &drawn{}
		if err := json.Unmarshal([]byte(told), d); err != nil {
			t.Fatal(err)
		}
		err := d.complete()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", told, err, want)
		}
	}
}
