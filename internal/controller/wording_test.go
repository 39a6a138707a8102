// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

func TestDescribe(t *testing.T) {
	for want, res := range map[string]result{
		"0 artifacts of 0 repositories in 0 projects": {},
		"1 artifact of 1 repository in 1 project":     {totals: inventory.Totals{Artifacts: 1}, report: fetch.Report{Repositories: 1, Projects: 1}},
		"5 artifacts of 3 repositories in 2 projects": {totals: inventory.Totals{Artifacts: 5}, report: fetch.Report{Repositories: 3, Projects: 2}},
	} {
		if got := describe(&res); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDescribeFailure(t *testing.T) {
	anonymous, query, plain := &v1alpha1.HarborInventory{}, &v1alpha1.HarborInventory{}, &v1alpha1.HarborInventory{}
	query.Spec.Artifacts.Query = "tags=x"
	for _, inv := range []*v1alpha1.HarborInventory{query, plain} {
		inv.Spec.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "robot"}
	}
	for _, c := range []struct {
		name   string
		inv    *v1alpha1.HarborInventory
		reason fetch.Reason
		want   string
	}{
		{"anonymous", anonymous, fetch.ReasonUnauthorized, "e: name an account in spec.harbor.credentialsSecretRef, or take it out of the selection"},
		{"an account taken for anonymous", plain, fetch.ReasonUnauthorized, "e"},
		{"no right", plain, fetch.ReasonForbidden, "e: give the account the right to read it, or take it out of the selection"},
		{"the spec's query", query, fetch.ReasonBadQuery, `correct spec.artifacts.query: Harbor does not accept "tags=x": e`},
		{"a query of the operator's own", plain, fetch.ReasonBadQuery, "e"},
		{"passes by itself", query, fetch.ReasonUnavailable, "e"},
	} {
		if got := describeFailure(c.inv, fetch.Failure{Reason: c.reason, Err: errors.New("e")}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDescribeUnmatched(t *testing.T) {
	inv := &v1alpha1.HarborInventory{}
	inv.Spec.Projects = []v1alpha1.ProjectPattern{"b"}
	got := describeUnmatched(inv, []string{"a/x", "b", "c", "d", "e"})
	if want := "a/x (spec.repositories), b (spec.projects), c (spec.repositories) and 2 more: check the spelling, and that the account may see it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
