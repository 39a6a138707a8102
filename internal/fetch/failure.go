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

// refused tells whether Harbor kept something from the caller: it is not there,
// or not the caller's to see, and which of the two the answer does not tell.
func refused(err error) bool {
	return errors.Is(err, harbor.ErrNotFound) || errors.Is(err, harbor.ErrForbidden)
}

func sortFailures(failures []Failure) {
	slices.SortFunc(failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Reason, b.Reason))
	})
}

func hidden(project string) error {
	return &refusedError{fmt.Sprintf("project %s exists, and these credentials may not read it", project), harbor.ErrForbidden}
}

func untellable(project string) error {
	return &refusedError{fmt.Sprintf("project %s is private or does not exist; Harbor tells anonymous callers no more", project), harbor.ErrUnauthorized}
}

// refusedError says in its text what its cause says in one word.
type refusedError struct {
	text  string
	cause error
}

func (e *refusedError) Error() string { return e.text }

func (e *refusedError) Unwrap() error { return e.cause }

// fail notes a failure. What fails because the run ends is left out: the run's
// error says it once for all.
func (r *run) fail(ctx context.Context, f Failure) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	r.report.Failures = append(r.report.Failures, f)
	r.mu.Unlock()
	if f.Reason == ReasonUnavailable {
		r.checkAlive(ctx, f.Err)
	}
}

func (r *run) failProject(ctx context.Context, project string, err error) {
	r.mu.Lock()
	r.unsure = true
	r.mu.Unlock()
	r.sightings.project(project) // it has a failure of its own, so it is not "not found"
	r.fail(ctx, Failure{Project: project, Reason: reasonOf(err), Err: err})
}

func (r *run) failRepository(ctx context.Context, full string, err error) {
	project, _, _ := harbor.SplitRepository(full)
	r.fail(ctx, Failure{Project: project, Repository: full, Reason: reasonOf(err), Err: err})
}

// unansweredBeforeCheck is how many tasks in a row may fail for want of an
// answer, each after all its tries, before Harbor as a whole is doubted.
const unansweredBeforeCheck = 10

// checkAlive stops the run when Harbor is gone. Failures in a row alone do not
// tell: a run ends with those repositories that keep failing, for their tries
// take longest.
func (r *run) checkAlive(ctx context.Context, last error) {
	if r.unanswered.Add(1)%unansweredBeforeCheck != 0 {
		return
	}
	if _, known, err := authenticated(ctx, r.client); err == nil && known {
		return
	}
	r.stop(fmt.Errorf("%w: %d reads in a row failed, the last with: %w", ErrUnavailable, r.unanswered.Load(), last))
}
