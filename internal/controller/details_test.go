// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// withVulnerabilities looks them up without delay.
func withVulnerabilities(s *v1alpha1.HarborInventorySpec) {
	s.Include, s.DetailRequestsPerMinute = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}, 6000
}

// scanned is a registry with artifacts in several lists: all but those with a tag
// that begins with "plain" were scanned, with as many findings as the tag says.
func scanned() *harbortest.Registry {
	reg := harbortest.New()
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary})
	for i := range 45 {
		tag := fmt.Sprintf("v%d", i)
		if i%9 == 8 {
			tag = fmt.Sprintf("plain%d", i)
		}
		digest := reg.Push("library/app", harbortest.Image{Tags: []string{tag}})
		if i%9 != 8 {
			must(reg.SetScan("library/app", digest, harbortest.Scan{Findings: map[string]int{"High": i}}))
		}
	}
	return reg
}

// findings tells of each artifact by its first tag what is known of it.
func (w *world) findings(name string) map[string]string {
	w.Helper()
	all := map[string]string{}
	for _, a := range w.entries(name) {
		switch {
		case slices.Contains(a.Unavailable, "vulnerabilities"):
			all[a.Tags[0]] = "none"
		case a.Vulnerabilities == nil:
			all[a.Tags[0]] = "pending"
		default:
			all[a.Tags[0]] = fmt.Sprint(a.Vulnerabilities.High)
		}
	}
	return all
}

// known waits until everything is looked up, and returns what was found.
func (w *world) known(name string) map[string]string {
	w.Helper()
	w.condition(name, "DetailsKnown=True Succeeded")
	return w.findings(name)
}

// isOverview tells whether a request looks up overviews.
func isOverview(r *http.Request) bool { return r.URL.Query().Get("with_scan_overview") == "true" }

// The plain inventory is there before any overview, and does not wait for them;
// what is not known yet says so, and so does the condition.
func TestOverviewsFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	hold := w.harbor.Inject(harbortest.Rule{If: isOverview, Fault: harbortest.Stall()})
	w.inventory("all", withVulnerabilities)
	inv := w.condition("all", "Ready=True Succeeded", "Complete=True", "DetailsKnown=False Progressing")
	if got, want := message(inv, v1alpha1.ConditionDetailsKnown), "Vulnerabilities known of 0 of 45 artifacts; the others are looked up by at most 6000 requests a minute (spec.detailRequestsPerMinute)"; got != want {
		t.Errorf("the condition says %q", got)
	}
	if by := inv.Status.Totals.BySeverity; by.Pending != 45 || by.Unscanned != 0 {
		t.Errorf("totals by severity: %+v", by)
	}
	for tag, state := range w.findings("all") {
		if state != "pending" {
			t.Errorf("%s: %s before anything was looked up", tag, state)
		}
	}
	w.equal(w.held(), w.shown("all"))
	hold()
	want := map[string]string{}
	for i := range 45 {
		want[fmt.Sprintf("v%d", i)] = fmt.Sprint(i)
		if i%9 == 8 {
			delete(want, fmt.Sprintf("v%d", i))
			want[fmt.Sprintf("plain%d", i)] = "none"
		}
	}
	if diff := cmp.Diff(want, w.known("all")); diff != "" {
		t.Errorf("wanted (-), known (+):\n%s", diff)
	}
	inv = w.get("all")
	if got := message(inv, v1alpha1.ConditionDetailsKnown); got != "Vulnerabilities known of all 45 artifacts" {
		t.Errorf("the condition says %q", got)
	}
	if by := inv.Status.Totals.BySeverity; by.Pending != 0 || by.Unscanned != 5 || by.High != 39 || by.None != 1 {
		t.Errorf("totals by severity: %+v", by)
	}
}

// What is known stays known, in every version of every list, whatever is pushed,
// tagged, deleted, synced or edited.
func TestOverviewsNeverFlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.inventory("all", withVulnerabilities, func(s *v1alpha1.HarborInventorySpec) { s.Output.MaxArtifactsPerList = new(int32(10)) })
	before := w.known("all")
	watch, err := kube.Watch(w.Context(), &v1alpha1.ArtifactListList{}, client.InNamespace(w.ns))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	reg := w.registry
	artifacts, _ := reg.Listed()
	must(reg.AddTag("library/app", artifacts[3].Digest, "another"))
	reg.Push("library/app", harbortest.Image{Tags: []string{"new"}})
	must(reg.DeleteArtifact("library/app", "v0"))
	w.request("all")
	w.request("all")
	want := maps.Clone(before)
	delete(want, "v0")
	want["new"] = "none"
	want["another"] = want["v3"]
	delete(want, "v3")
	if diff := cmp.Diff(want, w.known("all")); diff != "" {
		t.Errorf("wanted (-), known (+):\n%s", diff)
	}
	current := map[string]string{}
	for _, l := range w.lists("all") {
		current[l.Name] = l.ResourceVersion
	}
	versions := 0
	for seen := map[string]string{}; !maps.Equal(seen, current); {
		list, ok := (<-watch.ResultChan()).Object.(*v1alpha1.ArtifactList)
		if !ok {
			t.Fatal("the watch has ended")
		}
		versions++
		seen[list.Name] = list.ResourceVersion
		for _, a := range list.Artifacts {
			if was, ok := before[a.Tags[len(a.Tags)-1]]; ok && was != "none" && a.Vulnerabilities == nil {
				t.Errorf("%v has lost its vulnerabilities in a version of %s", a.Tags, list.Name)
			}
		}
	}
	if versions < 6 {
		t.Errorf("only %d versions were seen", versions)
	}
}

