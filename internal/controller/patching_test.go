// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// What a webhook names is seen at once: by a request for it alone, or where that
// does not tell all, by reading its repository.
func TestWhatAHintNames(t *testing.T) {
	const other = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for name, test := range map[string]struct {
		change func(*harbortest.Registry)
		alone  bool
	}{
		"a push": {func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) }, true},
		"a tag that moves": {func(r *harbortest.Registry) {
			r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"latest"}})
		}, true},
		"a last tag that moves": {func(r *harbortest.Registry) {
			r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"only"}})
		}, false},
		"an image without a tag": {func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{}) }, false},
		"an index": {func(r *harbortest.Registry) {
			r.PushIndex("p/a", harbortest.Index{Image: harbortest.Image{Tags: []string{"all"}}, Children: []harbortest.Child{{}}})
		}, false},
		"a signature":      {func(r *harbortest.Registry) { r.PushAccessory("p/a", shared, harbortest.Accessory{}) }, false},
		"a deletion":       {func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) }, false},
		"a new repository": {func(r *harbortest.Registry) { r.Push("p/new", harbortest.Image{Tags: []string{"1"}}) }, false},
		"one made again": {func(r *harbortest.Registry) {
			r.SetNotifications(false)
			fine(r.DeleteRepository("p/a"))
			r.SetNotifications(true)
			r.Push("p/a", harbortest.Image{Tags: []string{"1"}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := harbortest.New()
				registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret", Webhooks: true})
				fine(registry.CreateProject("p", false))
				registry.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"1"}})
				registry.Push("p/a", harbortest.Image{Digest: other, Tags: []string{"2", "latest"}})
				registry.Push("p/a", harbortest.Image{Tags: []string{"only"}})
				spec := realmSpec()
				spec.Include = append(spec.Include, v1alpha1.DetailAccessories)
				w := newRealm(registry, harbortest.Options{}, spec)
				writes := 0
				w.store.see = func(context.Context, *v1alpha1.ArtifactList, *v1alpha1.ArtifactList) { writes++ }
				w.start()
				time.Sleep(time.Minute)
				before, written := w.harbor.Stats(), writes
				test.change(registry)
				time.Sleep(5 * time.Second)
				if diff := cmp.Diff(w.held(), w.shown()); diff != "" {
					t.Errorf("Harbor lists (-), the lists show (+):\n%s", diff)
				}
				if writes != written+1 {
					t.Errorf("%d writes", writes-written)
				}
				after := w.harbor.Stats()
				if n := after.Requests(harbortest.ClassRepository) - before.Requests(harbortest.ClassRepository); (n == 0) != test.alone {
					t.Errorf("the repository was asked for %d times", n)
				}
				w.stop()
				w.close()
			})
		})
	}
}
