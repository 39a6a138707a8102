// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// often makes syncs come as often as the API allows.
func often(s *v1alpha1.HarborInventorySpec) { s.Interval = metav1.Duration{Duration: 10 * time.Second} }

// nextSync waits for the end of a sync that began later, and returns how many
// requests for artifacts there were since.
func (w *world) nextSync(name string) (artifacts int) {
	w.Helper()
	last := w.get(name).Status.LastSyncTime
	before := w.harbor.Stats().Requests(harbortest.ClassArtifacts)
	eventually(w.T, func() string {
		if w.get(name).Status.LastSyncTime.Equal(last) {
			return "no sync since"
		}
		return ""
	})
	return w.harbor.Stats().Requests(harbortest.ClassArtifacts) - before
}

// A sync reads the artifacts of those repositories that changed, and shows every
// change of artifacts and tags.
func TestOnlyWhatChangedIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("all", often)
	w.condition("all", "Ready=True", "Complete=True")
	for name, change := range map[string]func(){
		"nothing": func() {},
		"push":    func() { w.registry.Push("team/app", harbortest.Image{Tags: []string{"new"}}) },
		"tag":     func() { must(w.registry.AddTag("library/nginx", "1.0", "stable")) },
		"new":     func() { w.registry.Push("team/new", harbortest.Image{Tags: []string{"1"}}) },
		"delete":  func() { must(w.registry.DeleteRepository("team/tools/cli")) },
	} {
		before := w.versions("all")
		change()
		read := w.nextSync("all")
		w.equal(w.held(), w.shown("all"))
		wrote := differences(before, w.versions("all"))
		if changed := name != "nothing"; wrote != 0 && !changed || wrote != 1 && changed {
			t.Errorf("%s: %d lists were written", name, wrote)
		}
		if read > 2 { // a page, and perhaps the check of artifacts without a tag
			t.Errorf("%s: %d requests for artifacts", name, read)
		}
		if inv := w.get("all"); int(*inv.Status.Artifacts) != len(w.held()) || int(*inv.Status.ArtifactLists) != len(w.lists("all")) {
			t.Errorf("%s: the status counts %d artifacts in %d lists", name, *inv.Status.Artifacts, *inv.Status.ArtifactLists)
		}
	}
}
