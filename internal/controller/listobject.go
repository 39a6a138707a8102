// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strconv"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// object makes the ArtifactList of a planned list, without an owner.
func (o *listOutput) object(repository string, l shard.List) *v1alpha1.ArtifactList {
	project, _, _ := harbor.SplitRepository(repository)
	return &v1alpha1.ArtifactList{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.inv.Namespace,
			Name:      l.Name,
			Labels: map[string]string{
				v1alpha1.LabelInventory:      o.inv.Name,
				v1alpha1.LabelProject:        shard.ProjectLabel(project),
				v1alpha1.LabelRepositoryHash: shard.RepositoryHash(repository),
			},
			Annotations: map[string]string{
				v1alpha1.AnnotationRepository:  repository,
				v1alpha1.AnnotationContentHash: l.Hash.String(),
			},
		},
		Harbor:        o.inv.Spec.Harbor.URL,
		Project:       project,
		Repository:    repository,
		ArtifactCount: int32(len(l.Entries)), //nolint:gosec // at most 500
		Artifacts:     l.Entries,
	}
}

func (o *listOutput) create(ctx context.Context, repository string, l shard.List) error {
	list := o.object(repository, l)
	list.Annotations[v1alpha1.AnnotationWrittenGeneration] = "1" // what the API server gives a new object
	if err := setOwner(list, o.inv, o.r.client.Scheme()); err != nil {
		return err
	}
	err := o.send(ctx, verbCreate, list, o.r.writer.create)
	if apierrors.IsAlreadyExists(err) {
		return o.adopt(ctx, repository, l, err)
	}
	return err
}

// adopt takes over a list that stands under the right name and was not found by
// its labels: somebody edited them, or it is left of an inventory of this name.
func (o *listOutput) adopt(ctx context.Context, repository string, l shard.List, exists error) error {
	var live v1alpha1.ArtifactList
	if err := o.r.live.Get(ctx, client.ObjectKey{Namespace: o.inv.Namespace, Name: l.Name}, &live); err != nil {
		return err
	}
	if live.Labels[v1alpha1.LabelInventory] == o.inv.Name && live.Labels[v1alpha1.LabelRepositoryHash] == shard.RepositoryHash(repository) {
		return exists // only the cache was behind: plan again with what it holds
	}
	if live.Repository != repository && !metav1.IsControlledBy(&live, o.inv) && !orphaned(&live) {
		return exists
	}
	return o.update(ctx, repository, l, &live)
}

// update replaces a list, provided that it is still the one that was read: then
// the API server will count its generation up by one if the content differs.
func (o *listOutput) update(ctx context.Context, repository string, l shard.List, live *v1alpha1.ArtifactList) error {
	list := o.object(repository, l)
	list.ResourceVersion = live.ResourceVersion
	list.UID = live.UID
	generation := live.Generation
	if list.Harbor != live.Harbor || list.Project != live.Project || list.Repository != live.Repository ||
		list.ArtifactCount != live.ArtifactCount || !equality.Semantic.DeepEqual(list.Artifacts, live.Artifacts) {
		generation++
	}
	list.Annotations[v1alpha1.AnnotationWrittenGeneration] = strconv.FormatInt(generation, 10)
	if err := setOwner(list, o.inv, o.r.client.Scheme()); err != nil {
		return err
	}
	return o.send(ctx, verbUpdate, list, o.r.writer.update)
}

// remove deletes a list, provided that it is still the one that was read.
func (o *listOutput) remove(ctx context.Context, live *v1alpha1.ArtifactList) error {
	return client.IgnoreNotFound(o.delete(ctx, live, live.UID, live.ResourceVersion))
}

func (o *listOutput) delete(ctx context.Context, list *v1alpha1.ArtifactList, uid types.UID, version string) error {
	failed := o.r.edits.removing(uid)
	err := o.inSlot(ctx, func() error {
		ctx, end := tracedWrite(ctx, verbDelete, list.Name)
		err := o.r.client.Delete(ctx, list, client.Preconditions{UID: &uid, ResourceVersion: &version})
		end(err)
		return err
	})
	noteWrite(verbDelete, err)
	if err != nil {
		failed()
		return err
	}
	o.written.removed(list.Name, uid)
	return nil
}
