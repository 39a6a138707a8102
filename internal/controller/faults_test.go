// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// One repository that cannot be read: it is named, its entries are kept,
// everything else is up to date; once the fault is gone it heals by itself.
func TestFaultsOfOneRepository(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  harbortest.Fault
		reason string // or several: what a cut connection looks like depends on where it is cut
	}{
		"500":                      {harbortest.InternalError(), "Unavailable"},
		"502 from the proxy":       {harbortest.Gateway(502), "Unavailable"},
		"503 with Retry-After":     {harbortest.All(harbortest.Gateway(503), harbortest.RetryAfter("0")), "Unavailable"},
		"429":                      {harbortest.TooManyRequests(""), "Unavailable"},
		"429 with Retry-After":     {harbortest.TooManyRequests("1"), "Unavailable"},
		"reset before the answer":  {harbortest.Reset(), "Unavailable"},
		"reset in the answer":      {harbortest.ResetMidBody(), "Unavailable"},
		"truncated body":           {harbortest.Truncate(), "InvalidAnswer Unavailable"},
		"invalid JSON":             {harbortest.InvalidJSON(), "InvalidAnswer"},
		"wrong content type":       {harbortest.ContentType("text/plain"), "InvalidAnswer"},
		"HTML page":                {harbortest.HTML(), "InvalidAnswer"},
		"redirect to another host": {harbortest.Redirect("https://login.example.com/"), "InvalidAnswer"},
		"anonymous to it alone":    {harbortest.Anonymous(), "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			kept := w.held("team")
			w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: c.fault})
			w.registry.Push("team/app", harbortest.Image{Tags: []string{"unseen"}})
			w.registry.Push("library/nginx", harbortest.Image{Tags: []string{"seen"}})
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Ready=True PartialFailure") || !slices.Contains(conditions(inv), "Complete=False PartialFailure") {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			if f := inv.Status.Failures; len(f) != 1 || f[0].Repository != "team/app" || !slices.Contains(strings.Fields(c.reason), f[0].Reason) || inv.Status.FailuresTotal != 1 {
				t.Errorf("failures %+v", f)
			}
			if strings.Contains(messages(inv)+fmt.Sprint(inv.Status.Failures), "login.example.com") {
				t.Errorf("a server's word reached the status: %s", messages(inv))
			}
			want := append(kept, w.held("library")...)
			slices.Sort(want)
			w.equal(want, w.shown("all"))
			if got := int(*inv.Status.Artifacts); got != len(want) {
				t.Errorf("status.artifacts %d, the lists hold %d", got, len(want))
			}
			w.harbor.ClearFaults()
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.equal(w.held(), w.shown("all"))
		})
	}
}

// The rows count, not what X-Total-Count says of them.
func TestWrongTotals(t *testing.T) {
	t.Parallel()
	for _, off := range []int{-5, -1, 1, 250} {
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 3, Artifacts: 130}))
			w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.TotalCount(off)})
			w.inventory("all")
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.equal(w.held(), w.shown("all"))
		})
	}
}

func TestFaultsOfAllOfHarbor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]harbortest.Fault{
		"core down":     harbortest.CoreDown(),
		"reset":         harbortest.Reset(),
		"login page":    harbortest.HTML(),
		"invalid JSON":  harbortest.InvalidJSON(),
		"429 always":    harbortest.TooManyRequests(""),
		"redirect away": harbortest.Redirect("https://login.example.com/"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			before := w.shown("all")
			counted := *w.get("all").Status.Artifacts
			w.harbor.Inject(harbortest.Rule{Fault: fault})
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Ready=False HarborUnavailable") || !slices.Contains(conditions(inv), "Complete=False HarborUnavailable") {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			w.stillShown(before)
			if *inv.Status.Artifacts != counted {
				t.Errorf("status.artifacts went from %d to %d", counted, *inv.Status.Artifacts)
			}
			w.harbor.ClearFaults()
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.stillShown(before)
		})
	}
	t.Run("down in mid-sync", func(t *testing.T) {
		t.Parallel()
		w := synced(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 40, Artifacts: 5}))
		before := w.shown("all")
		w.harbor.Inject(harbortest.Rule{Skip: 12, Fault: harbortest.Gateway(502)})
		inv := w.request("all")
		if !slices.Contains(conditions(inv), "Ready=False HarborUnavailable") {
			t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
		}
		w.stillShown(before)
	})
}

func TestFailurePolicyFail(t *testing.T) {
	t.Parallel()
	w := synced(t, small(), func(s *v1alpha1.HarborInventorySpec) { s.FailurePolicy = v1alpha1.FailurePolicyFail })
	before := w.shown("all")
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.Gateway(502)})
	inv := w.request("all")
	if !slices.Contains(conditions(inv), "Ready=False PartialFailure") {
		t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
	}
	w.stillShown(before)
}
