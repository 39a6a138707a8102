// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func walker(t *testing.T, registry *harbortest.Registry, projects ...string) *remote {
	t.Helper()
	server := harbortest.NewServer(t, registry, harbortest.Options{})
	r := newRemote(&endpoint{url: server.URL, username: "robot$inventory", password: "secret", projects: projects})
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

func expected(registry *harbortest.Registry, projects ...string) []testbed.Artifact {
	held, _ := registry.Listed(projects...)
	var all []testbed.Artifact
	for _, a := range held {
		all = append(all, testbed.Artifact{Repository: a.Repository, Digest: a.Digest, Tags: a.Tags})
	}
	return sorted(all)
}

func sorted(all []testbed.Artifact) []testbed.Artifact {
	for _, a := range all {
		slices.Sort(a.Tags)
	}
	slices.SortFunc(all, func(a, b testbed.Artifact) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Digest, b.Digest))
	})
	return all
}

func TestWalkFindsWhatHarborLists(t *testing.T) {
	for about, registry := range map[string]*harbortest.Registry{"recorded": harbortest.Recorded(), "believable": harbortest.Believable()} {
		got, err := walker(t, registry).listed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := expected(registry)
		if diff := gocmp.Diff(want, sorted(got), cmpopts.EquateEmpty()); diff != "" || len(want) == 0 {
			t.Errorf("%s, %d artifacts: wanted (-), got (+):\n%s", about, len(want), diff)
		}
	}
}

func TestWalkOfSomeProjects(t *testing.T) {
	registry := harbortest.Recorded()
	got, err := walker(t, registry, "team-a", "no-such-project").listed(t.Context())
	if err == nil {
		t.Fatalf("a project that is not there was walked: %d artifacts", len(got))
	}
	if got, err = walker(t, registry, "team-a").listed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(expected(registry, "team-a"), sorted(got), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

func TestWalkRefusesToBeAnonymous(t *testing.T) {
	r := walker(t, harbortest.Recorded())
	r.password = "wrong"
	if _, err := r.listed(t.Context()); err == nil || !strings.Contains(err.Error(), "HARBOR_PASSWORD") {
		t.Errorf("error %v", err)
	}
}
