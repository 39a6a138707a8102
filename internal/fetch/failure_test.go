// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

func TestReasonOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Reason
	}{
		{errPartial, ReasonPartialAnswer},
		{&harbor.StatusError{StatusCode: 403}, ReasonForbidden},
		{&harbor.StatusError{StatusCode: 401}, ReasonUnauthorized},
		{&harbor.StatusError{StatusCode: 400}, ReasonBadQuery},
		{&harbor.StatusError{StatusCode: 422}, ReasonBadQuery},
		{&harbor.StatusError{StatusCode: 500}, ReasonUnavailable},
		{&harbor.StatusError{StatusCode: 429}, ReasonUnavailable},
		{&harbor.StatusError{StatusCode: 418}, ReasonInvalidAnswer},
		{&harbor.ResponseError{Reason: "no JSON"}, ReasonInvalidAnswer},
		{harbor.ErrTooLarge, ReasonInvalidAnswer},
		{&harbor.ConnectionError{Failure: transport.FailureTimeout}, ReasonUnavailable},
		{errors.New("something else"), ReasonUnavailable},
		{hidden("p"), ReasonForbidden},
		{untellable("p"), ReasonUnauthorized},
	} {
		if got := reasonOf(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}

func TestFailuresAreSorted(t *testing.T) {
	failures := []Failure{
		{Project: "b"},
		{Project: "a", Repository: "a/2"},
		{Project: "a", Repository: "a/1", Reason: ReasonWrite},
		{Project: "a", Repository: "a/1", Reason: ReasonForbidden},
		{},
	}
	sortFailures(failures)
	want := []Failure{
		{},
		{Project: "a", Repository: "a/1", Reason: ReasonForbidden},
		{Project: "a", Repository: "a/1", Reason: ReasonWrite},
		{Project: "a", Repository: "a/2"},
		{Project: "b"},
	}
	if !slices.Equal(failures, want) {
		t.Errorf("got %v, want %v", failures, want)
	}
}

// A failure because the run ends is no failure; one that only looks like it is.
func TestFailuresOfAnEndedRunAreLeftOut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{sightings: newSightings(&Selection{})}
	r.failRepository(ctx, "p/r", fmt.Errorf("of its own: %w", harbor.ErrForbidden))
	r.fail(ctx, Failure{Reason: ReasonWrite, Err: context.DeadlineExceeded})
	cancel()
	r.failRepository(ctx, "p/s", context.Canceled)
	if n := len(r.report.Failures); n != 2 {
		t.Errorf("%d failures, want 2: %v", n, r.report.Failures)
	}
}
