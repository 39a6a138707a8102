// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestSince(t *testing.T) {
	before := snapshot{"secrets a robot": "Secret", "namespaces  a": "Namespace"}
	for _, c := range []struct {
		after snapshot
		want  string
	}{
		{before, "nothing"},
		{snapshot{}, "nothing"},
		{snapshot{"secrets a robot": "Secret", "secrets b robot": "Secret", "secrets b other": "Secret", "roles a r": "Role"}, "1 Role, 2 Secret"},
	} {
		if got := c.after.since(before).String(); got != c.want {
			t.Errorf("%v: %q, want %q", c.after, got, c.want)
		}
	}
}
