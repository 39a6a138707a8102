// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSortRequests(t *testing.T) {
	syncs, between := sortRequests([]string{
		"/api/v2.0/auditlog-exts?sort=id",
		"/api/v2.0/systeminfo",
		"/api/v2.0/projects?page=1",
		"/api/v2.0/auditlog-exts?sort=id",
		"/api/v2.0/repositories?page=1",
		"/api/v2.0/projects/p/repositories?page=1",
		"/api/v2.0/projects/p/repositories/a/artifacts?page=1",
		"/api/v2.0/projects/p/repositories/a",
		"/api/v2.0/systeminfo",
		"/api/v2.0/projects/p/repositories/b",
		"/api/v2.0/systeminfo",
		"/api/v2.0/systeminfo",
	})
	want := []kinds{{listing: 5, reading: 2}, {listing: 2}}
	if diff := cmp.Diff(want, syncs, cmp.AllowUnexported(kinds{})); diff != "" {
		t.Error(diff)
	}
	if want := (kinds{feed: 2, reading: 1}); between != want {
		t.Errorf("between: %+v, want %+v", between, want)
	}
}
