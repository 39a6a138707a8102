// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
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

	known *knowledge
	began time.Time // when the standing lists were looked at
	// hinted: a hint has the repositories read.
	hinted bool
	// pushed is when the newest artifact was pushed that was known when the sync
	// began; the zero time until everything has been read once.
	pushed time.Time
}

// indexInventory is the cache's index of lists by the inventory they belong to,
// and by the prefix of their names, which tells inventory and repository.
const indexInventory = "inventory"

func listMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ArtifactList"))
	return m
}

func (r *Reconciler) newListOutput(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, d decision) (*listOutput, error) {
	all, err := r.standing(ctx, inv)
	if err != nil {
		return nil, err
	}
	o := &listOutput{
		r: r, inv: inv, plan: p, rewrites: d.rewrites(), known: r.memory.recall(inv), began: r.now(),
		standing: map[string][]metav1.PartialObjectMetadata{},
		slots:    semaphore.NewWeighted(int64(r.options.Writers)), written: newWritten(),
	}
	for _, m := range all {
		repository, err := r.repositoryOf(ctx, inv, &m)
		if err != nil {
			return nil, err
		}
		o.standing[repository] = append(o.standing[repository], m)
	}
	return o, nil
}

func (o *listOutput) held() []string { return slices.Sorted(maps.Keys(o.standing)) }

// writeTries bounds how often the lists of a repository are planned again
// because somebody else changed them meanwhile.
const writeTries = 4

func (o *listOutput) write(ctx context.Context, repository fetch.Repository) error {
	unlock, err := o.known.lock(ctx, repository.Name)
	if err != nil {
		return err
	}
	defer unlock()
	if o.known.outdated(&repository) {
		return nil // a hint had it read again meanwhile
	}
	was, ok := o.known.of(repository.Name)
	if was.written.After(repository.Began) {
		// Single artifacts were read meanwhile, or all by who began before. Which of the
		// answers is newer is not known: all is read anew.
		o.r.hints.repository(client.ObjectKeyFromObject(o.inv), repository.Name, named{}, byAuditLog, o.r.now())
		return nil
	}
	artifact, pushed := newestPush(repository.Artifacts)
	o.known.notePush(artifact)
	now := remembered{pushed: pushed}
	if err := o.bring(ctx, repository, &now); err != nil {
		o.known.doubt(repository.Name)
		return err
	}
	read, same := current.StampOf(&repository.Before), ok && was.hash == now.hash
	if ok && !o.hinted && was.Read.Same(read) && !same {
		drift.Inc()
	}
	if o.hinted {
		was.Vain = 0
	}
	now.Record = was.After(read, repository.Began, same)
	if !ok { // nothing that is older than what was known before this sync is news
		was.pushed = o.pushed
	}
	if !o.hinted && !o.pushed.IsZero() && pushed.After(was.pushed) {
		o.known.noteUntold(repository.Name, o.r.now())
	}
	now.written = o.r.now()
	o.known.remember(repository.Name, now)
	return nil
}

// bring brings the lists of a repository in line with what was read, and tells
// what they hold then.
func (o *listOutput) bring(ctx context.Context, repository fetch.Repository, now *remembered) error {
	if err := o.confirmLabels(ctx, repository); err != nil {
		return err
	}
	standing := o.standing[repository.Name]
	// A hint may have had them written since the standing lists were looked at.
	was, _ := o.known.of(repository.Name)
	meanwhile := was.written.After(o.began)
	before, err := o.before(ctx, repository.Name, meanwhile)
	if err != nil {
		return err
	}
	artifacts := o.choose(repository, before)
	now.oldest = oldestPush(artifacts)
	entries := o.plan.entries(artifacts)
	inventory.Carry(entries, before, o.plan.overviews)
	if !o.rewrites && !meanwhile {
		if now.hash, now.lists = shard.HashEntries(entries), len(standing); o.intact(standing, *now) {
			now.totals = inventory.TotalsOf(entries, o.plan.overviews)
			return nil
		}
	}
	for try := range writeTries {
		if now.lists, now.hash, err = o.apply(ctx, repository.Name, artifacts, entries, meanwhile || try > 0); err == nil {
			now.totals = inventory.TotalsOf(entries, o.plan.overviews)
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			break
		}
	}
	return fmt.Errorf("writing the lists of %s: %w", repository.Name, err)
}

