// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// edits finds out from the metadata of lists that somebody else edited or
// deleted one.
type edits struct {
	hints *hints
	now   func() time.Time

	mu sync.Mutex
	// removals holds the lists that the operator itself is deleting.
	removals map[types.UID]bool
}

func newEdits(h *hints, now func() time.Time) *edits {
	return &edits{hints: h, now: now, removals: map[types.UID]bool{}}
}

// removing notes that the operator is about to delete a list. The caller calls
// failed if nothing comes of it.
func (e *edits) removing(list types.UID) (failed func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removals[list] = true
	return func() { e.removed(list) }
}

// removed tells whether the operator itself deleted a list, once.
func (e *edits) removed(list types.UID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := e.removals[list]
	delete(e.removals, list)
	return own
}

// watch returns the handler for the metadata of ArtifactLists.
//
//	| what happened to a list                               | its repository is read |
//	|-------------------------------------------------------|------------------------|
//	| it is as the operator writes lists                    | no                     |
//	| labels, annotations or entries were edited            | yes                    |
//	| its owner was taken away, or it was given another one | yes                    |
//	| it was deleted, and not by the operator               | yes                    |
func (e *edits) watch() handler.EventHandler {
	want := func(q queue, lists ...client.Object) {
		for _, list := range lists {
			key := types.NamespacedName{Namespace: list.GetNamespace(), Name: inventoryOf(list)}
			if key.Name == "" {
				continue // nobody's
			}
			now := e.now()
			hintsReceived.WithLabelValues(byEdit.String()).Inc()
			at := e.hints.edited(key, list.GetAnnotations()[v1alpha1.AnnotationRepository], now)
			q.AddAfter(reconcile.Request{NamespacedName: key}, at.Sub(now))
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, ev event.CreateEvent, q queue) {
			if !asWritten(ev.Object) {
				want(q, ev.Object)
			}
		},
		UpdateFunc: func(_ context.Context, ev event.UpdateEvent, q queue) {
			before, after := metav1.GetControllerOfNoCopy(ev.ObjectOld), metav1.GetControllerOfNoCopy(ev.ObjectNew)
			if !asWritten(ev.ObjectNew) || before != nil && after != nil && after.Name != before.Name {
				want(q, ev.ObjectOld, ev.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, ev event.DeleteEvent, q queue) {
			if !e.removed(ev.Object.GetUID()) {
				want(q, ev.Object)
			}
		},
	}
}

// asWritten tells from its metadata whether a list may be as the operator left
// it: content of the generation that the operator wrote, a hash that this or
// another version of the operator can read, the labels that belong to its
// repository, and an owner or the mark that it has none.
func asWritten(list client.Object) bool {
	annotations, labels := list.GetAnnotations(), list.GetLabels()
	_, err := shard.ParseHash(annotations[v1alpha1.AnnotationContentHash])
	repository := annotations[v1alpha1.AnnotationRepository]
	project, _, named := harbor.SplitRepository(repository)
	return (err == nil || errors.Is(err, shard.ErrOtherVersion)) && named && statesOwner(list) && labels[v1alpha1.LabelInventory] == inventoryOf(list) &&
		labels[v1alpha1.LabelProject] == shard.ProjectLabel(project) &&
		labels[v1alpha1.LabelRepositoryHash] == shard.RepositoryHash(repository) &&
		annotations[v1alpha1.AnnotationWrittenGeneration] == strconv.FormatInt(list.GetGeneration(), 10)
}

// inventoryOf names the inventory that a list belongs to: the one that has named
// it, for nobody can edit a name. A list with a name of another form belongs to
// its owner, or to the inventory that its label names.
func inventoryOf(list client.Object) string {
	if name, ok := shard.InventoryOf(list.GetName()); ok {
		return name
	}
	owner := metav1.GetControllerOfNoCopy(list)
	if owner != nil && owner.Kind == "HarborInventory" {
		return owner.Name
	}
	return list.GetLabels()[v1alpha1.LabelInventory]
}
