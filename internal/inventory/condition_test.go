// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

func TestIsWithin(t *testing.T) {
	for _, test := range []struct {
		tag, versions string
		want          bool
	}{
		{"1.4.2", "^1.4", true},
		{"v1.4.2", "^1.4", true},
		{"1.4", "=1.4.0", true},
		{"2", ">=2", true},
		{"1.4.2-rc.1", "^1.4", false},
		{"1.4.2-rc.1", "^1.4-0", true},
		{"1.4.2_build.5", "=1.4.2", true}, // Helm's way to write 1.4.2+build.5
		{"1.4.2-alpine", "^1.4", false},   // to semantic versions a pre-release
		{"latest", "*", false},
		{"sha-0a1b2c", "*", false},
		{"", "*", false},
	} {
		versions, err := versionsOf(test.versions)
		if err != nil {
			t.Fatal(err)
		}
		if got := isWithin(test.tag, versions); got != test.want {
			t.Errorf("%s within %s: %t, want %t", test.tag, test.versions, got, test.want)
		}
	}
}

func TestFilterQuery(t *testing.T) {
	for _, test := range []struct {
		name   string
		filter v1alpha1.ArtifactFilter
		query  string
		want   string
	}{
		{"nothing", v1alpha1.ArtifactFilter{}, "", ""},
		{"tagged", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedExclude}, "", "tags=*"},
		{"untagged", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly}, "", "tags=nil"},
		{"a type", v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CHART"}}, "", "type=CHART"},
		{"two types", v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CHART", "IMAGE"}}, "", ""},
		{"a time", v1alpha1.ArtifactFilter{PushedSince: "2026-01-31T00:00:00Z"}, "", "push_time=[2026-01-31T00:00:00~]"},
		{"a duration", v1alpha1.ArtifactFilter{PushedSince: "1h"}, "", "push_time=[2026-11-23T00:00:00~]"},
		{"all", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly, Types: []v1alpha1.ArtifactType{"WASM"}, PushedSince: "1h"}, "", "tags=nil,type=WASM,push_time=[2026-11-23T00:00:00~]"},
		{
			"no key that the user's query has",
			v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedExclude, Types: []v1alpha1.ArtifactType{"WASM"}},
			"media_type=~x, tags=latest", "type=WASM",
		},
		{
			"what Harbor cannot apply",
			v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "1.x"}, Labels: []v1alpha1.LabelName{"eu"}, Platforms: []v1alpha1.PlatformName{"linux/amd64"}, MinSeverity: "High", Latest: new(int32(1))},
			"", "",
		},
	} {
		filter, err := NewFilter(test.filter, at(60))
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.Query(test.query); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAged(t *testing.T) {
	filter := func(since string) *Filter {
		f, err := NewFilter(v1alpha1.ArtifactFilter{PushedSince: since}, at(60))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, test := range []struct {
		name   string
		since  string
		pushed time.Time
		want   bool
	}{
		{"older", "1h", at(-1), true},
		{"just as old", "1h", at(0), false},
		{"nothing that could age", "1h", time.Time{}, false},
		{"a time does not move on", "2026-11-23T00:00:00Z", at(-1), false},
		{"no such condition", "", at(-1), false},
	} {
		if got := filter(test.since).Aged(test.pushed); got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}
