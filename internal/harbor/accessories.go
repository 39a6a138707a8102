// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"iter"
	"net/url"
)

// Accessory is an artifact that refers to another one.
type Accessory struct {
	ID     int64
	Type   string // signature.cosign, sbom.harbor, subject.accessory, ...
	Digest string
	Size   int64 // bytes
}

// Accessories reads all accessories of an artifact, given by digest or tag.
// Unlike a listing of artifacts it fails when Harbor cannot read them.
func (c *Client) Accessories(ctx context.Context, repository, reference string) iter.Seq2[*Accessory, error] {
	return all(PageOptions{}, func(a *Accessory) int64 { return a.ID }, func(o PageOptions) (Page[Accessory], error) {
		path, err := repositoryPath(repository)
		if err != nil {
			return Page[Accessory]{}, err
		}
		return readPage(ctx, c, call{
			endpoint: "accessories.list", path: path + "/artifacts/" + url.PathEscape(reference) + "/accessories",
			query: o.values("id", 100, ""),
		}, decodeAccessory)
	})
}

func decodeAccessory(d *decoder, a *Accessory) error {
	return d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&a.ID)
		case "type":
			return d.name(&a.Type)
		case "digest":
			return d.text(&a.Digest)
		case "size":
			return d.number(&a.Size)
		default:
			return d.skip()
		}
	})
}
