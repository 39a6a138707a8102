// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Tag is a tag of an artifact.
type Tag struct {
	ID   int64
	Name string
	// PushTime moves when the tag does.
	PushTime time.Time
	// Immutable is set where Details.Immutability was asked for.
	Immutable bool
}

// Tags reads all tags of an artifact, given by digest or tag. Unlike a listing
// of artifacts it fails when Harbor cannot read them.
func (c *Client) Tags(ctx context.Context, repository, reference string) iter.Seq2[*Tag, error] {
	return all(PageOptions{}, func(t *Tag) int64 { return t.ID }, func(o PageOptions) (Page[Tag], error) {
		path, err := repositoryPath(repository)
		if err != nil {
			return Page[Tag]{}, err
		}
		return readPage(ctx, c, call{
			endpoint: "tags.list", path: path + "/artifacts/" + url.PathEscape(reference) + "/tags",
			query: o.values("id", 100, ""),
		}, decodeTag)
	})
}

func decodeTag(d *decoder, t *Tag) error {
	return d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&t.ID)
		case "name":
			return d.text(&t.Name)
		case "push_time":
			return d.time(&t.PushTime)
		case "immutable":
			return d.boolean(&t.Immutable)
		default:
			return d.skip()
		}
	})
}
