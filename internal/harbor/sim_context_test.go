// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

var errorClasses = []error{
	harbor.ErrUnauthorized, harbor.ErrForbidden, harbor.ErrNotFound, harbor.ErrBadRequest,
	harbor.ErrUnavailable, harbor.ErrInvalidResponse, harbor.ErrTooLarge,
}

// contextEnded checks that err is the end of the caller's context and nothing else.
func contextEnded(t *testing.T, err, want error) {
	t.Helper()
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) != errors.Is(end, want) {
			t.Errorf("error %v: is %q %v", err, end, errors.Is(err, end))
		}
	}
	for _, class := range errorClasses {
		if errors.Is(err, class) {
			t.Errorf("error %v: is %q too", err, class)
		}
	}
}

// TestCallersContextEnds: wherever a call is when the caller's context ends.
func TestCallersContextEnds(t *testing.T) {
	arrived := make(chan struct{}, 100)
	stalled := func(rule harbortest.Fault) *harbortest.Server {
		s := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{Observer: func(*http.Request) { arrived <- struct{}{} }})
		s.Inject(harbortest.Rule{Fault: rule})
		return s
	}
	full := transport.NewLimiter(1)
	release, err := full.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for name, test := range map[string]struct {
		fault  harbortest.Fault
		change func(*harbor.Config)
	}{
		"before the answer":  {harbortest.Stall(), func(*harbor.Config) {}},
		"in mid-body":        {harbortest.StallMidBody(), func(*harbor.Config) {}},
		"in an error's body": {harbortest.All(harbortest.Gateway(502), harbortest.StallMidBody()), func(*harbor.Config) {}},
		"between simTries":   {harbortest.All(harbortest.Gateway(503), harbortest.RetryAfter("3600")), func(c *harbor.Config) { c.Retry.MaxRetryAfter = time.Hour }},
		"waiting for a slot": {harbortest.All(), func(c *harbor.Config) { c.Limiters = []*transport.Limiter{full}; arrived <- struct{}{} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := stalled(test.fault)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-arrived
				cancel(errors.New("stopped"))
			}()
			_, err := simClient(t, s.URL, test.change).ArtifactsPage(ctx, "library/nginx", harbor.ArtifactOptions{})
			contextEnded(t, err, context.Canceled)
		})
	}
	for name, test := range map[string]harbortest.Fault{"before the answer": harbortest.Stall(), "in mid-body": harbortest.StallMidBody()} {
		t.Run("deadline "+name, func(t *testing.T) {
			s := stalled(test)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := simClient(t, s.URL).ArtifactsPage(ctx, "library/nginx", harbor.ArtifactOptions{})
			contextEnded(t, err, context.DeadlineExceeded)
		})
	}
	t.Run("before all", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := simClient(t, recordedServer(t).URL).ArtifactsPage(ctx, "library/nginx", harbor.ArtifactOptions{})
		contextEnded(t, err, context.Canceled)
	})
}

// TestOwnTimeouts: they are no end of a context, and each try has its own.
func TestOwnTimeouts(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	short := 20 * time.Millisecond
	s := recordedServer(t)
	s.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.Stall()}, harbortest.Rule{Class: harbortest.ClassRepository, Fault: harbortest.StallMidBody()},
		harbortest.Rule{Class: harbortest.ClassProject, Fault: harbortest.Trickle(1, short)})
	for name, test := range map[string]struct {
		url      string
		timeouts transport.Timeouts
		call     func(*harbor.Client, context.Context) error
	}{
		"TLS": {"https://" + silent.Addr().String(), transport.Timeouts{TLS: short}, func(c *harbor.Client, ctx context.Context) error { _, err := c.SystemInfo(ctx); return err }},
		"header": {s.URL, transport.Timeouts{Header: short}, func(c *harbor.Client, ctx context.Context) error {
			_, err := c.CountArtifacts(ctx, "library/nginx", "")
			return err
		}},
		"idle": {s.URL, transport.Timeouts{Idle: short}, func(c *harbor.Client, ctx context.Context) error {
			_, err := c.Repository(ctx, "library/nginx")
			return err
		}},
		"request": {s.URL, transport.Timeouts{Request: 5 * short}, func(c *harbor.Client, ctx context.Context) error { _, err := c.Project(ctx, "library"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			c := simClient(t, test.url, func(c *harbor.Config) { c.Timeouts, c.Retry.Tries = test.timeouts, 2 })
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			err := test.call(c, ctx)
			var call *harbor.CallError
			if !errors.Is(err, harbor.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !errors.As(err, &call) || call.Tries != 2 {
				t.Errorf("error %v, want ErrUnavailable after 2 simTries, and no end of a context", err)
			}
		})
	}
}

// TestDeadlineTooNearForAWait: then the last failure is told, at once.
func TestDeadlineTooNearForAWait(t *testing.T) {
	s := recordedServer(t)
	s.Inject(harbortest.Rule{Fault: harbortest.TooManyRequests("50")})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := simClient(t, s.URL, func(c *harbor.Config) { c.Retry = transport.RetryPolicy{} }).SystemInfo(ctx)
	var status *harbor.StatusError
	if !errors.Is(err, harbor.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &status) || status.RetryAfter != 50*time.Second || ctx.Err() != nil {
		t.Errorf("%v, context %v: want the 429 before the deadline", err, ctx.Err())
	}
}
