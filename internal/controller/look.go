// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// setupLane adds the controller that looks up overviews between the syncs.
func (r *Reconciler) setupLane(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("harborinventory-details").
		WithOptions(crcontroller.Options{MaxConcurrentReconciles: r.options.MaxConcurrentReconciles}).
		Watches(&v1alpha1.HarborInventory{}, r.laning.interrupting(&handler.EnqueueRequestForObject{}),
			builder.WithPredicates(asksForWork())).
		WatchesRawSource(source.Channel(r.laneWake, &handler.EnqueueRequestForObject{})).
		Complete(reconcile.Func(r.reconcileLane))
}

const (
	// laneSlice bounds how long one inventory is worked on before another one is.
	laneSlice = 10 * time.Second
	// laneTells is the pause between two updates of the status.
	laneTells = 5 * time.Second
)

// wakeLane has an inventory looked at for overviews, if it has any.
func (r *Reconciler) wakeLane(ctx context.Context, inv *v1alpha1.HarborInventory) {
	if len(overviewsOf(inv)) > 0 {
		wake(ctx, r.laneWake, inv)
	}
}

// reconcileLane looks up overviews of one inventory for a while:
//
//  1. Decide whether there is anything to do: not before a sync of everything has
//     ended, for the plain inventory comes first.
//  2. Check the spec and read what it refers to.
//  3. Look up a part at a time, the most urgent first, and write the lists.
//  4. Tell how far it has come.
func (r *Reconciler) reconcileLane(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var inv v1alpha1.HarborInventory
	if err := r.live.Get(ctx, req.NamespacedName, &inv); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	// 1.
	if !r.laneOpen(&inv) {
		return ctrl.Result{}, nil // a change of the inventory or the end of a sync wakes us
	}
	known := r.memory.recall(&inv)
	version, _ := known.complete()
	within := wantedVerifyInterval(&inv, version)
	next, pause := known.nextLookup(r.now(), within)
	if next == nil {
		return ctrl.Result{RequeueAfter: pause}, nil
	}
	ctx, cancel := r.laning.begin(ctx, &inv)
	defer cancel()
	// 2.
	plan, err := r.resolveBackground(ctx, &inv, func(config *harbor.Config) {
		config.Retry.Tries = 1 // tries are part of the budget
	})
	if err != nil { // the next sync tells of it
		known.lookedUp(next, nil, err, r.now())
		return ctrl.Result{RequeueAfter: laneRetry}, nil
	}
	defer plan.client.Close()
	// 3. 4.
	until := r.now().Add(laneSlice)
	for next != nil && r.now().Before(until) {
		rest, err := r.lookUp(ctx, &inv, plan, known, next)
		if interrupted(ctx) {
			known.putBack(next)
			return ctrl.Result{}, nil
		}
		known.lookedUp(next, rest, err, r.now())
		if err != nil {
			log.FromContext(ctx).Info("details could not be looked up; they are tried again", "repository", next.repository, "reason", err.Error())
		}
		if next, pause = known.nextLookup(r.now(), within); next != nil && !known.tellDue(r.now(), laneTells) {
			continue
		}
		if err := r.tellNumbers(ctx, &inv); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: max(pause, time.Millisecond)}, nil
}

// laneOpen tells whether overviews of an inventory are to be looked up at all.
func (r *Reconciler) laneOpen(inv *v1alpha1.HarborInventory) bool {
	if !r.options.Selector.Matches(labels.Set(inv.Labels)) || inv.DeletionTimestamp != nil || inv.Spec.Suspend ||
		inv.Status.ObservedGeneration != inv.Generation || len(overviewsOf(inv)) == 0 {
		return false
	}
	_, whole := r.memory.recall(inv).complete()
	return whole
}

