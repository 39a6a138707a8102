// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// perRequest bounds the digests that one request of [Named.Read] asks for: it has
// one line of some 4,400 bytes then, of the 8 KiB that nginx takes by default.
const perRequest = 50

// extraRequests is what a repository of several pages takes besides these when it
// is read as a whole: its entry before and after.
const extraRequests = 2

var errNotAsked = errors.New("the answer has artifacts that were not asked for")

// Named asks for those of a repository's artifacts that have one of these digests.
type Named struct {
	// Repository is the full name, and ID the repository's id: one that was deleted
	// and made again has another.
	Repository string
	ID         int64

	Digests []string
	// Witness is the digest of another artifact that Harbor should list; empty if
	// there is none. That it does shows, where all of the others are gone, that the
	// repository is there and that Harbor took the condition as it was meant.
	Witness string
	// Listed is how many artifacts the repository should have.
	Listed int

	Details harbor.Details
}

// Answer is what Harbor lists of the artifacts that a [Named] asks for.
type Answer struct {
	// Artifacts that Harbor lists: accessories and untagged children of an index are
	// not among them. That tags or labels are missing may be a failure of Harbor's own.
	Artifacts []harbor.Artifact

	// Complete tells that Harbor does not list any of the others. What a listing
	// shows is one query of Harbor's, which fails as a whole (seen: the number of
	// artifacts was right in each of 824 answers of a Harbor short of database
	// connections). So an artifact is not listed that is missing where an answer
	// shows another one of the same repository, is the only page, and has as many
	// artifacts as Harbor counted by another query; and no answer has told of
	// trouble. One request proves nothing that shows no artifact at all: a
	// repository that does not exist is listed as empty.
	Complete bool
}

// Spares tells whether it takes fewer requests to ask for these artifacts than to
// read the repository as a whole.
func (n Named) Spares() bool {
	return n.onePage() || n.requests() <= max(1, pages(n.Listed, pageSize))+extraRequests
}

func (n Named) requests() int { return pages(len(n.Digests), perRequest) }

// onePage tells whether they are more than one request asks for, and all artifacts
// fit on a page, with room to show that it is the last one.
func (n Named) onePage() bool { return n.requests() > 1 && n.Listed < pageSize }

// Read asks Harbor: with one request for up to 50 digests, side by side, or with
// one for all artifacts where they fit on a page and the digests are more.
func (n Named) Read(ctx context.Context, client *harbor.Client) (Answer, error) {
	size := perRequest
	if n.onePage() {
		size = len(n.Digests)
	}
	parts := slices.Collect(slices.Chunk(n.Digests, size))
	answers := make([]Answer, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	for i, digests := range parts {
		group.Go(func() (err error) {
			answers[i], err = n.ask(ctx, client, digests)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Answer{}, err
	}
	all := Answer{Complete: !client.Troubled()}
	for _, a := range answers {
		all.Artifacts = append(all.Artifacts, a.Artifacts...)
		all.Complete = all.Complete && a.Complete
	}
	return all, nil
}

// query selects these digests and the witness; nothing is left out where all
// artifacts fit on a page.
func (n Named) query(digests []string) string {
	switch {
	case n.onePage():
		return ""
	case n.Witness == "":
		return harbor.DigestQuery(digests)
	default:
		return harbor.DigestQuery(slices.Concat(digests, []string{n.Witness}))
	}
}

// ask makes one request, and leaves out of the answer what is not asked for.
func (n Named) ask(ctx context.Context, client *harbor.Client, digests []string) (Answer, error) {
	query := n.query(digests)
	page, err := permitted(func() (harbor.Page[harbor.Artifact], error) {
		return client.ArtifactsPage(ctx, n.Repository, harbor.ArtifactOptions{
			PageOptions: harbor.PageOptions{PageSize: pageSize}, Query: query, Details: n.Details,
		})
	})
	if err != nil {
		return Answer{}, err
	}
	asked := func(a harbor.Artifact) bool { return slices.Contains(digests, a.Digest) }
	// Harbor leaves out conditions that it does not know.
	if !page.Last || slices.ContainsFunc(page.Items, func(a harbor.Artifact) bool {
		return a.RepositoryID != n.ID || query != "" && a.Digest != n.Witness && !asked(a)
	}) {
		return Answer{}, errNotAsked
	}
	complete := len(page.Items) > 0 && page.Total == len(page.Items)
	return Answer{
		Artifacts: slices.DeleteFunc(page.Items, func(a harbor.Artifact) bool { return !asked(a) }), Complete: complete,
	}, nil
}
