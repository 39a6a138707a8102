// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"net/http"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// A Harbor that cannot make a page of a hundred artifacts in time is asked for
// smaller ones, and nothing is missing.
func TestPagesShrinkForASlowHarbor(t *testing.T) {
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	fill(reg, "p/large", 230)
	fill(reg, "p/small", 3)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	srv.Inject(harbortest.Rule{
		Class: harbortest.ClassArtifacts, Fault: harbortest.Gateway(http.StatusGatewayTimeout),
		If: func(r *http.Request) bool {
			size := r.URL.Query().Get("page_size")
			return size == "100" || size == "50"
		},
	})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
}
