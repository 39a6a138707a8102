// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"slices"
	"testing"
)

func TestMissing(t *testing.T) {
	all := func(s *sightings) {
		s.project("library")
		s.project("team-a")
		s.repository("library/nginx")
		s.repository("team-a/web/front")
	}
	for _, c := range []struct {
		name                   string
		projects, repositories []string
		seen                   func(*sightings)
		unsure                 bool
		want                   []string
	}{
		{name: "nothing asked for", seen: all},
		{name: "all there", projects: []string{"library", "team-*"}, repositories: []string{"nginx", "team-a/web/*", "web/front"}, seen: all},
		{
			name: "missing, sorted", projects: []string{"z", "library", "y*"}, repositories: []string{"redis", "library/redis", "nginx"},
			seen: all, want: []string{"library/redis", "redis", "y*", "z"},
		},
		{name: "a star stops at a slash", repositories: []string{"*", "team-a/*"}, seen: all, want: []string{"team-a/*"}},
		{name: "once where twice", projects: []string{"z"}, repositories: []string{"z"}, seen: all, want: []string{"z"}},
		{name: "unsure: only what was asked for by name", projects: []string{"z", "y*"}, repositories: []string{"redis"}, seen: all, unsure: true, want: []string{"z"}},
		{name: "nothing seen", projects: []string{"a"}, repositories: []string{"b"}, seen: func(*sightings) {}, want: []string{"a", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			selection, err := NewSelection(c.projects, c.repositories, []string{"**"})
			if err != nil {
				t.Fatal(err)
			}
			s := newSightings(selection)
			c.seen(s)
			if got := s.missing(c.unsure); !slices.Equal(got, c.want) {
				t.Errorf("missing %q, want %q", got, c.want)
			}
		})
	}
}

func TestUntaggedQuery(t *testing.T) {
	for _, c := range []struct {
		query, want string
		ok          bool
	}{
		{"", "tags=nil", true},
		{"type=IMAGE", "type=IMAGE,tags=nil", true},
		{"annotations=~tags=nil", "annotations=~tags=nil,tags=nil", true},
		{"tags=nil", "tags=nil", true},
		{"type=IMAGE, tags = nil", "type=IMAGE, tags = nil", true},
		{"tags=*", "tags=*", false},
		{"type=IMAGE,tags=~v1", "type=IMAGE,tags=~v1", false},
		{"tags=v1", "tags=v1", false},
	} {
		if got, ok := untaggedQuery(c.query); got != c.want || ok != c.ok {
			t.Errorf("%q: %q, %t; want %q, %t", c.query, got, ok, c.want, c.ok)
		}
	}
}
