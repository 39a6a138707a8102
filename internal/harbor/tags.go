// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// Tag is a tag of an artifact.
type Tag struct {
	ID   int64
	Name string
	// PushTime moves when the tag does.
	PushTime time.Time
	// Immutable is set where Details.Immutability or TagOptions.Immutability was
	// asked for.
	Immutable bool
}

// TagOptions selects a page of tags.
type TagOptions struct {
	PageOptions
	// Immutability asks for Tag.Immutable, which costs Harbor a query for each tag.
	Immutability bool
}

var tags = listing[Tag]{
	key: "id", size: maxPageSize, decode: decodeTag,
	id:    func(t *Tag) int64 { return t.ID },
	named: (*Tag).named,
}

// TagsPage reads a page of the tags of an artifact, given by digest or tag,
// sorted by id. Default page size 100. Unlike a listing of artifacts it fails
// when Harbor cannot read them.
func (c *Client) TagsPage(ctx context.Context, repository, reference string, o TagOptions) (Page[Tag], error) {
	path, err := artifactPath(repository, reference)
	if err != nil {
		return Page[Tag]{}, err
	}
	return tags.page(ctx, c, call{endpoint: "tags.list", path: path + "/tags"}, o.PageOptions, "",
		url.Values{"with_immutable_status": {strconv.FormatBool(o.Immutability)}})
}

// Tags reads all tags of an artifact, without Tag.Immutable.
func (c *Client) Tags(ctx context.Context, repository, reference string) iter.Seq2[*Tag, error] {
	return c.TagsWith(ctx, repository, reference, TagOptions{})
}

// TagsWith reads all pages of tags.
func (c *Client) TagsWith(ctx context.Context, repository, reference string, o TagOptions) iter.Seq2[*Tag, error] {
	return tags.all(o.PageOptions, func(p PageOptions) (Page[Tag], error) {
		return c.TagsPage(ctx, repository, reference, TagOptions{PageOptions: p, Immutability: o.Immutability})
	})
}

func (t *Tag) named() bool { return t.Name != "" }

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
