// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Two inventories of one Harbor stay within the manager's bound together, 20
// here, however the URL is spelled.
func TestMaxConnectionsPerHarbor(t *testing.T) {
	w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 4, Repositories: 80, Artifacts: 20}))
	// So slow that the Harbor, not the machine, decides how late answers come: one
	// whose answers come later and later is asked for less at a time.
	w.harbor.SetLatency(500 * time.Millisecond)
	for i, name := range []string{"one", "two"} {
		w.inventory(name, func(s *v1alpha1.HarborInventorySpec) {
			s.MaxConnections = 15
			s.Harbor.URL += strings.Repeat("/", i)
		})
	}
	for _, name := range []string{"one", "two"} {
		w.condition(name, "Ready=True", "Complete=True")
		w.equal(w.held(), w.shown(name))
	}
	// More than either may have alone, so they are at work together. All 20 are not
	// in flight at once where the machine has other things to do.
	if got := w.harbor.Stats().HighestEver; got <= 15 || got > 20 {
		t.Errorf("%d requests were in flight at the height, want more than 15 and at most the bound, 20", got)
	}
}

func TestStatusMode(t *testing.T) {
	t.Parallel()
	inStatus := func(s *v1alpha1.HarborInventorySpec) { s.Output.Mode = v1alpha1.OutputStatus }
	t.Run("as many as it takes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 5, Artifacts: 100}))
		w.inventory("all", inStatus)
		inv := w.condition("all", "Ready=True Succeeded", "Complete=True")
		if n := len(inv.Status.ArtifactEntries); n != 500 {
			t.Errorf("%d entries, want 500", n)
		}
		// One more is too many: that is said, and nothing is cut.
		w.registry.Push("library/one-more", harbortest.Image{Tags: []string{"1"}})
		inv = w.request("all")
		if !slices.Contains(conditions(inv), "Stalled=True TooManyArtifacts") || !slices.Contains(conditions(inv), "Ready=False TooManyArtifacts") {
			t.Errorf("conditions %v", conditions(inv))
		}
		if got := message(inv, "Stalled"); !strings.Contains(got, "501") || !strings.Contains(got, "ArtifactLists") {
			t.Errorf("message %q", got)
		}
		if n := len(inv.Status.ArtifactEntries); n != 500 {
			t.Errorf("%d entries are left of the 500 that were there", n)
		}
		must(w.registry.DeleteRepository("library/one-more"))
		inv = w.request("all")
		if !slices.Contains(conditions(inv), "Ready=True Succeeded") {
			t.Errorf("conditions %v", conditions(inv))
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		reg := small()
		for i := range 40 {
			tags := make([]string, 900)
			for j := range tags {
				tags[j] = fmt.Sprintf("%02d-%03d-a-rather-long-name", i, j)
			}
			reg.Push("team/app", harbortest.Image{Tags: tags})
		}
		w := newWorld(t, reg)
		w.inventory("all", inStatus)
		w.condition("all", "Stalled=True TooManyArtifacts")
	})
	t.Run("keeps what cannot be read", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, small())
		w.inventory("all", inStatus)
		before := w.condition("all", "Complete=True").Status.ArtifactEntries
		w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.Gateway(502)})
		inv := w.request("all")
		if !slices.Contains(conditions(inv), "Complete=False PartialFailure") || len(inv.Status.ArtifactEntries) != len(before) {
			t.Errorf("%d entries of %d, conditions %v", len(inv.Status.ArtifactEntries), len(before), conditions(inv))
		}
	})
}

// judgments computes what Flux, with kstatus, and Argo CD, with the health check of
// config/gitops, would make of an inventory.
func judgments(t *testing.T, inv *v1alpha1.HarborInventory) (flux status.Status, argo string) {
	t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HarborInventory"))
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(inv), u); err != nil {
		t.Fatal(err)
	}
	result, err := status.Compute(u)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status, argoHealth(t, u)
}

// What Flux (wait, healthChecks), kubectl wait and Argo CD see.
func TestKstatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	release := w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.Stall()})
	inv := w.inventory("all")
	expect := func(state string, want status.Status, health string) {
		t.Helper()
		flux, argo := judgments(t, inv)
		if flux != want || argo != health {
			t.Errorf("%s: kstatus %s, want %s; Argo CD %s, want %s: %s", state, flux, want, argo, health, messages(w.get("all")))
		}
	}
	expect("just made, or at the first sync", status.InProgressStatus, "Progressing")
	w.condition("all", "Reconciling=True Progressing", "Ready=Unknown Progressing")
	expect("at the first sync", status.InProgressStatus, "Progressing")
	eventually(t, func() string {
		if p := w.get("all").Status.Progress; p == nil || p.RepositoriesTotal != 3 || p.RepositoriesDone != 0 {
			return fmt.Sprintf("progress %+v", p)
		}
		return ""
	})
	release()
	w.condition("all", "Ready=True Succeeded", "Complete=True")
	expect("complete", status.CurrentStatus, "Healthy")
	if p := w.get("all").Status.Progress; p != nil {
		t.Errorf("progress %+v after the sync", p)
	}

	remove := w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.Gateway(502)})
	w.request("all")
	expect("failed in parts, policy Continue", status.CurrentStatus, "Healthy")
	remove()
	remove = w.harbor.Inject(harbortest.Rule{Fault: harbortest.Gateway(502)})
	w.request("all")
	expect("Harbor is down", status.InProgressStatus, "Degraded")
	remove()
	w.condition("all", "Complete=True")
	expect("recovered", status.CurrentStatus, "Healthy")

	w.suspend(true)
	w.condition("all", "Ready=True Suspended")
	expect("suspended", status.CurrentStatus, "Suspended")
	w.suspend(false)
	w.condition("all", "Ready=True Succeeded")
	w.putSecret("robot", robot, "wr0ng-passw0rd")
	w.request("all")
	expect("wrong credentials", status.InProgressStatus, "Degraded")
	if err := kube.DeleteAllOf(t.Context(), secretKind(), client.InNamespace(w.ns)); err != nil {
		t.Fatal(err)
	}
	w.request("all")
	expect("no Secret", status.FailedStatus, "Degraded")
}

