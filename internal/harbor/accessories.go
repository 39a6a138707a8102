// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"iter"
)

// Accessory is an artifact that refers to another one.
type Accessory struct {
	ID     int64
	Type   string // signature.cosign, sbom.harbor, subject.accessory, ...
	Digest string
	Size   int64 // bytes
}

var accessories = listing[Accessory]{
	key: "id", size: maxPageSize, decode: decodeAccessory,
	id:    func(a *Accessory) int64 { return a.ID },
	named: (*Accessory).named,
}

// AccessoriesPage reads a page of the accessories of an artifact, given by
// digest or tag, sorted by id: without sort, their order is not stable. Default
// page size 100. Unlike a listing of artifacts it fails when Harbor cannot read
// them.
func (c *Client) AccessoriesPage(ctx context.Context, repository, reference string, o PageOptions) (Page[Accessory], error) {
	path, err := artifactPath(repository, reference)
	if err != nil {
		return Page[Accessory]{}, err
	}
	return accessories.page(ctx, c, call{endpoint: "accessories.list", path: path + "/accessories"}, o, "", nil)
}

// Accessories reads all pages.
func (c *Client) Accessories(ctx context.Context, repository, reference string) iter.Seq2[*Accessory, error] {
	return accessories.all(PageOptions{}, func(o PageOptions) (Page[Accessory], error) {
		return c.AccessoriesPage(ctx, repository, reference, o)
	})
}

func (a *Accessory) named() bool { return a.Digest != "" }

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
