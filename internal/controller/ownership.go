// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// A list belongs to the inventory that its label names; two inventories of one
// namespace never have the same name. What becomes of it when that inventory is
// deleted stands in its metadata, where the garbage collector looks:
//
//	| output.deletionPolicy | controller reference | annotation deletion-policy |
//	|-----------------------|----------------------|----------------------------|
//	| Delete                | the inventory        | none                       |
//	| Orphan                | none                 | Orphan                     |
//
// The annotation tells a list that has no owner on purpose from one whose owner
// somebody took away.

// orphaned tells whether a list is to outlive its inventory, by its own account.
func orphaned(list metav1.Object) bool {
	return list.GetAnnotations()[v1alpha1.AnnotationDeletionPolicy] == string(v1alpha1.DeletionPolicyOrphan)
}

// statesOwner tells whether a list either has an owner or says why not.
func statesOwner(list metav1.Object) bool {
	return (metav1.GetControllerOfNoCopy(list) != nil) != orphaned(list)
}

// owned tells whether the metadata of a list says what the inventory asks for.
func owned(list metav1.Object, inv *v1alpha1.HarborInventory) bool {
	if inv.Spec.Output.DeletionPolicy == v1alpha1.DeletionPolicyOrphan {
		return orphaned(list) && len(list.GetOwnerReferences()) == 0
	}
	return !orphaned(list) && metav1.IsControlledBy(list, inv)
}

// setOwner makes the metadata of a list say what the inventory asks for.
func setOwner(list metav1.Object, inv *v1alpha1.HarborInventory, scheme *runtime.Scheme) error {
	list.SetOwnerReferences(nil)
	annotations := list.GetAnnotations()
	if inv.Spec.Output.DeletionPolicy != v1alpha1.DeletionPolicyOrphan {
		delete(annotations, v1alpha1.AnnotationDeletionPolicy)
		return controllerutil.SetControllerReference(inv, list, scheme)
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.AnnotationDeletionPolicy] = string(v1alpha1.DeletionPolicyOrphan)
	list.SetAnnotations(annotations)
	return nil
}

// own makes the lists that stand belong to the inventory as it asks for, before
// and whatever becomes of a sync: who sets Orphan because Harbor is no more
// cannot wait for Harbor.
func (r *Reconciler) own(ctx context.Context, inv *v1alpha1.HarborInventory) error {
	return r.give(ctx, inv, r.standing, func(err error) { noteWrite(verbUpdate, err) })
}

// give makes the objects that stand belong to the inventory as it asks for. Only
// metadata is written, and only where it differs; each write is noted. It is over
// when the cache shows it: a change that follows at once would otherwise take the
// objects for what they were before.
func (r *Reconciler) give(ctx context.Context, inv *v1alpha1.HarborInventory, standing func(context.Context, *v1alpha1.HarborInventory) ([]metav1.PartialObjectMetadata, error), note func(error)) error {
	all, err := standing(ctx, inv)
	if err != nil {
		return err
	}
	group, writing := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Writers)
	differ := false
	for i := range all {
		if owned(&all[i], inv) {
			continue
		}
		differ = true
		group.Go(func() error { return r.giveTo(writing, inv, &all[i], note) })
	}
	if err := group.Wait(); err != nil || !differ {
		return err
	}
	_ = wait.PollUntilContextTimeout(ctx, settlePause, settleLimit, true, func(ctx context.Context) (bool, error) {
		all, err := standing(ctx, inv)
		return !slices.ContainsFunc(all, func(m metav1.PartialObjectMetadata) bool { return !owned(&m, inv) }), err
	})
	return nil
}

func (r *Reconciler) giveTo(ctx context.Context, inv *v1alpha1.HarborInventory, object *metav1.PartialObjectMetadata, note func(error)) error {
	given := object.DeepCopy() // object is the cache's
	if err := setOwner(given, inv, r.client.Scheme()); err != nil {
		return err
	}
	// The patch holds nothing besides, so it may meet an object newer than the cache's.
	err := r.client.Patch(ctx, given, client.MergeFrom(object))
	note(err)
	if err != nil {
		return client.IgnoreNotFound(fmt.Errorf("setting the owner of %s: %w", object.Name, err))
	}
	return nil
}

// standing returns the metadata of the inventory's lists, as far as the cache knows.
func (r *Reconciler) standing(ctx context.Context, inv *v1alpha1.HarborInventory) ([]metav1.PartialObjectMetadata, error) {
	return r.listsUnder(ctx, inv, inv.Name)
}

// listsUnder returns the metadata of the lists that the cache's index has under
// a name: that of the inventory, or the prefix of the lists of a repository.
func (r *Reconciler) listsUnder(ctx context.Context, inv *v1alpha1.HarborInventory, name string) ([]metav1.PartialObjectMetadata, error) {
	return r.cached(ctx, inv, "ArtifactList", name)
}

// cached returns the metadata of the objects of a kind that the cache's index has
// under a name. They are the cache's own, and must not be changed.
func (r *Reconciler) cached(ctx context.Context, inv *v1alpha1.HarborInventory, kind, name string) ([]metav1.PartialObjectMetadata, error) {
	all := &metav1.PartialObjectMetadataList{}
	all.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
	if err := r.cache.List(ctx, all, client.InNamespace(inv.Namespace), client.MatchingFields{indexInventory: name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the %ss: %w", kind, err)
	}
	return all.Items, nil
}

// repositoryOf returns the repository that a list belongs to: what its annotation
// says, unless the list's name contradicts, which nobody can edit. Then the list
// itself is read. A list that belongs nowhere by either goes with its annotation.
func (r *Reconciler) repositoryOf(ctx context.Context, inv *v1alpha1.HarborInventory, m *metav1.PartialObjectMetadata) (string, error) {
	names := func(repository string) bool {
		_, ok := shard.NewNamer(inv.Name, repository).Index(m.Name)
		return ok
	}
	annotated := m.Annotations[v1alpha1.AnnotationRepository]
	if names(annotated) {
		return annotated, nil
	}
	var list v1alpha1.ArtifactList
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(m), &list); err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("reading the ArtifactList %s: %w", m.Name, err)
	}
	if names(list.Repository) {
		return list.Repository, nil
	}
	return annotated, nil
}
