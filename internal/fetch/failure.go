// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Reason says in one word why something could not be read.
type Reason string

// The reasons of a Failure.
const (
	ReasonForbidden     Reason = "Forbidden"
	ReasonUnauthorized  Reason = "Unauthorized"
	ReasonUnavailable   Reason = "Unavailable"
	ReasonInvalidAnswer Reason = "InvalidAnswer"
	ReasonPartialAnswer Reason = "PartialAnswer"
	ReasonBadQuery      Reason = "BadQuery"
	ReasonWrite         Reason = "WriteFailed"
)

// Failure names what could not be read or written. Without a repository the
// whole project is concerned, without a project the whole registry.
type Failure struct {
	Project    string
	Repository string
	Reason     Reason
	// Err holds nothing of what a server sent.
	Err error
}

// ErrAuthenticationFailed is returned by [Run] when Harbor, asked several
// times, treats the credentials as if there were none.
var ErrAuthenticationFailed = errors.New("harbor does not accept the credentials and answers as to an anonymous caller: check user name and secret, and that the robot account is enabled and not expired")

// ErrUnavailable is returned by [Run] when Harbor stopped answering in mid-run:
// repositories after that were not asked for.
var ErrUnavailable = errors.New("harbor stopped answering")

// errPartial: the listing kept lacking what other queries show.
var errPartial = errors.New("harbor's listings kept contradicting each other or its other answers; it may be short of database connections")

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, errPartial):
		return ReasonPartialAnswer
	case errors.Is(err, harbor.ErrForbidden):
		return ReasonForbidden
	case errors.Is(err, harbor.ErrUnauthorized):
		return ReasonUnauthorized
	case errors.Is(err, harbor.ErrInvalidResponse), errors.Is(err, harbor.ErrTooLarge):
		return ReasonInvalidAnswer
	case errors.Is(err, harbor.ErrBadRequest):
		return ReasonBadQuery
	default:
		return ReasonUnavailable
	}
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func sortFailures(failures []Failure) {
	slices.SortFunc(failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Reason, b.Reason))
	})
}

func hidden(project string) error {
	return fmt.Errorf("project %s exists, and these credentials may not read it: %w", project, harbor.ErrForbidden)
}

func untellable(project string) error {
	return fmt.Errorf("project %s is private or does not exist: Harbor tells anonymous callers no more: %w", project, harbor.ErrUnauthorized)
}
