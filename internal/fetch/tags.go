// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// singleReads bounds how many artifacts of one listing are read one by one.
const singleReads = 100

// tagReadings is how often a listing that lacks the tags of more artifacts than
// that is read again.
const tagReadings = 3

// untaggedQuery selects the artifacts without tags among those of a query. There
// is none where the query is about tags itself: of two conditions on one key
// Harbor keeps one.
func untaggedQuery(query string) (string, bool) {
	const untagged = "tags=nil"
	if query == "" {
		return untagged, true
	}
	for condition := range strings.SplitSeq(query, ",") {
		if key, value, _ := strings.Cut(strings.TrimSpace(condition), "="); strings.TrimSpace(key) == "tags" {
			return query, strings.TrimSpace(value) == "nil"
		}
	}
	return query + "," + untagged, true
}

func isUntagged(a harbor.Artifact) bool { return len(a.Tags) == 0 }

// checkTags hands on the artifacts with the tags that the listing lacked, without
// those that turned out to be gone, and whether that may differ from the instant of
// the listing.
//
//  1. Find the artifacts whose lack of tags another query does not confirm.
//  2. While they are many, take their tags from further listings: Harbor leaves
//     out, it does not invent.
//  3. Read the tags of each of the few that remain from the endpoint that
//     reports its errors.
func (l *listing) checkTags(ctx context.Context, artifacts []harbor.Artifact, then func(_ context.Context, checked []harbor.Artifact, changed bool, err error)) {
	if !l.run.req.Details.Tags {
		then(ctx, artifacts, false, nil)
		return
	}
	// 1.
	l.doubtedTags(ctx, artifacts, l.query, func(ctx context.Context, doubted []*harbor.Artifact, err error) {
		if err != nil || len(doubted) == 0 {
			// In trouble, one that is without tags now may have lost them since.
			then(ctx, artifacts, l.run.client.Troubled() && slices.ContainsFunc(artifacts, isUntagged), err)
			return
		}
		// 2.
		l.fillTags(ctx, artifacts, doubted, tagReadings, func(ctx context.Context, doubted []*harbor.Artifact, err error) {
			if err != nil {
				then(ctx, nil, false, err)
				return
			}
			// 3.
			l.readTags(doubted, func(ctx context.Context, gone map[int64]bool, err error) {
				left := slices.DeleteFunc(artifacts, func(a harbor.Artifact) bool { return gone[a.ID] })
				then(ctx, left, true, err)
			})
		})
	})
}

// doubtedTags hands on the artifacts without tags that Harbor, asked for those
// among a query's, does not select as such. Of more than a page, their number
// will do while it shows no trouble.
func (s source) doubtedTags(ctx context.Context, artifacts []harbor.Artifact, query string, then func(context.Context, []*harbor.Artifact, error)) {
	var untagged []*harbor.Artifact
	for i := range artifacts {
		if isUntagged(artifacts[i]) {
			untagged = append(untagged, &artifacts[i])
		}
	}
	query, ok := untaggedQuery(query)
	if !ok || len(untagged) == 0 {
		then(ctx, untagged, nil)
		return
	}
	rows := s.rows(query, harbor.Details{})
	if len(untagged) > s.size && !s.run.client.Troubled() {
		// Within these ids, what is pushed from now on does not count.
		first, last := untagged[0].ID, untagged[len(untagged)-1].ID
		page, err := rows.page(ctx, harbor.PageOptions{FromID: first, ToID: last, PageSize: 1})
		if err != nil || page.Total == len(untagged) {
			then(ctx, nil, err)
			return
		}
	}
	among := make([]harbor.Artifact, len(untagged))
	for i := range untagged {
		among[i].ID = untagged[i].ID
	}
	byIDs(rows, among, func(ctx context.Context, confirmed map[int64]*harbor.Artifact, err error) {
		then(ctx, slices.DeleteFunc(untagged, func(a *harbor.Artifact) bool { return confirmed[a.ID] != nil }), err)
	})
}

// fillTags reads the doubted ones among the artifacts so many times more, and
// hands on those that are doubted still: few, or it fails.
func (l *listing) fillTags(ctx context.Context, artifacts []harbor.Artifact, doubted []*harbor.Artifact, readings int, then func(context.Context, []*harbor.Artifact, error)) {
	switch {
	case len(doubted) <= singleReads:
		then(ctx, doubted, nil)
		return
	case readings == 0:
		then(ctx, nil, errPartial)
		return
	}
	between := idsBetween(artifacts, doubted[0].ID, doubted[len(doubted)-1].ID)
	byIDs(l.wanted(), between, func(ctx context.Context, again map[int64]*harbor.Artifact, err error) {
		if err != nil {
			then(ctx, nil, err)
			return
		}
		doubted = slices.DeleteFunc(doubted, func(a *harbor.Artifact) bool {
			if other := again[a.ID]; other != nil {
				a.Tags = other.Tags
			}
			return !isUntagged(*a)
		})
		l.fillTags(ctx, artifacts, doubted, readings-1, then)
	})
}

// idsBetween returns the artifacts with ids from first to last. Theirs rise.
func idsBetween(artifacts []harbor.Artifact, first, last int64) []harbor.Artifact {
	at := func(id int64) int {
		i, _ := slices.BinarySearchFunc(artifacts, harbor.Artifact{ID: id}, byID)
		return i
	}
	return artifacts[at(first):at(last+1)]
}

// readTags reads the tags of each, side by side, and hands on which are gone.
func (l *listing) readTags(doubted []*harbor.Artifact, then func(_ context.Context, gone map[int64]bool, err error)) {
	missing := make([]bool, len(doubted))
	var failed firstError
	l.run.queue.each(finish, len(doubted), func(ctx context.Context, i int) {
		tags, err := permitted(func() ([]harbor.Tag, error) { return l.tagsOf(ctx, doubted[i].Digest) })
		if missing[i] = errors.Is(err, harbor.ErrNotFound); !missing[i] {
			doubted[i].Tags = tags
			failed.note(err)
		}
	}, func(ctx context.Context) {
		gone := map[int64]bool{}
		for i, a := range doubted {
			gone[a.ID] = missing[i]
		}
		then(ctx, gone, failed.get())
	})
}

func (l *listing) tagsOf(ctx context.Context, digest string) ([]harbor.Tag, error) {
	var tags []harbor.Tag
	options := harbor.TagOptions{Immutability: l.run.req.Details.Immutability}
	for tag, err := range l.run.client.TagsWith(ctx, l.repository.Name, digest, options) {
		if err != nil {
			return nil, err
		}
		tags = append(tags, *tag)
	}
	return tags, nil
}
