// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestHead(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string
		more int
	}{
		{"", "", 0},
		{"a\n", "a", 0},
		{"a\nb\nc\n", "a\nb\nc", 0},
		{"a\n\nb\nc\nd\n", "a\n\nb", 2},
	} {
		if got, more := head(tt.text, 3); got != tt.want || more != tt.more {
			t.Errorf("head(%q) = %q and %d more, want %q and %d", tt.text, got, more, tt.want, tt.more)
		}
	}
}
