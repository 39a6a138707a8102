// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package importlaw

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestBreaches holds the checker to a small module, in which pure may import
// std and lib, and app is the only one that may have the client.
func TestBreaches(t *testing.T) {
	sound := graph{
		"x.org/app":        {"x.org/pure", "x.org/client", "fmt"},
		"x.org/app/sub":    {"x.org/client"},
		"x.org/pure":       {"fmt", "x.org/lib"},
		"x.org/pure/parts": {"x.org/pure"},
		"x.org/purely":     {"x.org/other"}, // not below x.org/pure
		"x.org/lib":        {"fmt", "x.org/lib/deep"},
		"x.org/lib/deep":   {"x.org/other"},
		"x.org/client":     {"x.org/client/wire"},
		"fmt":              {"internal/fmtsort"},
	}
	law := []rule{{
		why:          "pure is pure",
		binds:        []string{"x.org/pure/..."},
		mayImport:    []string{"x.org/pure/...", "x.org/lib"},
		mustNotReach: []string{"x.org/client/..."},
	}, {
		why:           "only app has the client",
		binds:         []string{"x.org/..."},
		except:        []string{"x.org/app/...", "x.org/client/..."},
		mustNotImport: []string{"x.org/client"},
	}}

	for _, tt := range []struct {
		about string
		add   graph
		want  []string // the chains of the breaches
	}{
		{"sound", nil, nil},
		{"a direct import that is not allowed", graph{"x.org/pure": {"x.org/other"}}, []string{
			"pure is pure: x.org/pure -> x.org/other",
		}},
		{"a direct import, in two rules", graph{"x.org/pure/parts": {"x.org/client"}}, []string{
			"pure is pure: x.org/pure/parts -> x.org/client",
			"only app has the client: x.org/pure/parts -> x.org/client",
		}},
		{"by way of others, the shortest", graph{
			"x.org/lib":      {"x.org/lib/deep", "x.org/near"},
			"x.org/lib/deep": {"x.org/far"},
			"x.org/far":      {"x.org/farther"},
			"x.org/farther":  {"x.org/client/wire"},
			"x.org/near":     {"x.org/client/wire"},
		}, []string{
			"pure is pure: x.org/pure -> x.org/lib -> x.org/near -> x.org/client/wire",
			"pure is pure: x.org/pure/parts -> x.org/pure -> x.org/lib -> x.org/near -> x.org/client/wire",
		}},
		{"a circle ends", graph{"x.org/lib": {"x.org/pure"}}, nil},
		{"an exception is for its own package alone", graph{"x.org/lib": {"x.org/app"}}, []string{
			"pure is pure: x.org/pure -> x.org/lib -> x.org/app -> x.org/client",
			"pure is pure: x.org/pure/parts -> x.org/pure -> x.org/lib -> x.org/app -> x.org/client",
		}},
		{"a path that only begins alike is another path", graph{"x.org/lib": {"x.org/clientele"}}, nil},
	} {
		t.Run(tt.about, func(t *testing.T) {
			g := maps.Clone(sound)
			maps.Copy(g, tt.add)
			var got []string
			for _, breach := range g.breaches(law) {
				got = append(got, strings.ReplaceAll(breach, "\n\t", " "))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("breaches:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestHas(t *testing.T) {
	g := graph{"x.org/a/b": nil}
	for pattern, want := range map[string]bool{
		"x.org/a/b": true, "x.org/a/...": true, "x.org/a/b/...": true, "x.org/a": false, "x.org/a/b/c/...": false, "x.org/...": true,
	} {
		if got := g.has(pattern); got != want {
			t.Errorf("has(%q) = %v, want %v", pattern, got, want)
		}
	}
}
