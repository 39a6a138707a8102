// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// repositoriesOf makes repositories with ids 10, 20, ... and so many artifacts.
// A negative number is of one that is not wanted.
func repositoriesOf(counts ...int) (repositories []harbor.Repository, wanted func(string) bool) {
	unwanted := map[string]bool{}
	for i, n := range counts {
		r := harbor.Repository{ID: int64(10 * (i + 1)), Name: fmt.Sprintf("p/r%d", i), ArtifactCount: max(n, -n)}
		unwanted[r.Name] = n < 0
		repositories = append(repositories, r)
	}
	return repositories, func(name string) bool { return !unwanted[name] }
}

func TestPlanTiles(t *testing.T) {
	many := func(n, artifacts int) []int { return slices.Repeat([]int{artifacts}, n) }
	for _, c := range []struct {
		name       string
		counts     []int
		impossible bool
		want       string // first-last kind: repositories wanted/artifacts
	}{
		{name: "an empty project", want: "0-0 narrow: 0/0"},
		{name: "a few", counts: many(20, 5), want: "0-0 narrow: 20/100"},
		{name: "saves 19 requests", counts: many(21, 4), want: "0-0 narrow: 21/84"},
		{name: "saves 20 requests", counts: many(22, 4), want: "0-0 wide: 22/88"},
		{name: "not possible", counts: many(1000, 5), impossible: true, want: "0-0 narrow: 1000/5000"},
		{name: "full pages", counts: many(200, 100), want: "0-0 narrow: 200/20000"},
		{name: "half full pages", counts: many(40, 50), want: "0-0 narrow: 40/2000"},
		{name: "pages a third full", counts: many(60, 33), want: "0-0 wide: 60/1980"},
		{name: "empty ones", counts: many(400, 0), want: "0-0 wide: 400/0"},
		{name: "as many tiles as hold them", counts: many(1000, 5), want: "0-4009 wide: 400/2000, 4010-8009 wide: 400/2000, 8010-0 wide: 200/1000"},
		{
			name: "a large one among small ones", counts: slices.Concat(many(100, 5), []int{50000}, many(100, 5)),
			want: "0-1009 wide: 100/500, 1010-1010 narrow: 1/50000, 1011-0 wide: 100/500",
		},
		{name: "large ones together", counts: []int{3000, 700, 501, 500}, want: "0-0 narrow: 4/4701"},
		{name: "none wanted", counts: many(300, -5), want: "0-0 narrow: 0/0"},
		{name: "few wanted", counts: slices.Concat([]int{5}, many(300, -5), []int{5}), want: "0-0 narrow: 2/1510"},
		{name: "unwanted ones at the ends", counts: slices.Concat(many(1, -499), many(30, 5), many(1, -499)), want: "0-0 wide: 30/150"},
		{
			name: "a large unwanted one", counts: slices.Concat(many(30, 5), many(1, -5000), many(30, 5)),
			want: "0-309 wide: 30/150, 310-0 wide: 30/150",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			repositories, wanted := repositoriesOf(c.counts...)
			var got []string
			for _, tile := range planTiles(repositories, wanted, 100, !c.impossible) {
				kind := map[bool]string{true: "wide", false: "narrow"}[tile.wide]
				got = append(got, fmt.Sprintf("%d-%d %s: %d/%d", tile.first, tile.last, kind, len(tile.repositories), tile.artifacts))
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("tiles %s\n want %s", got, c.want)
			}
		})
	}
}

// Whatever a project holds, its tiles cover all ids in a row, each wanted
// repository is in one, wide tiles are bounded, and no project costs more than
// reading each repository by itself.
func TestTilesCoverAProject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.IntRange(-30, 30), rapid.IntRange(0, 3000))
		counts := rapid.SliceOfN(count, 0, 400).Draw(t, "counts")
		size := rapid.SampledFrom([]int{7, 50, 100}).Draw(t, "page size")
		repositories, wanted := repositoriesOf(counts...)
		var next int64
		var got, want []string
		requests, narrow := 0, 0
		tiles := planTiles(repositories, wanted, size, true)
		for i, tile := range tiles {
			if tile.first != next || (tile.last == 0) != (i == len(tiles)-1) {
				t.Fatalf("tile %d: %d-%d, after %d", i, tile.first, tile.last, next)
			}
			next = tile.last + 1
			for _, r := range tile.repositories {
				got = append(got, r.Name)
				if r.ID < tile.first || tile.last != 0 && r.ID > tile.last {
					t.Fatalf("%d is not in %d-%d", r.ID, tile.first, tile.last)
				}
				if !tile.wide {
					requests += max(1, pages(r.ArtifactCount, size))
				}
			}
			if tile.wide {
				requests += pages(tile.artifacts, size) + pages(tile.all, size)
				if tile.artifacts > tilePages*size {
					t.Fatalf("a wide tile of %d artifacts", tile.artifacts)
				}
			}
		}
		for _, r := range repositories {
			if wanted(r.Name) {
				want = append(want, r.Name)
				narrow += max(1, pages(r.ArtifactCount, size))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in tiles %q, want %q", got, want)
		}
		if requests > narrow {
			t.Fatalf("%d requests, %d for each repository by itself", requests, narrow)
		}
	})
}

func TestWorthTogether(t *testing.T) {
	for _, c := range []struct {
		name     string
		selected []int // repositories of each selected project
		others   int   // repositories of the others
		want     bool
	}{
		{"nothing selected", nil, 10, false},
		{"one small project is all", []int{3}, 0, false},
		{"two small projects are all", []int{3, 3}, 0, true},
		{"empty projects", []int{0, 0, 0}, 0, true},
		{"full pages", []int{100, 200}, 0, false},
		{"pages hardly filled", []int{101, 201}, 0, true},
		{"a small part", []int{10, 10}, 200, false},
		{"half", []int{10, 10, 10}, 30, true},
		{"20 projects of 500", slices.Repeat([]int{500}, 20), 0, false},
		{"20 projects of 480", slices.Repeat([]int{480}, 20), 0, true},
		{"500 projects of 20", slices.Repeat([]int{20}, 500), 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := c.others
			var selected []harbor.Project
			for _, n := range c.selected {
				selected = append(selected, harbor.Project{RepoCount: n})
				all += n
			}
			if got := worthTogether(selected, all, 100); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}