func (w *world) suspend(on bool) {
	w.Helper()
	inv := w.get("all")
	before := inv.DeepCopy()
	inv.Spec.Suspend = on
	if err := kube.Patch(w.Context(), inv, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	w := synced(t, small())
	before := w.shown("all")
	w.suspend(true)
	w.condition("all", "Ready=True Suspended")
	w.registry.Push("team/app", harbortest.Image{Tags: []string{"later"}})
	requests := w.harbor.Stats().Total
	inv := w.get("all")
	patch := inv.DeepCopy()
	patch.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: "now"}
	if err := kube.Patch(t.Context(), patch, client.MergeFrom(inv)); err != nil {
		t.Fatal(err)
	}
	// Another inventory's sync shows that the operator has gone on meanwhile.
	w.inventory("other", func(s *v1alpha1.HarborInventorySpec) {
		s.Harbor.URL = harbortest.NewServer(t, small(), harbortest.Options{}).URL
	})
	w.condition("other", "Ready=True")
	if got := w.harbor.Stats().Total; got != requests {
		t.Errorf("%d requests while suspended", got-requests)
	}
	w.stillShown(before)
	w.suspend(false)
	w.condition("all", "Ready=True Succeeded")
	w.equal(w.held(), w.shown("all"))
}

// A sync that finds nothing new writes no list and touches the status once.
func TestNothingNewIsQuiet(t *testing.T) {
	t.Parallel()
	w := synced(t, small(), func(s *v1alpha1.HarborInventorySpec) { s.Interval = metav1.Duration{Duration: 10 * time.Second} })
	lists, first := w.versions("all"), w.get("all")
	events := len(w.events("all"))
	watch, err := kube.Watch(t.Context(), &v1alpha1.HarborInventoryList{}, client.InNamespace(w.ns))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	eventually(t, func() string {
		if w.get("all").Status.LastSyncTime.Equal(first.Status.LastSyncTime) {
			return "no second sync yet"
		}
		return ""
	})
	inv := w.get("all")
	seen := 0
	for len(watch.ResultChan()) > 0 {
		if e := <-watch.ResultChan(); e.Type == "MODIFIED" {
			seen++
		}
	}
	if seen > 1 {
		t.Errorf("%d writes to the inventory in one sync", seen)
	}
	if n := differences(lists, w.versions("all")); n > 0 {
		t.Errorf("%d lists were written", n)
	}
	if !slices.EqualFunc(first.Status.Conditions, inv.Status.Conditions, func(a, b metav1.Condition) bool { return a == b }) {
		t.Errorf("conditions went from %v to %v", first.Status.Conditions, inv.Status.Conditions)
	}
	if n := len(w.events("all")); n != events {
		t.Errorf("%d new events", n-events)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	w := synced(t, small())
	before := w.shown("all")
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.Stall()})
	inv := w.get("all")
	old := inv.DeepCopy()
	inv.Spec.Timeout = metav1.Duration{Duration: 10 * time.Second}
	if err := kube.Patch(t.Context(), inv, client.MergeFrom(old)); err != nil {
		t.Fatal(err)
	}
	// On a busy machine not every sync gets as far as that in its time.
	eventually(t, func() string {
		got := message(w.condition("all", "Ready=False TimedOut", "Complete=False TimedOut"), "Ready")
		if !strings.Contains(got, "2 of 3 repositories") || !strings.Contains(got, "spec.timeout") {
			return fmt.Sprintf("message %q", got)
		}
		return ""
	})
	w.stillShown(before)
}

// Names of any length make valid labels and object names.
func TestLongNames(t *testing.T) {
	t.Parallel()
	reg := small()
	project := strings.Repeat("p", 200)
	must(reg.CreateProject(project, false))
	for _, suffix := range []string{"/a", "/b", "/" + strings.Repeat("r", 54), "/" + strings.Repeat("r", 53) + "s"} {
		reg.Push(project+suffix, harbortest.Image{Tags: []string{"1"}})
	}
	w := newWorld(t, reg)
	name := strings.Repeat("n", 63)
	w.inventory(name)
	w.condition(name, "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown(name))
}
