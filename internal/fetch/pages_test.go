// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

func TestPagesThatFitTogether(t *testing.T) {
	for _, c := range []struct {
		name          string
		ids           []int64
		repositories  []int64
		rising, mixed bool
	}{
		{name: "none", rising: true},
		{name: "one", ids: []int64{4}, repositories: []int64{1}, rising: true},
		{name: "rising", ids: []int64{4, 5, 9}, repositories: []int64{1, 1, 1}, rising: true},
		{name: "one twice", ids: []int64{4, 5, 5, 9}, repositories: []int64{1, 1, 1, 1}},
		{name: "falling", ids: []int64{4, 9, 5}, repositories: []int64{1, 1, 1}},
		{name: "two repositories", ids: []int64{4, 5}, repositories: []int64{1, 2}, rising: true, mixed: true},
	} {
		var artifacts []harbor.Artifact
		for i, id := range c.ids {
			artifacts = append(artifacts, harbor.Artifact{ID: id, RepositoryID: c.repositories[i]})
		}
		rises := rows[harbor.Artifact]{id: artifactID}.rising(artifacts)
		if rises != c.rising || mixed(artifacts) != c.mixed {
			t.Errorf("%s: rising %t, mixed %t", c.name, rises, mixed(artifacts))
		}
	}
}
