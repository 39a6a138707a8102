// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Selection says which projects and repositories belong to an inventory.
//
// An entry for repositories matches a repository when it equals, or as a
// pattern matches, its full name or its name without the project. Projects and
// repositories together select the intersection. Exclusion comes last.
// Patterns are those of github.com/bmatcuk/doublestar: * stops at a slash, ** does not.
//
// A Selection does not change; it may be used by several goroutines at once.
type Selection struct {
	projects     []string
	repositories []string
	exclude      []string
}

// NewSelection checks the patterns and returns the selection. Empty projects
// means all, empty repositories too.
func NewSelection(projects, repositories, exclude []string) (*Selection, error) {
	fields := []struct {
		name     string
		patterns []string
	}{{"projects", projects}, {"repositories", repositories}, {"excludeRepositories", exclude}}
	for _, field := range fields {
		for _, p := range field.patterns {
			if !doublestar.ValidatePattern(p) {
				return nil, fmt.Errorf("%s: %q is not a valid pattern: close each bracket and brace, and end with no backslash", field.name, p)
			}
		}
	}
	return &Selection{projects: distinct(projects), repositories: distinct(repositories), exclude: distinct(exclude)}, nil
}

// distinct returns a copy without repetitions: a project named twice is read once.
func distinct(entries []string) []string {
	entries = slices.Clone(entries)
	slices.Sort(entries)
	return slices.Compact(entries)
}

// isPattern tells whether a name holds wildcards.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[{") }

// NamedProjects returns the projects that can be read one by one, and whether
// these are all: false when a pattern, or no restriction at all, asks for a listing.
func (s *Selection) NamedProjects() (names []string, all bool) {
	for _, p := range s.projects {
		if !isPattern(p) {
			names = append(names, p)
		}
	}
	return names, len(names) > 0 && len(names) == len(s.projects)
}

// Project tells whether a project is selected.
func (s *Selection) Project(name string) bool {
	return len(s.projects) == 0 || slices.ContainsFunc(s.projects, func(p string) bool { return matches(p, name) })
}

// Repository tells whether a repository, by its full name, is selected, its
// project included.
func (s *Selection) Repository(full string) bool {
	project, bare, ok := harbor.SplitRepository(full)
	if !ok || !s.Project(project) {
		return false
	}
	selects := func(p string) bool { return matches(p, full, bare) }
	if len(s.repositories) > 0 && !slices.ContainsFunc(s.repositories, selects) {
		return false
	}
	return !slices.ContainsFunc(s.exclude, selects)
}

func matches(entry string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return entry == name || (isPattern(entry) && doublestar.MatchUnvalidated(entry, name))
	})
}

// sightings remembers which entries of a selection have matched something that
// Harbor showed.
type sightings struct {
	selection *Selection

	mu           sync.Mutex
	projects     map[string]bool
	repositories map[string]bool
}

func newSightings(s *Selection) *sightings {
	return &sightings{selection: s, projects: map[string]bool{}, repositories: map[string]bool{}}
}

// project notes that a project exists.
func (s *sightings) project(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.selection.projects {
		if matches(p, name) {
			s.projects[p] = true
		}
	}
}

// repository notes that a repository of a selected project exists. One that is
// excluded again counts too: its name is no mistake.
func (s *sightings) repository(full string) {
	_, bare, _ := harbor.SplitRepository(full)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.selection.repositories {
		if matches(p, full, bare) {
			s.repositories[p] = true
		}
	}
}

// missing returns the entries that matched nothing, sorted. A project named
// without wildcards was asked for by name; patterns and repositories are left
// out when a project could not be listed: they may match something there.
func (s *sightings) missing(unsure bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, p := range s.selection.projects {
		if !s.projects[p] && !(unsure && isPattern(p)) {
			names = append(names, p)
		}
	}
	for _, p := range s.selection.repositories {
		if !s.repositories[p] && !unsure {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
