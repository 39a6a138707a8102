// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func TestDeletedInMidSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 60, Artifacts: 120}))
	remove := w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 40, Fault: harbortest.Stall()})
	inv := w.inventory("all")
	eventually(t, func() string {
		if n := len(w.lists("all")); n < 10 {
			return fmt.Sprintf("%d lists so far", n)
		}
		return ""
	})
	if err := kube.Delete(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if stats := w.harbor.Stats(); stats.InFlight > 0 {
			return fmt.Sprintf("%d requests are still in flight", stats.InFlight)
		}
		if n := len(w.lists("all")); n > 0 {
			return fmt.Sprintf("%d lists are left", n)
		}
		return ""
	})
	requests := w.harbor.Stats().Total
	watch, err := kube.Watch(t.Context(), &v1alpha1.ArtifactListList{}, client.InNamespace(w.ns))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	remove()
	// Another inventory of the same Harbor comes to its end; by then the first would have gone on.
	w.inventory("after", func(s *v1alpha1.HarborInventorySpec) { s.Repositories = repositories([]string{"library/*"}) })
	w.condition("after", "Ready=True")
	for len(watch.ResultChan()) > 0 {
		if l, ok := (<-watch.ResultChan()).Object.(*v1alpha1.ArtifactList); ok && l.Labels[v1alpha1.LabelInventory] == "all" {
			t.Errorf("list %s was written after the inventory was deleted", l.Name)
		}
	}
	if w.harbor.Stats().Total == requests {
		t.Error("the second inventory made no request")
	}
}
