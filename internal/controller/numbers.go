// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// numbers sum up an inventory as it is now, kept entries included.
type numbers struct {
	totals   inventory.Totals
	projects map[string]inventory.ProjectTotals
	lists    int
	// unlisted counts artifacts that no list shows and that a scan could bring in,
	// and unlistedPending those of them of which the scan has yet to be looked up.
	unlisted, unlistedPending int64
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
	setDetailsKnown(status, inv, sum)
	status.ProjectTotals, status.OtherProjects = inventory.ShownProjects(sum.projects, details)
}

// setDetailsKnown tells how far the looking up of details has come.
func setDetailsKnown(status *v1alpha1.HarborInventoryStatus, inv *v1alpha1.HarborInventory, sum *numbers) {
	overviews := overviewsOf(inv)
	if len(overviews) == 0 {
		apimeta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionDetailsKnown)
		return
	}
	all, pending := sum.totals.Artifacts+sum.unlisted, sum.totals.Pending+sum.unlistedPending
	what := strings.Join(texts(overviews), " and ")
	message := fmt.Sprintf("%s known of all %d artifacts", what, all)
	reason := v1alpha1.ReasonSucceeded
	if pending > 0 {
		reason = v1alpha1.ReasonProgressing
		message = fmt.Sprintf("%s known of %d of %d artifacts; the others are looked up by at most %d requests a minute (spec.detailRequestsPerMinute)",
			what, all-pending, all, inv.Spec.DetailRequestsPerMinute)
	}
	setCondition(status, inv, v1alpha1.ConditionDetailsKnown, pending == 0, reason, message)
}
