// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// A hint has a repository written while a sync goes on that looked at the lists
// before, or read Harbor before. The sync does not take what it saw then for what
// is there now: it leaves the lists as Harbor is, and writes none that is right.
func TestHintDuringSync(t *testing.T) {
	for name, test := range map[string]struct {
		hinted, since func(*harbortest.Registry) // with webhooks, and without
		read          bool                       // the sync has read the artifacts before
		writes        int                        // of the sync
	}{
		"a push": {
			hinted: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) },
			since:  func(*harbortest.Registry) {},
		},
		"a push after the sync's reading": {
			hinted: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) },
			since:  func(*harbortest.Registry) {},
			read:   true,
		},
		"a push, and one that nothing tells of": {
			hinted: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) },
			since:  func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"newer"}}) },
			writes: 1,
		},
		"a push that is taken back": { // the lists seen before would be right again
			hinted: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) },
			since:  func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", "new")) },
			writes: 1,
		},
		"a deletion that is made good": {
			hinted: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) },
			since: func(r *harbortest.Registry) {
				r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"shared"}})
			},
			writes: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := realmRegistry()
				for _, image := range []harbortest.Image{{Tags: []string{"1"}}, {Tags: []string{"2"}}, {}, {Digest: shared, Tags: []string{"shared"}}} {
					registry.Push("p/a", image)
				}
				spec, perList := realmSpec(), int32(1)
				spec.Output.MaxArtifactsPerList = &perList
				w := newRealm(registry, harbortest.Options{Latency: 10 * time.Millisecond}, spec)
				writes := map[any]int{}
				w.store.see = func(ctx context.Context, _, _ *v1alpha1.ArtifactList) { writes[ctx.Value(layerKey{})]++ }
				w.start()
				time.Sleep(time.Minute)

				// A sync of everything looks at the lists, and waits for Harbor.
				stall := harbortest.Rule{Class: harbortest.ClassProjects, Fault: harbortest.Stall()}
				if test.read { // it asks once more about the artifact without tags
					stall.Class, stall.Count = harbortest.ClassArtifacts, 1
					stall.If = func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("q"), "tags") }
				}
				release := w.harbor.Inject(stall)
				w.edit(func(inv *v1alpha1.HarborInventory) {
					inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: "now"}
				})
				time.Sleep(5 * time.Second)
				clear(writes)
				test.hinted(registry)
				time.Sleep(5 * time.Second)
				if diff := cmp.Diff(w.held(), w.shown()); diff != "" || writes["hint"] != 1 || writes["sync"] != 0 {
					t.Fatalf("after the hint, with the writes %v, Harbor lists (-), the lists show (+):\n%s", writes, diff)
				}
				registry.SetNotifications(false)
				test.since(registry)
				release()
				time.Sleep(5 * time.Second)
				if diff := cmp.Diff(w.held(), w.shown()); diff != "" {
					t.Errorf("after the sync, Harbor lists (-), the lists show (+):\n%s", diff)
				}
				if writes["hint"] != 1 || writes["sync"] != test.writes {
					t.Errorf("writes %v, want %d of the sync", writes, test.writes)
				}
				w.stop()
				w.close()
			})
		})
	}
}

const shared = "sha256:4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1"

// fine panics where a test makes a mistake.
func fine(err error) {
	if err != nil {
		panic(err)
	}
}
