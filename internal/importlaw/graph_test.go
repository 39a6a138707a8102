// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package importlaw

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A rule is one sentence of the law. Its patterns are import paths; one that
// ends in "/..." stands for the path before it and all below it, as for the go
// command.
type rule struct {
	why           string
	binds         []string // the packages under the rule
	except        []string // those among them that are not
	mayImport     []string // if any: the only direct imports, besides the standard library
	mustNotImport []string // no direct import
	mustNotReach  []string // no import, direct or by way of others
}

// graph has the imports of each package.
type graph map[string][]string

// has reports whether a package matches pattern.
func (g graph) has(pattern string) bool {
	for path := range g {
		if matches(path, pattern) {
			return true
		}
	}

	return false
}

// breaches returns what in g breaks the law, sorted, each with the chain of
// imports from the bound package to the one that it must do without.
func (g graph) breaches(law []rule) []string {
	var all []string
	for _, r := range law {
		for _, path := range slices.Sorted(maps.Keys(g)) {
			if !matches(path, r.binds...) || matches(path, r.except...) {
				continue
			}
			for _, chain := range g.broken(path, r) {
				all = append(all, fmt.Sprintf("%s:\n\t%s", r.why, strings.Join(chain, "\n\t-> ")))
			}
		}
	}

	return all
}

// broken returns the chains from path that break r.
func (g graph) broken(path string, r rule) [][]string {
	var chains [][]string
	for _, imported := range g[path] {
		outside := len(r.mayImport) > 0 && !standard(imported) && !matches(imported, r.mayImport...)
		if outside || matches(imported, r.mustNotImport...) {
			chains = append(chains, []string{path, imported})
		}
	}
	for _, chain := range g.chains(path, r.mustNotReach) {
		if !slices.ContainsFunc(chains, func(other []string) bool { return slices.Equal(chain, other) }) {
			chains = append(chains, chain)
		}
	}

	return chains
}

// chains returns the shortest way from path to each package that matches a
// pattern. It goes no further than such a package: what lies behind it would
// repeat the same breach.
func (g graph) chains(path string, patterns []string) [][]string {
	var found [][]string
	seen := map[string]bool{path: true}
	for queue := [][]string{{path}}; len(queue) > 0; queue = queue[1:] {
		chain := queue[0]
		for _, imported := range g[chain[len(chain)-1]] {
			if seen[imported] {
				continue
			}
			seen[imported] = true
			longer := append(slices.Clone(chain), imported)
			if matches(imported, patterns...) {
				found = append(found, longer)
			} else {
				queue = append(queue, longer)
			}
		}
	}

	return found
}

func matches(path string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		root, below := strings.CutSuffix(pattern, "/...")

		return path == root || below && strings.HasPrefix(path, root+"/")
	})
}

// standard reports whether path is of the standard library: by convention, the
// first element of any other path has a dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")

	return !strings.Contains(first, ".")
}
