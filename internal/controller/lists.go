// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// listOutput writes ArtifactLists. What stands in the cluster is known by its
// metadata; the lists of a repository are read whole only when their hash
// differs from that of the entries.
type listOutput struct {
	r    *Reconciler
	inv  *v1alpha1.HarborInventory
	plan *plan
	// rewrites: look at every list whole.
	rewrites bool
	standing map[string][]metav1.PartialObjectMetadata // by repository

	slots   *semaphore.Weighted // for writes in flight
	written *written

	mu     sync.Mutex
	totals inventory.Totals
	lists  int
}

// indexInventory is the cache's index of lists by the inventories they belong to.
const indexInventory = "inventory"

func listMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ArtifactList"))
	return m
}

func (r *Reconciler) newListOutput(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, d decision) (*listOutput, error) {
	all := &metav1.PartialObjectMetadataList{}
	all.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ArtifactListList"))
	// They are only read here, so no copies are needed.
	err := r.cache.List(ctx, all, client.InNamespace(inv.Namespace), client.MatchingFields{indexInventory: inv.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the ArtifactLists: %w", err)
	}
	o := &listOutput{
		r: r, inv: inv, plan: p, rewrites: d.rewrites(), standing: map[string][]metav1.PartialObjectMetadata{},
		slots: semaphore.NewWeighted(int64(r.options.Writers)), written: newWritten(),
	}
	for _, m := range all.Items {
		repository := m.Annotations[v1alpha1.AnnotationRepository]
		o.standing[repository] = append(o.standing[repository], m)
	}
	return o, nil
}

func (o *listOutput) held() []string { return slices.Sorted(maps.Keys(o.standing)) }

// writeTries bounds how often the lists of a repository are planned again
// because somebody else changed them meanwhile.
const writeTries = 4

func (o *listOutput) write(ctx context.Context, repository fetch.Repository) error {
	if err := o.confirmLabels(ctx, repository); err != nil {
		return err
	}
	artifacts := o.plan.filter.Apply(repository.Artifacts)
	entries := o.plan.entries(artifacts)
	standing := o.standing[repository.Name]
	if !o.rewrites && o.same(standing, entries) {
		o.count(entries, len(standing))
		return nil
	}
	var err error
	for try := range writeTries {
		var lists int
		if lists, err = o.apply(ctx, repository.Name, artifacts, entries, try > 0); err == nil {
			o.count(entries, lists)
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			break
		}
	}
	return fmt.Errorf("writing the lists of %s: %w", repository.Name, err)
}

func (p *plan) entries(artifacts []harbor.Artifact) []v1alpha1.ArtifactEntry {
	entries := make([]v1alpha1.ArtifactEntry, len(artifacts))
	for i := range artifacts {
		entries[i] = inventory.Entry(&artifacts[i], p.details)
	}
	return entries
}

func (o *listOutput) count(entries []v1alpha1.ArtifactEntry, lists int) {
	totals := inventory.TotalsOf(entries)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.totals = o.totals.Add(totals)
	o.lists += lists
}

// same tells from metadata alone that the lists hold just these entries, and
// that nobody else has touched them.
func (o *listOutput) same(standing []metav1.PartialObjectMetadata, entries []v1alpha1.ArtifactEntry) bool {
	if len(standing) == 0 {
		return len(entries) == 0
	}
	var sum shard.Hash
	for i := range standing {
		hash, ok := o.sound(&standing[i])
		if !ok {
			return false
		}
		sum = sum.Add(hash)
	}
	return sum == shard.HashEntries(entries)
}

// sound returns the hash of a list's entries, if the list is as the operator left it.
func (o *listOutput) sound(m client.Object) (shard.Hash, bool) {
	hash, err := shard.ParseHash(m.GetAnnotations()[v1alpha1.AnnotationContentHash])
	return hash, err == nil && metav1.IsControlledBy(m, o.inv) && m.GetLabels()[v1alpha1.LabelInventory] == o.inv.Name && asWritten(m)
}

// apply plans and writes the lists of one repository. It returns their number.
//
//  1. Read the lists as they are.
//  2. Ask again about details that an artifact had and seems to have lost.
//  3. Plan.
//  4. Create, then update, then delete: so no entry is without a list in between.
//
// With search the lists are looked for by label; else those are read that the
// cache knows, which spares a first sync the reading altogether.
func (o *listOutput) apply(ctx context.Context, repository string, artifacts []harbor.Artifact, entries []v1alpha1.ArtifactEntry, search bool) (lists int, err error) {
	// 1.
	find := o.read
	if search {
		find = o.search
	}
	live, err := find(ctx, repository)
	if err != nil {
		return 0, err
	}
	// 2.
	if err := o.confirm(ctx, repository, live, artifacts, entries); err != nil {
		return 0, err
	}
	// 3.
	namer := shard.NewNamer(o.inv.Name, repository)
	changes := shard.Plan(namer, entries, o.existing(live), o.limits())
	// 4.
	byName := map[string]*v1alpha1.ArtifactList{}
	for i := range live {
		byName[live[i].Name] = &live[i]
	}
	if err := o.each(len(changes.Create), func(i int) error {
		return o.create(ctx, repository, changes.Create[i])
	}); err != nil {
		return 0, err
	}
	if err := o.each(len(changes.Update), func(i int) error {
		l := changes.Update[i]
		if o.migrates(byName[l.Name], l) && !o.r.mayMigrate(ctx) {
			return nil // its content is right
		}
		return o.update(ctx, repository, l, byName[l.Name])
	}); err != nil {
		return 0, err
	}
	if err := o.each(len(changes.Delete), func(i int) error {
		return o.remove(ctx, byName[changes.Delete[i]])
	}); err != nil {
		return 0, err
	}
	return len(changes.Create) + len(changes.Update) + changes.Unchanged, nil
}

func (o *listOutput) limits() shard.Limits {
	limits := shard.Limits{MaxEntries: v1alpha1.DefaultArtifactsPerList}
	if n := o.inv.Spec.Output.MaxArtifactsPerList; n != nil {
		limits.MaxEntries = int(*n)
	}
	return limits
}

// read returns those lists of a repository that the cache knows, as they are now.
func (o *listOutput) read(ctx context.Context, repository string) ([]v1alpha1.ArtifactList, error) {
	var lists []v1alpha1.ArtifactList
	for i := range o.standing[repository] {
		var list v1alpha1.ArtifactList
		err := o.r.live.Get(ctx, client.ObjectKeyFromObject(&o.standing[repository][i]), &list)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if list.Annotations[v1alpha1.AnnotationRepository] != repository {
			continue // the cache is behind: what was taken for a list of this repository is another's
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// search returns all lists of a repository as they are now.
func (o *listOutput) search(ctx context.Context, repository string) ([]v1alpha1.ArtifactList, error) {
	var lists v1alpha1.ArtifactListList
	err := o.r.live.List(ctx, &lists, client.InNamespace(o.inv.Namespace), client.MatchingLabels{
		v1alpha1.LabelInventory:      o.inv.Name,
		v1alpha1.LabelRepositoryHash: shard.RepositoryHash(repository),
	})
	return lists.Items, err
}

// existing marks lists to be written whatever their entries are: edited by
// others, left by an inventory of the same name, or of another spec.
func (o *listOutput) existing(live []v1alpha1.ArtifactList) []shard.Existing {
	existing := make([]shard.Existing, len(live))
	for i := range live {
		l := &live[i]
		hash, sound := o.sound(l)
		right := sound && hash == shard.HashEntries(l.Artifacts) && o.dressed(l)
		existing[i] = shard.Existing{Name: l.Name, Entries: l.Artifacts, Rewrite: !right}
	}
	return existing
}

// dressed tells whether what a list holds beside its entries is right.
func (o *listOutput) dressed(l *v1alpha1.ArtifactList) bool {
	want := o.object(l.Repository, shard.List{Name: l.Name, Entries: l.Artifacts})
	return l.Harbor == want.Harbor && l.Project == want.Project &&
		l.ArtifactCount == want.ArtifactCount && equality.Semantic.DeepEqual(l.Labels, want.Labels) &&
		l.Annotations[v1alpha1.AnnotationRepository] == l.Repository
}

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
	if err := controllerutil.SetControllerReference(o.inv, list, o.r.client.Scheme()); err != nil {
		return err
	}
	err := o.send(ctx, list, o.r.writer.create)
	if apierrors.IsAlreadyExists(err) {
		return o.adopt(ctx, repository, l, err)
	}
	if err == nil {
		listWrites.WithLabelValues("create").Inc()
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
	if live.Repository != repository && !metav1.IsControlledBy(&live, o.inv) {
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
	if err := controllerutil.SetControllerReference(o.inv, list, o.r.client.Scheme()); err != nil {
		return err
	}
	if err := o.send(ctx, list, o.r.writer.update); err != nil {
		return err
	}
	listWrites.WithLabelValues("update").Inc()
	return nil
}

// remove deletes a list, provided that it is still the one that was read.
func (o *listOutput) remove(ctx context.Context, live *v1alpha1.ArtifactList) error {
	return client.IgnoreNotFound(o.delete(ctx, live, live.UID, live.ResourceVersion))
}

func (o *listOutput) delete(ctx context.Context, list *v1alpha1.ArtifactList, uid types.UID, version string) error {
	failed := o.r.repairs.removing(uid)
	err := o.inSlot(ctx, func() error {
		return o.r.client.Delete(ctx, list, client.Preconditions{UID: &uid, ResourceVersion: &version})
	})
	if err != nil {
		failed()
		return err
	}
	o.written.removed(list.Name, uid)
	listWrites.WithLabelValues("delete").Inc()
	return nil
}

func (o *listOutput) forget(ctx context.Context, repositories []string) []fetch.Failure {
	var failures []fetch.Failure
	for _, repository := range repositories {
		if err := o.removeAll(ctx, o.standing[repository]); err != nil {
			project, _, _ := harbor.SplitRepository(repository)
			failures = append(failures, fetch.Failure{Project: project, Repository: repository, Reason: fetch.ReasonWrite, Err: err})
		}
	}
	return failures
}

func (o *listOutput) removeAll(ctx context.Context, lists []metav1.PartialObjectMetadata) error {
	return o.each(len(lists), func(i int) error {
		list := &v1alpha1.ArtifactList{}
		list.Namespace, list.Name = lists[i].Namespace, lists[i].Name
		// One that was written meanwhile is not what was to go.
		err := o.delete(ctx, list, lists[i].UID, lists[i].ResourceVersion)
		if apierrors.IsConflict(err) {
			return nil
		}
		return client.IgnoreNotFound(err)
	})
}

// finish counts what was kept too: the lists of repositories that could not be
// read. After a sync that was ended early no numbers are told, so none are read.
func (o *listOutput) finish(ctx context.Context, unread []string, into *result) error {
	o.settle(ctx, into.err)
	o.mu.Lock()
	defer o.mu.Unlock()
	if into.err != nil {
		unread = nil
	}
	var errs []error
	for _, repository := range unread {
		live, err := o.search(ctx, repository)
		errs = append(errs, err)
		for i := range live {
			o.totals = o.totals.Add(inventory.TotalsOf(live[i].Artifacts))
		}
		o.lists += len(live)
	}
	into.totals, into.lists = o.totals, o.lists
	return errors.Join(errs...)
}
