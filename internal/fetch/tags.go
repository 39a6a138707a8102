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

// checkTags returns the artifacts with the tags that the listing lacked, without
// those that turned out to be gone, and whether that may differ from the instant of
// the listing.
//
//  1. Find the artifacts whose lack of tags another query does not confirm.
//  2. While they are many, take their tags from further listings: Harbor leaves
//     out, it does not invent.
//  3. Read the tags of each of the few that remain from the endpoint that
//     reports its errors.
func (l *listing) checkTags(ctx context.Context, artifacts []harbor.Artifact) (checked []harbor.Artifact, changed bool, err error) {
	if !l.run.req.Details.Tags {
		return artifacts, false, nil
	}
	// 1.
	doubted, err := l.doubtedTags(ctx, artifacts)
	if err != nil || len(doubted) == 0 {
		// In trouble, one that is without tags now may have lost them since.
		return artifacts, l.run.client.Troubled() && slices.ContainsFunc(artifacts, isUntagged), err
	}
	// 2.
	for range tagReadings {
		if len(doubted) <= singleReads {
			break
		}
		again, err := l.readAgain(ctx, doubted[0].ID, doubted[len(doubted)-1].ID)
		if err != nil {
			return nil, false, err
		}
		doubted = slices.DeleteFunc(doubted, func(a *harbor.Artifact) bool {
			if other := again[a.ID]; other != nil {
				a.Tags = other.Tags
			}
			return !isUntagged(*a)
		})
	}
	if len(doubted) > singleReads {
		return nil, false, errPartial
	}
	// 3.
	gone := map[int64]bool{}
	for _, a := range doubted {
		a.Tags, err = permitted(func() ([]harbor.Tag, error) { return l.tagsOf(ctx, a.Digest) })
		switch {
		case errors.Is(err, harbor.ErrNotFound):
			gone[a.ID] = true
		case err != nil:
			return nil, false, err
		}
	}
	return slices.DeleteFunc(artifacts, func(a harbor.Artifact) bool { return gone[a.ID] }), true, nil
}

// doubtedTags returns the artifacts without tags that Harbor does not select as
// such. Of more than a page, their number will do while it shows no trouble.
func (l *listing) doubtedTags(ctx context.Context, artifacts []harbor.Artifact) ([]*harbor.Artifact, error) {
	var untagged []*harbor.Artifact
	for i := range artifacts {
		if isUntagged(artifacts[i]) {
			untagged = append(untagged, &artifacts[i])
		}
	}
	query, ok := untaggedQuery(l.run.req.Query)
	if !ok || len(untagged) == 0 {
		return untagged, nil
	}
	// Within these ids, what is pushed from now on does not count.
	o := harbor.ArtifactOptions{Query: query}
	o.FromID, o.ToID = untagged[0].ID, untagged[len(untagged)-1].ID
	if len(untagged) > l.size && !l.run.client.Troubled() {
		one := o
		one.PageSize = 1
		page, err := l.pageOf(ctx, one)
		if err != nil {
			return nil, err
		}
		if page.Total == len(untagged) {
			return nil, nil
		}
	}
	confirmed, err := l.byIDs(ctx, o)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(untagged, func(a *harbor.Artifact) bool { return confirmed[a.ID] != nil }), nil
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

// readAgain reads the artifacts with these ids once more, in a row.
func (l *listing) readAgain(ctx context.Context, from, to int64) (map[int64]*harbor.Artifact, error) {
	o := harbor.ArtifactOptions{Query: l.run.req.Query, Details: l.run.req.Details}
	o.FromID, o.ToID = from, to
	return l.byIDs(ctx, o)
}

func (l *listing) byIDs(ctx context.Context, o harbor.ArtifactOptions) (map[int64]*harbor.Artifact, error) {
	o.PageSize = l.size
	return permitted(func() (map[int64]*harbor.Artifact, error) {
		artifacts := map[int64]*harbor.Artifact{}
		for a, err := range l.run.client.Artifacts(ctx, l.repository.Name, o) {
			if err != nil {
				return nil, err
			}
			artifacts[a.ID] = a
		}
		return artifacts, nil
	})
}