// lookUp looks up a part of what is asked for, writes the lists where something
// has changed, and returns the digests that are left.
func (r *Reconciler) lookUp(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, known *knowledge, l *lookup) (rest []string, err error) {
	out, err := r.newHintOutput(ctx, inv, p, []string{l.repository})
	if err != nil {
		return nil, err
	}
	unseen := known.unseenOf(l.repository)
	digests := l.digests
	var entries []v1alpha1.ArtifactEntry
	live, err := out.listsAsWritten(ctx, l.repository)
	if err != nil {
		return nil, err
	}
	if entries, _ = trusted(live); digests == nil {
		digests = l.chooseFrom(entries, unseen, p.overviews)
	}
	found, rest, err := r.ask(ctx, p, known, l.repository, digests)
	if err == nil {
		err = r.confirmLack(ctx, p, known, l.repository, entries, found)
	}
	if err != nil {
		return nil, err
	}
	changed, err := out.amend(ctx, l.repository, live, found)
	if err != nil {
		return nil, err
	}
	countLooks(l.kind, len(found), changed)
	if p.filter.NeedsScans() && r.noteUnseen(known, p, l.repository, entries, unseen, found) {
		name := client.ObjectKeyFromObject(inv)
		r.hints.repository(name, l.repository, named{}, byEdit, r.now()) // it is read again, and the filter applied
		wake(ctx, r.hintWake, inv)
	}
	return rest, nil
}

// chooseFrom returns the digests to look up: of what is pending, of everything,
// or of what a scan has named. That may be a child of an index, which no list
// shows: the indexes are looked up then. They are in the order of the lists, so
// that each part is in few of them.
func (l *lookup) chooseFrom(entries []v1alpha1.ArtifactEntry, unseen map[string]*harbor.ScanOverview, asked []v1alpha1.Detail) (digests []string) {
	shown := 0
	for i := range entries {
		if l.urgent[entries[i].Digest] {
			shown++
		}
	}
	indexes := shown < len(l.urgent)
	for i := range entries {
		e := &entries[i]
		if l.wants(e.Digest, inventory.Pending(e, asked)) || indexes && isIndex(e) {
			digests = append(digests, e.Digest)
		}
	}
	for _, digest := range slices.Sorted(maps.Keys(unseen)) {
		if l.wants(digest, unseen[digest] == nil) {
			digests = append(digests, digest)
		}
	}
	return digests
}

func (l *lookup) wants(digest string, pending bool) bool {
	switch l.kind {
	case lookPending:
		return pending
	case lookUrgent:
		return len(l.urgent) == 0 || l.urgent[digest]
	default:
		return true
	}
}

// isIndex goes by the media types of OCI's and Docker's indexes.
func isIndex(e *v1alpha1.ArtifactEntry) bool {
	return strings.Contains(e.ManifestMediaType, ".index.") || strings.Contains(e.ManifestMediaType, ".manifest.list.")
}

// ask looks up so many of the artifacts as one part has, and returns those that
// Harbor has, and the digests that are left. Harbor takes a list of digests for
// a condition, so these and no others come.
func (r *Reconciler) ask(ctx context.Context, p *plan, known *knowledge, repository string, digests []string) (found map[string]*harbor.Artifact, rest []string, err error) {
	details := detailsOf(p.overviews)
	found = map[string]*harbor.Artifact{}
	for range laneRequests {
		n := min(known.lookSize(), len(digests))
		if n == 0 {
			break
		}
		if err := known.lane.budget.Wait(ctx); err != nil {
			return nil, nil, err
		}
		page, err := p.client.ArtifactsPage(transport.Background(ctx), repository, harbor.ArtifactOptions{
			PageOptions: harbor.PageOptions{PageSize: n}, Query: harbor.DigestQuery(digests[:n]), Details: details,
		})
		laneRequestsTotal.WithLabelValues(outcomeOf(err)).Inc()
		known.noteLook(errors.Is(err, harbor.ErrUnavailable))
		if err != nil {
			return nil, nil, err
		}
		for i := range page.Items {
			found[page.Items[i].Digest] = &page.Items[i]
		}
		digests = digests[n:]
	}
	return found, digests, nil
}

func outcomeOf(err error) string {
	if err != nil {
		return "failed"
	}
	return "succeeded"
}

// detailsOf is what Harbor is asked for.
func detailsOf(overviews []v1alpha1.Detail) harbor.Details {
	return harbor.Details{
		Scan: slices.Contains(overviews, v1alpha1.DetailVulnerabilities),
		SBOM: slices.Contains(overviews, v1alpha1.DetailSBOM),
	}
}

