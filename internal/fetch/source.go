// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// pageSize is the number of artifacts asked for at once: the greatest that
// Harbor allows (422 beyond it). Tests make it smaller.
var pageSize = 100

// pageSize is less where Harbor has been too slow for that.
func (r *run) pageSize() int { return min(pageSize, r.client.PageSize()) }

// source is a listing of artifacts: of a repository, or of some repositories of
// a project.
type source struct {
	run   *run
	size  int    // of a page
	query string // what is read
	list  func(context.Context, harbor.ArtifactOptions) (harbor.Page[harbor.Artifact], error)
}

func artifactID(a *harbor.Artifact) int64 { return a.ID }

func byID(a, b harbor.Artifact) int { return cmp.Compare(a.ID, b.ID) }

// rows reads those artifacts that a query selects.
func (s source) rows(query string, details harbor.Details) rows[harbor.Artifact] {
	return rows[harbor.Artifact]{
		queue: s.run.queue, size: s.size, id: artifactID,
		read: func(ctx context.Context, o harbor.PageOptions) (harbor.Page[harbor.Artifact], error) {
			options := harbor.ArtifactOptions{PageOptions: o, Query: query, Details: details}
			return permitted(func() (harbor.Page[harbor.Artifact], error) { return s.list(ctx, options) })
		},
	}
}

// wanted reads what the request asks for.
func (s source) wanted() rows[harbor.Artifact] { return s.rows(s.query, s.run.req.Details) }

// byIDs reads artifacts whose ids are between those of the first and the last of
// among, and cuts windows there.
func byIDs(r rows[harbor.Artifact], among []harbor.Artifact, then func(context.Context, map[int64]*harbor.Artifact, error)) {
	first, last := among[0].ID, among[len(among)-1].ID
	r.windows(finish, first, last, r.cuts(among), func(ctx context.Context, items []harbor.Artifact, err error) {
		artifacts := make(map[int64]*harbor.Artifact, len(items))
		for i := range items {
			artifacts[items[i].ID] = &items[i]
		}
		then(ctx, artifacts, err)
	})
}
