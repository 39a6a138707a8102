// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// Edits and deletions by hand are put right without anybody asking for it.
func TestHandEditsArePutRight(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*v1alpha1.ArtifactList) error{
		"entry removed": func(l *v1alpha1.ArtifactList) error {
			l.Artifacts = l.Artifacts[1:]
			return save(l)
		},
		"tag invented": func(l *v1alpha1.ArtifactList) error {
			l.Artifacts[0].Tags = []string{"invented"}
			return save(l)
		},
		"hash edited": func(l *v1alpha1.ArtifactList) error {
			l.Annotations[v1alpha1.AnnotationContentHash] = "nonsense"
			return save(l)
		},
		"annotations removed": func(l *v1alpha1.ArtifactList) error {
			l.Annotations = nil
			return save(l)
		},
		"repository annotation removed": func(l *v1alpha1.ArtifactList) error {
			delete(l.Annotations, v1alpha1.AnnotationRepository)
			return save(l)
		},
		"moved to another inventory": func(l *v1alpha1.ArtifactList) error {
			l.Labels[v1alpha1.LabelInventory] = "other"
			return save(l)
		},
		"moved to another repository": func(l *v1alpha1.ArtifactList) error {
			l.Annotations[v1alpha1.AnnotationRepository] = "library/nginx"
			return save(l)
		},
		"labels removed": func(l *v1alpha1.ArtifactList) error {
			l.Labels = nil
			return save(l)
		},
		"owner removed": func(l *v1alpha1.ArtifactList) error {
			l.OwnerReferences = nil
			return save(l)
		},
		"list deleted": func(l *v1alpha1.ArtifactList) error {
			return kube.Delete(context.Background(), l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			w.inventory("all", func(s *v1alpha1.HarborInventorySpec) { s.Output.MaxArtifactsPerList = new(int32(3)) })
			inv := w.condition("all", "Ready=True")
			edited := 0
			for _, l := range w.lists("all") {
				// The first of two lists, so that the other one has room for its entries.
				if l.Repository == "team/app" && len(l.Artifacts) == 3 {
					must(edit(&l))
					edited++
				}
			}
			if edited != 1 {
				t.Fatalf("%d lists were edited", edited)
			}
			eventually(t, func() string { return w.wrong(inv) })
			before := w.versions("all")
			w.request("all")
			if n := differences(before, w.versions("all")); n > 0 {
				t.Errorf("%d lists were written once more", n)
			}
		})
	}
}

// wrong says what is not as it should be in the lists of an inventory, found by
// their label and by their owner.
func (w *world) wrong(inv *v1alpha1.HarborInventory) string {
	w.Helper()
	if diff := cmp.Diff(w.held(), w.shown(inv.Name)); diff != "" {
		return "wanted (-), shown (+):\n" + diff
	}
	var lists v1alpha1.ArtifactListList
	must(kube.List(w.Context(), &lists, client.InNamespace(w.ns)))
	for _, l := range lists.Items {
		want := map[string]string{
			v1alpha1.AnnotationRepository:        l.Repository,
			v1alpha1.AnnotationContentHash:       shard.HashEntries(l.Artifacts).String(),
			v1alpha1.AnnotationWrittenGeneration: strconv.FormatInt(l.Generation, 10),
		}
		if !metav1.IsControlledBy(&l, inv) || l.Labels[v1alpha1.LabelInventory] != inv.Name || !maps.Equal(l.Annotations, want) {
			return fmt.Sprintf("list %s: owners %v, labels %v, annotations %v", l.Name, l.OwnerReferences, l.Labels, l.Annotations)
		}
	}
	return ""
}

func save(l *v1alpha1.ArtifactList) error { return kube.Update(context.Background(), l) }
