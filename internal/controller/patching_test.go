// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// What a webhook names is seen at once: by a request for it alone, or where that
// does not tell all, by reading its repository.
func TestWhatAHintNames(t *testing.T) {
	const (
		other     = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
		index     = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a09"
		signature = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0a"
	)
	untold := func(r *harbortest.Registry, change func()) {
		r.SetNotifications(false)
		change()
		r.SetNotifications(true)
	}
	for name, test := range map[string]struct {
		change func(*harbortest.Registry)
		alone  bool
		fault  harbortest.Fault
		writes int // 1
		signed int // more signatures are shown at the end
	}{
		"a push": {change: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{Tags: []string{"new"}}) }, alone: true},
		"a tag that moves": {change: func(r *harbortest.Registry) {
			r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"latest"}})
		}, alone: true},
		"a last tag that moves": {change: func(r *harbortest.Registry) {
			r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"only"}})
		}},
		"an image without a tag": {change: func(r *harbortest.Registry) { r.Push("p/a", harbortest.Image{}) }},
		"an index": {change: func(r *harbortest.Registry) {
			r.PushIndex("p/a", harbortest.Index{Image: harbortest.Image{Tags: []string{"most"}}, Children: []harbortest.Child{{}}})
		}},
		"a signature":      {change: func(r *harbortest.Registry) { r.PushAccessory("p/a", shared, harbortest.Accessory{}) }, signed: 1},
		"a new repository": {change: func(r *harbortest.Registry) { r.Push("p/new", harbortest.Image{Tags: []string{"1"}}) }},
		"one made again": {change: func(r *harbortest.Registry) {
			untold(r, func() { fine(r.DeleteRepository("p/a")) })
			r.Push("p/a", harbortest.Image{Tags: []string{"1"}})
		}, signed: -1},
		"a deletion": {change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) }, alone: true},
		"a deletion and a push": {change: func(r *harbortest.Registry) {
			fine(r.DeleteArtifact("p/a", shared))
			r.Push("p/a", harbortest.Image{Tags: []string{"1", "latest"}})
		}, alone: true},
		"a deletion that is made good at once": {change: func(r *harbortest.Registry) {
			fine(r.DeleteArtifact("p/a", shared))
			r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"again"}})
		}},
		"a deletion that is made good, untold": {change: func(r *harbortest.Registry) {
			fine(r.DeleteArtifact("p/a", shared))
			untold(r, func() { r.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"again"}}) })
		}, alone: true},
		"a deletion, while Harbor is in trouble": {
			change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) },
			fault:  harbortest.InternalError(),
		},
		"a deletion, and Harbor counts more": {
			change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) },
			fault:  harbortest.TotalCount(1),
		},
		"an index that is deleted, with a child": {change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", "all")) }, alone: true},
		"a signature that is deleted":            {change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", signature)) }, signed: -1},
		"a signed one that is deleted":           {change: func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", other)) }, alone: true, signed: -1},
		"all that there is": {change: func(r *harbortest.Registry) {
			fine(r.DeleteArtifact("p/b", "1"))
		}},
		"a deletion of what nobody knows": {change: func(r *harbortest.Registry) {
			untold(r, func() { r.Push("p/a", harbortest.Image{Tags: []string{"short"}}) })
			fine(r.DeleteArtifact("p/a", "short"))
		}, alone: true, writes: -1},
		"a deletion, and a tag that a push took before": {change: func(r *harbortest.Registry) {
			r.Push("p/a", harbortest.Image{Digest: index, Tags: []string{"latest"}})
			fine(r.DeleteArtifact("p/a", "latest"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := realmRegistry()
				registry.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"1"}})
				registry.Push("p/a", harbortest.Image{Digest: other, Tags: []string{"2", "latest"}})
				registry.Push("p/a", harbortest.Image{Tags: []string{"only"}})
				registry.PushIndex("p/a", harbortest.Index{Image: harbortest.Image{Tags: []string{"all"}}, Children: []harbortest.Child{{}}})
				registry.PushAccessory("p/a", other, harbortest.Accessory{Image: harbortest.Image{Digest: signature}})
				registry.Push("p/b", harbortest.Image{Tags: []string{"1"}})
				spec := realmSpec()
				spec.Include = append(spec.Include, v1alpha1.DetailAccessories)
				w := newRealm(registry, harbortest.Options{}, spec)
				writes := 0
				w.store.see = func(context.Context, *v1alpha1.ArtifactList, *v1alpha1.ArtifactList) { writes++ }
				w.start()
				time.Sleep(time.Minute)
				before, written := w.harbor.Stats(), writes
				w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Count: 1, Fault: test.fault})
				test.change(registry)
				time.Sleep(5 * time.Second)
				if diff := gocmp.Diff(w.held(), w.shown()); diff != "" {
					t.Errorf("Harbor lists (-), the lists show (+):\n%s", diff)
				}
				if want := max(0, cmp.Or(test.writes, 1)); writes != written+want {
					t.Errorf("%d writes, want %d", writes-written, want)
				}
				signatures := 0
				w.store.mu.Lock()
				for _, list := range w.store.lists {
					for _, e := range list.Artifacts {
						signatures += len(e.Accessories)
					}
				}
				w.store.mu.Unlock()
				if signatures != 1+test.signed {
					t.Errorf("%d signatures are shown", signatures)
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

// A sync reads a repository while the answer about a deletion is under way, and is
// done before it comes. Which of the two is newer is not known: the artifact may
// have been pushed again, so it stays until Harbor is asked anew.
func TestAnswerOvertakenBySync(t *testing.T) {
	named := func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("q"), "digest") }
	listing := func(r *http.Request) bool { return !named(r) }
	for name, test := range map[string]struct {
		remove func(*harbortest.Registry)
		answer harbortest.Rule
	}{
		"about the artifact": {
			func(r *harbortest.Registry) { fine(r.DeleteArtifact("p/a", shared)) }, harbortest.Rule{If: named},
		},
		"about the repository": {
			func(r *harbortest.Registry) { fine(r.RunRetention("p/a", 1)) }, harbortest.Rule{If: listing, Skip: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := realmRegistry()
				registry.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"1"}})
				registry.Push("p/a", harbortest.Image{Tags: []string{"2"}})
				w := newRealm(registry, harbortest.Options{Latency: 10 * time.Millisecond}, realmSpec())
				var gone atomic.Bool
				w.store.see = func(_ context.Context, _, now *v1alpha1.ArtifactList) {
					if now == nil || len(now.Artifacts) < 2 {
						gone.Store(true)
					}
				}
				w.start()
				time.Sleep(time.Minute)
				gone.Store(false)

				w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, If: listing, Count: 1, Fault: harbortest.Delay(10 * time.Second)})
				test.answer.Class, test.answer.Count, test.answer.Fault = harbortest.ClassArtifacts, 1, harbortest.Stall()
				answer := w.harbor.Inject(test.answer)
				w.edit(func(inv *v1alpha1.HarborInventory) {
					inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: "now"}
				})
				time.Sleep(2 * time.Second) // the sync's request is on its way
				test.remove(registry)
				time.Sleep(2 * time.Second) // Harbor has made its answer to the hint's
				registry.SetNotifications(false)
				registry.Push("p/a", harbortest.Image{Digest: shared, Tags: []string{"1"}})
				time.Sleep(10 * time.Second) // the sync is done
				answer()
				time.Sleep(10 * time.Second)
				if diff := gocmp.Diff(w.held(), w.shown()); diff != "" || gone.Load() {
					t.Errorf("it was gone: %t; Harbor lists (-), the lists show (+):\n%s", gone.Load(), diff)
				}
				w.stop()
				w.close()
			})
		})
	}
}
