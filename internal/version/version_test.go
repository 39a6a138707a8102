// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package version

import (
	"runtime/debug"
	"testing"
)

func TestChoose(t *testing.T) {
	built := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}}
	}
	for _, tt := range []struct {
		about   string
		stamped string
		info    *debug.BuildInfo
		want    string
	}{
		{"stamped by make", "v1.2.3", built("v1.0.0"), "v1.2.3"},
		{"go install module@version", "", built("v1.0.0"), "v1.0.0"},
		{"go build in a checkout", "", built("(devel)"), "dev"},
		{"no module version", "", built(""), "dev"},
		{"no build information", "", nil, "dev"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			if got := choose(tt.stamped, tt.info); got != tt.want {
				t.Errorf("choose(%q) = %q, want %q", tt.stamped, got, tt.want)
			}
		})
	}
}