// confirmLack asks once more about each artifact whose overview was known and is
// missing now: Harbor leaves one out when its database fails it.
func (r *Reconciler) confirmLack(ctx context.Context, p *plan, known *knowledge, repository string, entries []v1alpha1.ArtifactEntry, found map[string]*harbor.Artifact) error {
	for i := range entries {
		a := found[entries[i].Digest]
		if a == nil || !inventory.Lacks(&entries[i], a, p.overviews) {
			continue
		}
		for range 2 { // what Confirm asks
			if err := known.lane.budget.Wait(ctx); err != nil {
				return err
			}
		}
		err := fetch.Confirm(transport.Background(ctx), p.client, repository, a, detailsOf(p.overviews))
		laneRequestsTotal.WithLabelValues(outcomeOf(err)).Add(2)
		if err != nil {
			return fmt.Errorf("asking again for details of %s: %w", a.Digest, err)
		}
	}
	return nil
}

// listsAsWritten returns the lists of a repository. They are looked for where the cache
// has not heard yet of all that were written.
func (o *listOutput) listsAsWritten(ctx context.Context, repository string) ([]v1alpha1.ArtifactList, error) {
	live, err := o.read(ctx, repository)
	if was, ok := o.known.of(repository); err == nil && ok && len(live) != was.lists {
		return o.search(ctx, repository)
	}
	return live, err
}

// amend puts what was found into the lists, and returns how many entries that has
// changed. The lists are read again if they are not as they were given.
func (o *listOutput) amend(ctx context.Context, repository string, live []v1alpha1.ArtifactList, found map[string]*harbor.Artifact) (changed int, err error) {
	unlock, err := o.known.lock(ctx, repository)
	if err != nil {
		return 0, err
	}
	defer unlock()
	sure := !o.plan.client.Troubled()
	for try := range writeTries {
		entries, all := trusted(live)
		if was, _ := o.known.of(repository); try > 0 || shard.HashEntries(entries) != was.hash {
			if live, err = o.listsAsWritten(ctx, repository); err != nil {
				return 0, err
			}
			entries, all = trusted(live)
		}
		if !all {
			return 0, nil // they are about to be put right; what is pending stays so
		}
		if changed = lookAt(entries, found, o.plan.overviews, sure); changed == 0 {
			return 0, nil
		}
		lists, hash, placed := o.place(ctx, repository, entries, live)
		if err = placed; err == nil {
			moved := false
			o.known.amend(repository, func(r *remembered) {
				if r.hash, r.totals = hash, inventory.TotalsOf(entries, o.plan.overviews); r.lists != lists {
					r.lists, r.written, moved = lists, o.r.now(), true
				}
			})
			if moved { // what is read by name needs the names
				o.settle(ctx, nil)
			}
			return changed, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			break
		}
	}
	return 0, fmt.Errorf("writing the lists of %s: %w", repository, err)
}

// lookAt puts what was found into entries, and returns how many that has changed.
func lookAt(entries []v1alpha1.ArtifactEntry, found map[string]*harbor.Artifact, overviews []v1alpha1.Detail, sure bool) (changed int) {
	for i := range entries {
		a := found[entries[i].Digest]
		if a == nil {
			continue
		}
		if now, differs := inventory.Look(&entries[i], a, overviews, sure); differs {
			entries[i] = now
			changed++
		}
	}
	return changed
}

// noteUnseen keeps the scans in mind that were found of artifacts which no list
// shows, and tells whether the filter has to be applied anew.
func (r *Reconciler) noteUnseen(known *knowledge, p *plan, repository string, entries []v1alpha1.ArtifactEntry, unseen map[string]*harbor.ScanOverview, found map[string]*harbor.Artifact) (anew bool) {
	for i := range entries {
		if a := found[entries[i].Digest]; a != nil && !p.filter.LetsScan(a.Scan) {
			anew = true
		}
	}
	learned := map[string]*harbor.ScanOverview{}
	for digest, was := range unseen {
		a := found[digest]
		if a == nil || a.Scan == nil && p.client.Troubled() {
			continue
		}
		if a.Scan == nil {
			a.Scan = &harbor.ScanOverview{} // looked up, and there is none
		}
		learned[digest] = a.Scan
		anew = anew || p.filter.LetsScan(a.Scan) != p.filter.LetsScan(was)
	}
	known.learnUnseen(repository, learned)
	return anew
}
