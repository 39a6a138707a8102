// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Edits and deletions by hand are put right by the next sync.
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
			w.inventory("all")
			inv := w.condition("all", "Ready=True")
			for _, l := range w.lists("all") {
				if l.Repository == "team/app" {
					must(edit(&l))
				}
			}
			w.request("all")
			w.equal(w.held(), w.shown("all"))
			for _, l := range w.lists("all") {
				if len(l.OwnerReferences) != 1 || l.OwnerReferences[0].UID != inv.UID || l.Annotations[v1alpha1.AnnotationContentHash] == "nonsense" {
					t.Errorf("list %s: owners %v, annotations %v", l.Name, l.OwnerReferences, l.Annotations)
				}
			}
			before := w.versions("all")
			w.request("all")
			if n := differences(before, w.versions("all")); n > 0 {
				t.Errorf("%d lists were written once more", n)
			}
		})
	}
}

func save(l *v1alpha1.ArtifactList) error { return kube.Update(context.Background(), l) }
