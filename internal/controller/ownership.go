// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
// cannot wait for Harbor. Only metadata is written, and only where it differs.
func (r *Reconciler) own(ctx context.Context, inv *v1alpha1.HarborInventory) error {
	lists, err := r.standing(ctx, inv)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Writers)
	for i := range lists {
		if owned(&lists[i], inv) {
			continue
		}
		group.Go(func() error { return r.giveTo(ctx, inv, &lists[i]) })
	}
	return group.Wait()
}

func (r *Reconciler) giveTo(ctx context.Context, inv *v1alpha1.HarborInventory, list *metav1.PartialObjectMetadata) error {
	given := list.DeepCopy() // list is the cache's
	if err := setOwner(given, inv, r.client.Scheme()); err != nil {
		return err
	}
	// The patch holds nothing besides, so it may meet a list newer than the cache's.
	err := r.client.Patch(ctx, given, client.MergeFrom(list))
	noteWrite(verbUpdate, err)
	if err != nil {
		return client.IgnoreNotFound(fmt.Errorf("setting the owner of list %s: %w", list.Name, err))
	}
	return nil
}

// standing returns the metadata of the inventory's lists, as far as the cache knows.
func (r *Reconciler) standing(ctx context.Context, inv *v1alpha1.HarborInventory) ([]metav1.PartialObjectMetadata, error) {
	return r.listsUnder(ctx, inv, inv.Name)
}

// listsUnder returns the metadata of the lists that the cache's index has under
// a name: that of the inventory, or the prefix of the lists of a repository. They
// are the cache's own, and must not be changed.
func (r *Reconciler) listsUnder(ctx context.Context, inv *v1alpha1.HarborInventory, name string) ([]metav1.PartialObjectMetadata, error) {
	all := &metav1.PartialObjectMetadataList{}
	all.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ArtifactListList"))
	if err := r.cache.List(ctx, all, client.InNamespace(inv.Namespace), client.MatchingFields{indexInventory: name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the ArtifactLists: %w", err)
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