// A detail that the spec asks for later is pending everywhere, and then known.
func TestOverviewsAskedForLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.inventory("all")
	w.condition("all", "Ready=True Succeeded")
	if apimeta.FindStatusCondition(w.get("all").Status.Conditions, v1alpha1.ConditionDetailsKnown) != nil {
		t.Error("there is a condition about details that nobody asked for")
	}
	hold := w.harbor.Inject(harbortest.Rule{If: isOverview, Fault: harbortest.Stall()})
	w.change("all", withVulnerabilities)
	w.condition("all", "Ready=True Succeeded", "DetailsKnown=False")
	for tag, state := range w.findings("all") {
		if state != "pending" {
			t.Errorf("%s: %s before anything was looked up", tag, state)
		}
	}
	hold()
	if got := w.known("all"); got["v7"] != "7" || got["plain8"] != "none" {
		t.Errorf("known: %v", got)
	}
	w.change("all", func(s *v1alpha1.HarborInventorySpec) { s.Include = nil })
	inv := w.condition("all", "Ready=True Succeeded")
	if slices.ContainsFunc(conditions(inv), func(c string) bool { return strings.HasPrefix(c, "DetailsKnown") }) {
		t.Errorf("conditions %v", conditions(inv))
	}
	for digest, a := range w.entries("all") {
		if a.Vulnerabilities != nil || a.Unavailable != nil {
			t.Errorf("%s still shows %+v, unavailable %v", digest, a.Vulnerabilities, a.Unavailable)
		}
	}
}

// An answer that lacks what is known takes nothing away; Harbor that fails is
// asked again.
func TestOverviewsSurviveTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.inventory("all", withVulnerabilities)
	want := w.known("all")
	digest := w.registry.Push("library/app", harbortest.Image{Tags: []string{"new"}})
	must(w.registry.SetScan("library/app", digest, harbortest.Scan{Findings: map[string]int{"High": 77}}))
	w.harbor.Inject(harbortest.Rule{If: isOverview, Count: 1, Fault: harbortest.InternalError()})
	w.request("all")
	eventually(t, func() string {
		got := w.findings("all")
		if got["new"] != "pending" {
			return "the new artifact is " + got["new"]
		}
		delete(got, "new")
		return cmp.Diff(want, got)
	})
}

// A scan that has ended is shown at once, when Harbor tells of it.
func TestScanEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.hookSecret()
	w.inventory("all", withVulnerabilities, receiving)
	w.known("all")
	artifacts, _ := w.registry.Listed()
	for i, n := range map[int]int{5: 99, 8: 98} {
		must(w.registry.SetScan("library/app", artifacts[i].Digest, harbortest.Scan{Findings: map[string]int{"High": n}}))
		if status := w.deliver("all", hookSecret, "SCANNING_COMPLETED", "library/app", artifacts[i].Digest); status != http.StatusOK {
			t.Errorf("the event was answered %d", status)
		}
	}
	eventually(t, func() string {
		if got := w.findings("all"); got["v5"] != "99" || got["plain8"] != "98" {
			return fmt.Sprint("known: ", got["v5"], ", ", got["plain8"])
		}
		return ""
	})
}

// A scan of which nothing tells is found after a sync that the annotation asks for.
func TestOverviewsAreRenewedOnRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.inventory("all", withVulnerabilities)
	if got := w.known("all")["v7"]; got != "7" {
		t.Fatalf("v7 has %s findings", got)
	}
	must(w.registry.SetScan("library/app", digestOf(w, "library/app", "v7"), harbortest.Scan{Findings: map[string]int{"High": 70}}))
	w.request("all")
	eventually(t, func() string {
		if got := w.findings("all")["v7"]; got != "70" {
			return "v7 has " + got + " findings"
		}
		return ""
	})
}

// Only what is new is looked up after a sync that nobody asked for.
func TestOverviewsOfWhatIsNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scanned())
	w.hookSecret()
	w.inventory("all", withVulnerabilities, receiving)
	w.known("all")
	var asked atomic.Int32
	w.harbor.Inject(harbortest.Rule{If: func(r *http.Request) bool {
		if isOverview(r) {
			asked.Add(1)
		}
		return false
	}})
	digest := w.registry.Push("library/app", harbortest.Image{Tags: []string{"new"}})
	must(w.registry.SetScan("library/app", digest, harbortest.Scan{Findings: map[string]int{"High": 3}}))
	w.deliver("all", hookSecret, "PUSH_ARTIFACT", "library/app", digest)
	eventually(t, func() string {
		if got := w.findings("all")["new"]; got != "3" {
			return "the new one has " + got + " findings"
		}
		return ""
	})
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests looked up one artifact", n)
	}
}
