// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

func TestSelection(t *testing.T) {
	type list = []string
	for _, c := range []struct {
		name                            string
		projects, repositories, exclude list
		in, out                         list
	}{
		{name: "all", in: list{"p/a", "q/a/b"}, out: list{"noproject", "", "/a", "p/"}},
		{name: "project", projects: list{"p"}, in: list{"p/a"}, out: list{"q/a", "pp/a"}},
		{name: "project pattern", projects: list{"team-*"}, in: list{"team-a/x"}, out: list{"team/x", "a-team-a/x"}},
		{name: "full name", repositories: list{"p/a"}, in: list{"p/a"}, out: list{"q/a", "p/a/b", "p/b"}},
		{name: "bare name", repositories: list{"nginx"}, in: list{"p/nginx", "q/nginx"}, out: list{"p/nginx/x", "p/x/nginx"}},
		{name: "bare name with slash", repositories: list{"web/front"}, in: list{"p/web/front", "web/front"}, out: list{"p/front", "p/web"}},
		{name: "star", repositories: list{"p/*"}, in: list{"p/a"}, out: list{"p/a/b", "q/a"}},
		{name: "star of a bare name", repositories: list{"web-*"}, in: list{"p/web-1"}, out: list{"p/web-1/x"}},
		{name: "double star", repositories: list{"p/**"}, in: list{"p/a", "p/a/b/c"}, out: list{"q/a"}},
		{name: "double star in the middle", repositories: list{"**/charts/*"}, in: list{"p/charts/app", "p/x/charts/app"}, out: list{"p/app"}},
		{name: "question mark", repositories: list{"v?"}, in: list{"p/v1"}, out: list{"p/v", "p/v10", "p/v/"}},
		{name: "class", repositories: list{"v[1-3]"}, in: list{"p/v2"}, out: list{"p/v4"}},
		{name: "negated class", repositories: list{"v[^1-3]"}, in: list{"p/v4"}, out: list{"p/v2"}},
		{name: "braces", repositories: list{"{a,b/c}"}, in: list{"p/a", "p/b/c"}, out: list{"p/b", "p/c"}},
		{name: "intersection", projects: list{"p"}, repositories: list{"a", "q/b"}, in: list{"p/a"}, out: list{"q/a", "q/b", "p/b"}},
		{name: "exclusion", exclude: list{"p/a", "tmp-*"}, in: list{"q/a", "p/b"}, out: list{"p/a", "q/tmp-1"}},
		{name: "exclusion last", repositories: list{"a", "b"}, exclude: list{"a"}, in: list{"p/b"}, out: list{"p/a"}},
		{name: "all excluded", exclude: list{"**"}, out: list{"p/a", "p/a/b"}},
		{name: "case matters", repositories: list{"nginx"}, out: list{"p/NGINX"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := selection(t, c.projects, c.repositories, c.exclude)
			for _, name := range c.in {
				if !s.Repository(name) {
					t.Errorf("%q is not selected", name)
				}
			}
			for _, name := range c.out {
				if s.Repository(name) {
					t.Errorf("%q is selected", name)
				}
			}
		})
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, pattern := range []string{"[", "a[b", "{a,b", "a{", "[]", "a\\"} {
		for i, field := range []string{"projects", "repositories", "excludeRepositories"} {
			var fields [3][]string
			fields[i] = []string{"fine", pattern}
			_, err := fetch.NewSelection(fields[0], fields[1], fields[2])
			if err == nil || !strings.HasPrefix(err.Error(), field+": \"") || !strings.Contains(err.Error(), "close each bracket") {
				t.Errorf("%s %q: error %v", field, pattern, err)
			}
		}
	}
}

func TestNamedProjects(t *testing.T) {
	for _, c := range []struct {
		projects, names []string
		all             bool
	}{
		{nil, nil, false},
		{[]string{"b", "a"}, []string{"a", "b"}, true},
		{[]string{"a", "a"}, []string{"a"}, true},
		{[]string{"a", "b*"}, []string{"a"}, false},
		{[]string{"b?", "[c]", "{d}"}, nil, false},
	} {
		names, all := selection(t, c.projects, nil, nil).NamedProjects()
		if !slices.Equal(names, c.names) || all != c.all {
			t.Errorf("%q: %q, %t", c.projects, names, all)
		}
	}
}

// A selection is not changed by what its maker does to the slices later.
func TestSelectionKeepsItsOwnEntries(t *testing.T) {
	projects := []string{"p"}
	s := selection(t, projects, nil, nil)
	projects[0] = "q"
	if !s.Repository("p/a") || s.Repository("q/a") {
		t.Error("the selection changed")
	}
}

// naive says in other words what a selection means.
func naive(projects, repositories, exclude []string, full string) bool {
	project, bare, ok := strings.Cut(full, "/")
	if !ok || project == "" || bare == "" {
		return false
	}
	named := func(entries []string, names ...string) bool {
		for _, entry := range entries {
			for _, plain := range expand(entry) {
				for _, name := range names {
					if glob(strings.Split(plain, "/"), strings.Split(name, "/")) {
						return true
					}
				}
			}
		}
		return false
	}
	return (len(projects) == 0 || named(projects, project)) &&
		(len(repositories) == 0 || named(repositories, full, bare)) &&
		!named(exclude, full, bare)
}

// expand resolves the first braces, then the others.
func expand(pattern string) []string {
	before, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	inner, after, _ := strings.Cut(rest, "}")
	var all []string
	for choice := range strings.SplitSeq(inner, ",") {
		all = append(all, expand(before+choice+after)...)
	}
	return all
}

// glob matches segment by segment; ** stands for any number of them.
func glob(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		return glob(pattern[1:], name) || len(name) > 0 && glob(pattern, name[1:])
	}
	if len(name) == 0 {
		return false
	}
	ok, _ := path.Match(pattern[0], name[0]) // valid by construction
	return ok && glob(pattern[1:], name[1:])
}

func TestSelectionAgreesWithTheSpecification(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "ab", "ba", "a-1"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "segments"), "/")
	})
	part := rapid.SampledFrom([]string{"a", "b", "ab", "*", "a*", "?", "?b", "[ab]", "[^a]*", "{a,b}", "{a/b,ba}", "a{-1,}"})
	pattern := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(part, rapid.Just("**")), 0, 3).Draw(t, "parts")
		parts = append(parts, part.Draw(t, "last"))                                                 // whether x*/** matches x is the library's secret
		parts = slices.CompactFunc(parts, func(a, b string) bool { return a == "**" && b == "**" }) // two in a row say no more
		return strings.Join(parts, "/")
	})
	project := rapid.SampledFrom([]string{"a", "b", "a*", "?b", "{a,ba}", "**"})
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		projects := rapid.SliceOfN(project, 0, 2).Draw(t, "projects")
		repositories := rapid.SliceOfN(pattern, 0, 3).Draw(t, "repositories")
		exclude := rapid.SliceOfN(pattern, 0, 1).Draw(t, "exclude")
		s := selection(t, projects, repositories, exclude)
		for _, full := range rapid.SliceOfN(name, 1, 12).Draw(t, "names") {
			want := naive(projects, repositories, exclude, full)
			if got := s.Repository(full); got != want {
				t.Fatalf("projects %q, repositories %q, exclude %q: %q is %t, want %t", projects, repositories, exclude, full, got, want)
			}
			if want {
				matched++
			}
		}
	})
	t.Logf("%d names were selected", matched)
}
