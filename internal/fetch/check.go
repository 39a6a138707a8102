// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// checkAndEmit asks Harbor for what its listing may have kept back, and hands
// the repository on. Harbor only logs the errors of the queries behind tags,
// labels, accessories and artifact counts, and answers 200 without them (seen:
// 68 of 661 pages while its database was short of connections).
//
//  1. An empty listing: a repository that does not exist is listed as empty
//     too, so it is asked for by name.
//  2. Artifacts without tags must be without tags by another query, too; see
//     tags.go.
//  3. Labels and accessories: absence is doubted while Harbor shows signs of
//     trouble; see details.go.
func (l *listing) checkAndEmit(ctx context.Context, artifacts []harbor.Artifact, verified bool) {
	// 1.
	if len(artifacts) == 0 {
		l.emitEmpty(ctx, verified)
		return
	}
	// 2.
	l.checkTags(ctx, artifacts, func(ctx context.Context, artifacts []harbor.Artifact, changed bool, err error) {
		if err != nil {
			l.doubt(ctx, err)
			return
		}
		verified = verified && (!changed || l.unchanged(ctx))
		// 3.
		l.confirmDetails(ctx, artifacts, troubledReads, func(ctx context.Context, err error) {
			if err != nil {
				l.doubt(ctx, err)
				return
			}
			l.emit(ctx, artifacts, verified)
		})
	})
}

// doubt starts over where another listing can settle it.
func (l *listing) doubt(ctx context.Context, err error) {
	if errors.Is(err, errPartial) {
		l.again(ctx, err)
		return
	}
	l.retryOrFail(ctx, err)
}

// emitEmpty hands on a repository without artifacts. One that was empty when it
// was listed, and of which nothing is held, needs no further proof.
func (l *listing) emitEmpty(ctx context.Context, verified bool) {
	if l.repository.ArtifactCount == 0 && !l.run.isHeld(l.repository.Name) {
		l.emit(ctx, nil, verified)
		return
	}
	now, err := l.run.readRepository(ctx, l.repository.Name)
	switch {
	case err != nil:
		l.retryOrFail(ctx, err)
	case now.ArtifactCount > 0 && l.query == "":
		l.again(ctx, errPartial)
	default:
		l.emit(ctx, nil, verified)
	}
}
