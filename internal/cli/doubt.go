// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// doubts says on standard error why an answer may not be all.
type doubts struct {
	filter *Filter
	errOut io.Writer
	blind  map[inventoryKey]bool // do not hold vulnerabilities: nobody looks them up
	counts map[verdict]int       // of artifacts of which it is not known
}

func newDoubts(filter *Filter, errOut io.Writer) *doubts {
	return &doubts{filter: filter, errOut: errOut, blind: map[inventoryKey]bool{}, counts: map[verdict]int{}}
}

// inventory says what is to be known about an inventory.
func (d *doubts) inventory(inv *v1alpha1.HarborInventory) {
	warn := func(doubt string) {
		if doubt != "" {
			tell(d.errOut, "Warning: inventory %s/%s %s\n", inv.Namespace, inv.Name, doubt)
		}
	}
	warn(doubtOf(inv))
	for _, detail := range slices.Sorted(maps.Keys(d.filter.needs)) {
		if !slices.Contains(inv.Spec.Include, detail) {
			warn(fmt.Sprintf("is not searched by %s: its spec.include does not name %s", d.filter.needs[detail], detail))
		}
	}
	if !slices.Contains(inv.Spec.Include, v1alpha1.DetailVulnerabilities) {
		d.blind[inventoryKey{namespace: inv.Namespace, name: inv.Name}] = true
	}
	if d.filter.findings != nil {
		warn(doubtOfReports(inv))
	}
}

// doubtOf says why what an inventory shows may not be all, or is empty.
func doubtOf(inv *v1alpha1.HarborInventory) string {
	complete := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionComplete)
	switch {
	case complete == nil:
		return "has not been synced yet"
	case complete.Status != metav1.ConditionTrue:
		return fmt.Sprintf("is not complete (%s): %s", complete.Reason, complete.Message)
	}
	return ""
}

// sift lets through what the filter wants, and counts what may be wanted.
func (d *doubts) sift(take func(*Artifact) error) func(*Artifact) error {
	return func(a *Artifact) error {
		said := d.filter.judge(a)
		if d.filter.reports != nil && d.filter.reports.err != nil {
			return d.filter.reports.err
		}
		switch said {
		case yes:
			return take(a)
		case no:
		default:
			d.count(a, said)
		}
		return nil
	}
}

// count counts an artifact for a reason. Where nobody looks vulnerabilities up, it
// was said of the whole inventory that --severity finds nothing there.
func (d *doubts) count(a *Artifact, why verdict) {
	if why == notLookedUp && d.blind[inventoryKey{namespace: a.Namespace, name: a.Inventory}] {
		if d.filter.findings == nil {
			return
		}
		why = noReport
	}
	d.counts[why]++
}

// tell says of how many artifacts it is not known whether the filter wants them.
func (d *doubts) tell() {
	var parts []string
	total := 0
	for _, why := range []verdict{cutEntry, unscanned, notLookedUp, noResult, noReport, cutReport} {
		if n := d.counts[why]; n > 0 {
			total += n
			parts = append(parts, fmt.Sprintf("%d %s", n, why))
		}
	}
	if total > 0 {
		tell(d.errOut, "Warning: %s may match: %s\n", counted(total, "more artifact"), strings.Join(parts, ", "))
	}
}
