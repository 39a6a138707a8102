// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// MaxNamed bounds the digests that [Named] asks for: its request has one line of
// some 1,500 bytes then.
const MaxNamed = 16

var errNotAsked = errors.New("the answer has artifacts that were not asked for")

// Named reads, with one request, those of a repository's artifacts that have one
// of these digests, at most MaxNamed, and that Harbor lists now: accessories and
// untagged children of an index are not among them. An artifact that is missing
// may be gone, or the whole repository; that its tags or labels are missing may be
// a failure of Harbor's own.
func Named(ctx context.Context, client *harbor.Client, repository string, digests []string, details harbor.Details) ([]harbor.Artifact, error) {
	page, err := permitted(func() (harbor.Page[harbor.Artifact], error) {
		return client.ArtifactsPage(ctx, repository, harbor.ArtifactOptions{
			PageOptions: harbor.PageOptions{PageSize: pageSize}, Query: harbor.DigestQuery(digests), Details: details,
		})
	})
	if err != nil {
		return nil, err
	}
	// Harbor leaves out conditions that it does not know.
	if !page.Last || slices.ContainsFunc(page.Items, func(a harbor.Artifact) bool { return !slices.Contains(digests, a.Digest) }) {
		return nil, errNotAsked
	}
	return page.Items, nil
}
