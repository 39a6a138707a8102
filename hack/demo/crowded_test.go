// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

func TestCrowded(t *testing.T) {
	tagged := func(repository string) testbed.Artifact {
		return testbed.Artifact{Repository: repository, Digest: "d", Tags: []string{"x"}}
	}
	a, b := tagged("p/a"), tagged("p/b")
	untagged := testbed.Artifact{Repository: "p/c", Digest: "d"}
	for want, held := range map[string][]testbed.Artifact{
		"":    {untagged},
		"p/a": {b, a, untagged, untagged},
		"p/b": {b, a, b, untagged, untagged, untagged},
	} {
		if got := crowded(held); got != want {
			t.Errorf("crowded(%v) = %q, want %q", held, got, want)
		}
	}
}
