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

// singleReads bounds how many artifacts of one listing are read one by one;
// beyond it the listing starts over.
const singleReads = 100

// checkAndEmit asks Harbor for what its listing may have kept back, and hands
// the repository on. Harbor only logs the errors of the queries behind tags,
// labels and accessories, and answers 200 without them (seen: 68 of 661 pages
// while its database was short of connections).
//
//  1. An empty listing: a repository that does not exist is listed as empty
//     too, so it is asked for by name.
//  2. Artifacts without tags: their number must be that of the query tags=nil,
//     which fails when Harbor's database does. Otherwise the tags of each are
//     read from the endpoint that reports errors.
//  3. Labels and accessories: absence is doubted while Harbor shows signs of
//     trouble; see confirmDetails.
func (l *listing) checkAndEmit(ctx context.Context, artifacts []harbor.Artifact, verified bool) {
	// 1.
	if len(artifacts) == 0 {
		l.emitEmpty(ctx, verified)
		return
	}
	// 2.
	artifacts, err := l.checkTags(ctx, artifacts)
	if err != nil {
		l.doubt(ctx, err)
		return
	}
	// 3.
	if err := l.confirmDetails(ctx, artifacts); err != nil {
		l.doubt(ctx, err)
		return
	}
	l.emit(ctx, artifacts, verified)
}

// doubt starts over where another listing can settle it.
func (l *listing) doubt(ctx context.Context, err error) {
	if errors.Is(err, errPartial) {
		l.again(ctx, err)
		return
	}
	l.retryOrFail(ctx, err)
}

func (l *listing) emitEmpty(ctx context.Context, verified bool) {
	now, err := l.run.client.Repository(ctx, l.repository.Name)
	switch {
	case err != nil:
		l.retryOrFail(ctx, err)
	case now.ArtifactCount > 0 && l.run.req.Query == "":
		l.again(ctx, errPartial)
	default:
		l.emit(ctx, nil, verified)
	}
}

func isUntagged(a harbor.Artifact) bool { return len(a.Tags) == 0 }

// checkTags returns the artifacts with the tags that the listing lacked.
func (l *listing) checkTags(ctx context.Context, artifacts []harbor.Artifact) ([]harbor.Artifact, error) {
	if !l.run.req.Details.Tags || !slices.ContainsFunc(artifacts, isUntagged) {
		return artifacts, nil
	}
	untagged := 0
	for _, a := range artifacts {
		if isUntagged(a) {
			untagged++
		}
	}
	confirmed, err := l.countUntagged(ctx)
	if err != nil {
		return nil, err
	}
	if confirmed >= untagged {
		return artifacts, nil
	}
	if untagged > singleReads {
		return nil, errPartial
	}
	return l.readTags(ctx, artifacts)
}

// countUntagged returns what Harbor counts as untagged under the same query, or
// 0 where the query itself is about tags: then every artifact should have one.
func (l *listing) countUntagged(ctx context.Context) (int, error) {
	query := l.run.req.Query
	for condition := range strings.SplitSeq(query, ",") {
		if strings.HasPrefix(condition, "tags=") && condition != "tags=nil" {
			return 0, nil
		}
	}
	if query != "" && !strings.Contains(query, "tags=nil") {
		query += ",tags=nil"
	}
	if query == "" {
		query = "tags=nil"
	}
	return l.run.client.CountArtifacts(ctx, l.repository.Name, query)
}

// readTags reads the tags of each untagged artifact; those that are gone by now
// are left out.
func (l *listing) readTags(ctx context.Context, artifacts []harbor.Artifact) ([]harbor.Artifact, error) {
	kept := artifacts[:0]
	for _, a := range artifacts {
		if isUntagged(a) {
			tags, err := l.tagsOf(ctx, a.Digest)
			if errors.Is(err, harbor.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			a.Tags = tags
		}
		kept = append(kept, a)
	}
	return kept, nil
}

func (l *listing) tagsOf(ctx context.Context, digest string) ([]harbor.Tag, error) {
	var tags []harbor.Tag
	for tag, err := range l.run.client.Tags(ctx, l.repository.Name, digest) {
		if err != nil {
			return nil, err
		}
		tags = append(tags, *tag)
	}
	return tags, nil
}

// troubledReads is how many further listings must agree that an artifact has no
// labels or accessories while Harbor is in trouble.
const troubledReads = 2

// confirmDetails reads the artifacts again, by digest, whose labels or
// accessories are missing, if any request of this client has met an error that
// tells of trouble in Harbor's database. What one answer shows is believed:
// Harbor leaves out, it does not invent.
func (l *listing) confirmDetails(ctx context.Context, artifacts []harbor.Artifact) error {
	details := l.run.req.Details
	if !(details.Labels || details.Accessories) || !l.run.client.Troubled() {
		return nil
	}
	for range troubledReads {
		options := l.options()
		options.FromID = artifacts[0].ID
		options.ToID = artifacts[len(artifacts)-1].ID
		again := map[string]*harbor.Artifact{}
		for a, err := range l.run.client.Artifacts(ctx, l.repository.Name, options) {
			if err != nil {
				return err
			}
			again[a.Digest] = a
		}
		for i := range artifacts {
			if other := again[artifacts[i].Digest]; other != nil {
				fillDetails(&artifacts[i], other)
			}
		}
	}
	return nil
}

// fillDetails takes from another answer what this one lacks.
func fillDetails(a, other *harbor.Artifact) {
	if len(a.Labels) == 0 {
		a.Labels = other.Labels
	}
	if len(a.Accessories) == 0 {
		a.Accessories = other.Accessories
	}
	if a.Scan == nil {
		a.Scan = other.Scan
	}
	if a.SBOM == nil {
		a.SBOM = other.SBOM
	}
}

// Confirm asks for the details of one artifact that a listing seems to have
// lost: accessories from the endpoint that reports its errors, the others by
// digest, twice. What is found is filled in; an artifact that is gone is left
// as it is.
func Confirm(ctx context.Context, client *harbor.Client, repository string, a *harbor.Artifact, details harbor.Details) error {
	for range 2 {
		other, err := client.Artifact(ctx, repository, a.Digest, details)
		if errors.Is(err, harbor.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		fillDetails(a, &other)
	}
	if !details.Accessories || len(a.Accessories) > 0 {
		return nil
	}
	for accessory, err := range client.Accessories(ctx, repository, a.Digest) {
		if err != nil {
			return err
		}
		a.Accessories = append(a.Accessories, *accessory)
	}
	return nil
}
