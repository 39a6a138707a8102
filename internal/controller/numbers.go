// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// numbers sum up an inventory as it is now, kept entries included.
type numbers struct {
	totals   inventory.Totals
	projects map[string]inventory.ProjectTotals
	lists    int
}

// add adds what stands in the lists of a repository.
func (n *numbers) add(repository string, totals inventory.Totals) {
	n.totals = n.totals.Add(totals)
	if totals.Artifacts == 0 {
		return
	}
	if n.projects == nil {
		n.projects = map[string]inventory.ProjectTotals{}
	}
	project, _, _ := harbor.SplitRepository(repository)
	p := n.projects[project]
	n.projects[project] = inventory.ProjectTotals{Repositories: p.Repositories + 1, Totals: p.Totals.Add(totals)}
}

func setNumbers(status *v1alpha1.HarborInventoryStatus, inv *v1alpha1.HarborInventory, sum *numbers) {
	details := inventory.NewSet(inv.Spec.Include)
	totals := sum.totals.Shown(details)
	status.Artifacts = new(totals.Artifacts)
	status.ArtifactLists = new(int32(sum.lists)) //nolint:gosec // far below 2^31
	status.SizeBytes = new(totals.SizeBytes)
	status.Vulnerabilities = sum.totals.Vulnerabilities
	status.Totals = &totals
	status.ProjectTotals, status.OtherProjects = inventory.ShownProjects(sum.projects, details)
}
