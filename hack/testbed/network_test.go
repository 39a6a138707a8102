// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAwait(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	if err := Answers(server.URL)(t.Context()); err == nil || !strings.Contains(err.Error(), "answers 503") {
		t.Errorf("error %v", err)
	}
	if err := Await(t.Context(), Answers(server.URL)); err != nil || asked.Load() != 3 {
		t.Errorf("error %v after %d requests", err, asked.Load())
	}
}

func TestAwaitTellsWhyItEndsAndWhatItWaitedFor(t *testing.T) {
	ended, missing := errors.New("the program has ended"), errors.New("no answer")
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := 0
	err := Await(ctx, func(ctx context.Context) error {
		if asked++; asked == 1 {
			return missing
		}
		cancel(ended)
		return ctx.Err() // which says less than the error before
	})
	if !errors.Is(err, ended) || !errors.Is(err, missing) {
		t.Errorf("error %v", err)
	}
}