func oldestPush(artifacts []harbor.Artifact) (oldest time.Time) {
	for i := range artifacts {
		if at := artifacts[i].PushTime; oldest.IsZero() || !at.IsZero() && at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

func (p *plan) entries(artifacts []harbor.Artifact) []v1alpha1.ArtifactEntry {
	entries := make([]v1alpha1.ArtifactEntry, len(artifacts))
	for i := range artifacts {
		entries[i] = inventory.Entry(&artifacts[i], p.details)
	}
	return entries
}

// intact tells from metadata alone that the lists hold what they should, and that
// nobody else has touched them.
func (o *listOutput) intact(standing []metav1.PartialObjectMetadata, should remembered) bool {
	if len(standing) != should.lists {
		return false
	}
	var sum shard.Hash
	for i := range standing {
		hash, ok := o.sound(&standing[i])
		if !ok {
			return false
		}
		sum = sum.Add(hash)
	}
	return sum == should.hash
}

// sound returns the hash of a list's entries, if the list is as the operator left it.
func (o *listOutput) sound(m client.Object) (shard.Hash, bool) {
	hash, err := shard.ParseHash(m.GetAnnotations()[v1alpha1.AnnotationContentHash])
	return hash, err == nil && owned(m, o.inv) && m.GetLabels()[v1alpha1.LabelInventory] == o.inv.Name && asWritten(m)
}

// apply plans and writes the lists of one repository. It returns their number,
// and the hash of what they hold.
//
//  1. Read the lists as they are.
//  2. Ask again about details that an artifact had and seems to have lost.
//  3. Plan.
//  4. Create, then update, then delete: so no entry is without a list in between.
//
// With search the lists are looked for by label; else those are read that the
// cache knows, which spares a first sync the reading altogether.
func (o *listOutput) apply(ctx context.Context, repository string, artifacts []harbor.Artifact, entries []v1alpha1.ArtifactEntry, search bool) (lists int, hash shard.Hash, err error) {
	// 1.
	find := o.read
	if search {
		find = o.search
	}
	live, err := find(ctx, repository)
	if err != nil {
		return 0, shard.Hash{}, err
	}
	// 2.
	if err := o.confirm(ctx, repository, live, artifacts, entries); err != nil {
		return 0, shard.Hash{}, err
	}
	return o.place(ctx, repository, entries, live)
}

// place is the second half of apply: it brings entries into the lists that stand.
func (o *listOutput) place(ctx context.Context, repository string, entries []v1alpha1.ArtifactEntry, live []v1alpha1.ArtifactList) (lists int, hash shard.Hash, err error) {
	// 3.
	changes := shard.Plan(shard.NewNamer(o.inv.Name, repository), entries, o.existing(live), o.limits())
	// 4.
	byName := map[string]*v1alpha1.ArtifactList{}
	for i := range live {
		byName[live[i].Name] = &live[i]
	}
	if err := o.each(len(changes.Create), func(i int) error {
		return o.create(ctx, repository, changes.Create[i])
	}); err != nil {
		return 0, shard.Hash{}, err
	}
	if err := o.each(len(changes.Update), func(i int) error {
		l := changes.Update[i]
		if o.migrates(byName[l.Name], l) && !o.r.mayMigrate(ctx) {
			return nil // its content is right
		}
		return o.update(ctx, repository, l, byName[l.Name])
	}); err != nil {
		return 0, shard.Hash{}, err
	}
	if err := o.each(len(changes.Delete), func(i int) error {
		return o.remove(ctx, byName[changes.Delete[i]])
	}); err != nil {
		return 0, shard.Hash{}, err
	}
	return len(changes.Create) + len(changes.Update) + changes.Unchanged, changes.Hash, nil
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

func (o *listOutput) forget(ctx context.Context, repositories []string) []fetch.Failure {
	var failures []fetch.Failure
	for _, repository := range repositories {
		if err := o.removeAll(ctx, o.standing[repository]); err != nil {
			project, _, _ := harbor.SplitRepository(repository)
			failures = append(failures, fetch.Failure{Project: project, Repository: repository, Reason: fetch.ReasonWrite, Err: err})
			continue
		}
		o.known.drop(repository)
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

// finish counts what stands in the lists, and what was kept too: the lists of
// repositories that could not be read. After a sync that was ended early no
// numbers are told.
func (o *listOutput) finish(ctx context.Context, unread []string, into *result) error {
	o.settle(ctx, into.err)
	if into.ended() {
		return nil
	}
	var errs []error
	for _, repository := range unread {
		if _, ok := o.known.of(repository); ok {
			continue
		}
		live, err := o.search(ctx, repository)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		kept := remembered{lists: len(live)}
		for i := range live {
			kept.totals = kept.totals.Add(inventory.TotalsOf(live[i].Artifacts, o.plan.overviews))
		}
		o.known.remember(repository, kept)
	}
	into.is(o.known.sum())
	return errors.Join(errs...)
}
