// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// A project's repositories are read in tiles: ranges of their ids, which together
// cover all ids. A narrow tile reads each wanted repository by its own listing, a
// wide one all of them by the listing of the project, which costs a page for each
// hundred artifacts however many repositories they are in.
//
// | wide listing possible | requests of the tile            | the tile is |
// |-----------------------|---------------------------------|-------------|
// | no                    | -                               | narrow      |
// | yes                   | narrow <= 1.5 x wide            | narrow      |
// | yes                   | wide saves fewer than wideSaves | narrow      |
// | yes                   | else                            | wide        |
//
// The listing is possible from Harbor 2.12 on. It is used from 2.15.2 on, where
// the repositories' update_time tells which of them are the same before and after:
// of an older Harbor's, only a page by itself is known to be of one instant. It
// is not used with a query of the caller's either, for there is no count that its
// rows could be held against.
const (
	// tilePages bounds the artifacts of a wide tile, in pages: 2,000 artifacts, or
	// about 1 MiB. They are held until the tile's repositories are read again.
	tilePages = 20

	// loneShare is the part of a tile's artifacts from which on a repository is
	// read by itself in any case: its pages are nearly all full.
	loneShare = 4
)

// wideSaves is the number of requests that a wide tile must save: it takes two
// more steps one after the other than a repository by itself does. Tests make it
// smaller.
var wideSaves = 20

// tile is a range of a project's repositories.
type tile struct {
	first, last  int64 // ids of repositories, inclusive; 0 is open
	wide         bool
	repositories []harbor.Repository // those wanted, by id
	artifacts    int                 // of all repositories between the first and the last wanted
	all          int                 // repositories in the range
}

// planTiles divides the repositories of a project, given by rising ids.
func planTiles(repositories []harbor.Repository, wanted func(full string) bool, pageSize int, widePossible bool) []tile {
	most := tilePages * pageSize
	var tiles []tile
	var t tile
	skipped := 0              // artifacts of unwanted repositories since the last wanted one
	end := func(next int64) { // the tile ends before the repository with this id
		if len(t.repositories) > 0 {
			t.last = next - 1
			t.wide = widePossible && t.worthWide(pageSize)
			tiles = addTile(tiles, t)
			t = tile{first: next}
		}
		skipped = 0
	}
	for _, r := range repositories {
		lone := r.ArtifactCount > most/loneShare
		if lone || t.artifacts+skipped+r.ArtifactCount > most {
			end(r.ID)
		}
		t.all++
		if !wanted(r.Name) {
			if len(t.repositories) > 0 {
				skipped += r.ArtifactCount
			}
			continue
		}
		t.repositories = append(t.repositories, r)
		t.artifacts += skipped + r.ArtifactCount
		skipped = 0
		if lone {
			end(r.ID + 1)
		}
	}
	t.wide = widePossible && t.worthWide(pageSize)
	return addTile(tiles, t)
}

// worthWide compares the requests of both ways. The wide one reads the
// repositories' entries again.
func (t *tile) worthWide(pageSize int) bool {
	narrow := 0
	for _, r := range t.repositories {
		narrow += max(1, pages(r.ArtifactCount, pageSize))
	}
	wide := pages(t.artifacts, pageSize) + pages(t.all, pageSize)
	return 2*narrow > 3*wide && narrow-wide >= wideSaves
}

func pages(rows, pageSize int) int { return (rows + pageSize - 1) / pageSize }

// addTile puts narrow tiles that follow each other together.
func addTile(tiles []tile, t tile) []tile {
	if len(tiles) > 0 && !t.wide && !tiles[len(tiles)-1].wide {
		last := &tiles[len(tiles)-1]
		last.last = t.last
		last.repositories = append(last.repositories, t.repositories...)
		last.artifacts += t.artifacts
		last.all += t.all
		return tiles
	}
	return append(tiles, t)
}
