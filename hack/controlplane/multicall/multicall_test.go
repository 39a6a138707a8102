// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package multicall

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	commands := map[string]bool{"etcd": true, "kubectl": true, "gc": true}
	for _, tt := range []struct {
		about string
		args  []string
		name  string
		rest  []string
	}{
		{"by its own name", []string{"/assets/etcd", "--version"}, "etcd", []string{"/assets/etcd", "--version"}},
		{"by the first argument", []string{"controlplane", "kubectl", "get"}, "kubectl", []string{"kubectl", "get"}},
		{"its own name wins", []string{"kubectl", "etcd"}, "kubectl", []string{"kubectl", "etcd"}},
		{"a later argument is not a name", []string{"controlplane", "-v", "gc"}, "", nil},
		{"unknown", []string{"controlplane", "kubelet"}, "", nil},
		{"no argument", []string{"controlplane"}, "", nil},
		{"nothing at all", nil, "", nil},
	} {
		t.Run(tt.about, func(t *testing.T) {
			name, rest, ok := Choose(commands, tt.args)
			if name != tt.name || !slices.Equal(rest, tt.rest) || ok != (tt.name != "") {
				t.Errorf("Choose(%q) = %q, %q, %v; want %q, %q", tt.args, name, rest, ok, tt.name, tt.rest)
			}
		})
	}
}
