// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// +kubebuilder:rbac:groups=harborinventory.io,resources=vulnerabilityreports,verbs=get;list;watch;create;update;patch;delete

const (
	// reportChunk is how many lists are read at a time to choose artifacts: of 256
	// KiB at most, so that 5 MiB are in memory.
	reportChunk = 20

	// reportBudget is the time for which reports are read before it is looked again
	// which artifacts are the worst.
	reportBudget = time.Minute

	// maxReportBytes bounds the body of a report that is read. 3.7 MB were seen
	// (goharbor/harbor#11462).
	maxReportBytes = 16 << 20

	// reportPausePerList adds up to the least pause between two looks at all lists, so
	// that reading many of them again and again stays a small part of the work.
	reportPausePerList = 20 * time.Millisecond
)

// setupReports adds the controller of vulnerability reports. It follows the lists,
// and never holds up those who write them.
func (r *Reconciler) setupReports(mgr ctrl.Manager) error {
	err := mgr.GetCache().IndexField(context.Background(), reportMetadata(), indexInventory, func(report client.Object) []string {
		name, _ := vulnerability.InventoryOf(report.GetName())
		return []string{name}
	})
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("harborinventory-reports").
		WithOptions(crcontroller.Options{MaxConcurrentReconciles: r.options.MaxConcurrentReconciles}).
		Watches(&v1alpha1.HarborInventory{}, r.reporting.interrupting(&handler.EnqueueRequestForObject{}),
			builder.WithPredicates(predicate.Or(asksForWork(), showsOthers()))).
		WatchesMetadata(&v1alpha1.ArtifactList{}, r.reports.watch(r.options.ReportsPause, func(client.Object) bool { return true }, inventoryOf)).
		WatchesMetadata(&v1alpha1.VulnerabilityReport{}, r.reports.watch(r.options.ReportsPause, r.reports.disturbed, reportInventory)).
		Complete(reconcile.Func(r.reconcileReports))
}

// showsOthers lets an inventory through whose status shows other artifacts.
func showsOthers() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false }, DeleteFunc: func(event.DeleteEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, _ := e.ObjectOld.(*v1alpha1.HarborInventory)
			after, _ := e.ObjectNew.(*v1alpha1.HarborInventory)
			return before != nil && after != nil && !equality.Semantic.DeepEqual(before.Status.ArtifactEntries, after.Status.ArtifactEntries)
		},
	}
}

func reportMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("VulnerabilityReport"))
	return m
}

// reportInventory names the inventory that a report belongs to, by its name.
func reportInventory(report client.Object) string {
	name, _ := vulnerability.InventoryOf(report.GetName())
	return name
}

// reconcileReports brings the reports of an inventory in line with its lists, if
// it is time:
//
//  1. Bring their ownership in line with the deletionPolicy.
//  2. Remove them all, where none are asked for.
//  3. Decide whether there is anything to do.
//  4. Choose artifacts by their lists, and plan.
//  5. Delete, change tags, and read and write.
//  6. Tell the outcome, and come back when something is due.
func (r *Reconciler) reconcileReports(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var inv v1alpha1.HarborInventory
	if err := r.live.Get(ctx, req.NamespacedName, &inv); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.reports.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !r.options.Selector.Matches(labels.Set(inv.Labels)) || inv.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	// 1.
	if err := r.give(ctx, &inv, r.standingReports, noteReportGiven); err != nil {
		return ctrl.Result{}, err
	}
	standing, err := r.standingReports(ctx, &inv)
	if err != nil {
		return ctrl.Result{}, err
	}
	// 2.
	if inv.Spec.VulnerabilityReports == nil {
		r.reports.forget(req.NamespacedName)
		return ctrl.Result{}, r.withoutReports(ctx, &inv, standing)
	}
	// 3.
	state := r.reports.recall(&inv)
	state.note(inv.Status.ArtifactEntries)
	every := wantedVerifyInterval(&inv, inv.Status.HarborVersion)
	switch pause := state.pause(r.now(), r.options.ReportsPause, every); {
	case inv.Spec.Suspend:
		return ctrl.Result{}, nil
	case inv.Status.ObservedGeneration != inv.Generation, inv.Status.Progress != nil, inv.Status.LastSyncTime == nil:
		return ctrl.Result{RequeueAfter: r.options.ReportsPause}, nil // what the lists show is not yet what is asked for
	case pause > 0:
		return ctrl.Result{RequeueAfter: pause}, nil
	}
	ctx, cancel := r.reporting.begin(ctx, &inv)
	defer cancel()
	// 4.
	pass := &reportPass{r: r, inv: &inv, state: state, standing: standing, written: map[string]string{}}
	if err := pass.plan(ctx, every); err != nil {
		return ctrl.Result{}, err
	}
	// 5. 6.
	err = errors.Join(pass.do(ctx), pass.conclude(ctx))
	if interrupted(ctx) || err != nil {
		state.again() // what was left undone is done the next time
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: max(time.Millisecond, state.pause(r.now(), r.options.ReportsPause, every))}, nil
}

// standingReports returns the metadata of the inventory's reports, as far as the
// cache knows.
func (r *Reconciler) standingReports(ctx context.Context, inv *v1alpha1.HarborInventory) ([]metav1.PartialObjectMetadata, error) {
	return r.cached(ctx, inv, "VulnerabilityReport", inv.Name)
}

// noteReportGiven counts a report whose owner was set, unless that failed.
func noteReportGiven(err error) {
	if err == nil {
		reportWrites.WithLabelValues(verbUpdate).Inc()
	}
}

// withoutReports removes all reports, and what the status says of them.
func (r *Reconciler) withoutReports(ctx context.Context, inv *v1alpha1.HarborInventory, standing []metav1.PartialObjectMetadata) error {
	for i := range standing {
		if err := r.deleteReport(ctx, &standing[i]); err != nil {
			return err
		}
	}
	status := inv.Status.DeepCopy()
	status.VulnerabilityReports = nil
	return ignoreGone(r.patchStatus(ctx, inv, status))
}

func (r *Reconciler) deleteReport(ctx context.Context, report *metav1.PartialObjectMetadata) error {
	gone := &v1alpha1.VulnerabilityReport{}
	gone.Namespace, gone.Name = report.Namespace, report.Name
	uid := report.UID
	if err := r.client.Delete(ctx, gone, client.Preconditions{UID: &uid}); err != nil {
		return client.IgnoreNotFound(err)
	}
	reportWrites.WithLabelValues(verbDelete).Inc()
	return nil
}

// reportClient returns a client for reports, and for bodies of a bounded size.
func (r *Reconciler) reportClient(ctx context.Context, inv *v1alpha1.HarborInventory) (*plan, error) {
	return r.resolveBackground(ctx, inv, func(config *harbor.Config) {
		config.MaxBodyBytes = maxReportBytes
		config.Retry.Tries = 2 // what fails twice is left for later
	})
}

// offer puts every artifact of the inventory to the selection, a chunk of lists
// at a time. It returns how many lists there are.
func (r *Reconciler) offer(ctx context.Context, inv *v1alpha1.HarborInventory, s *vulnerability.Selection) (n int, err error) {
	for i := range inv.Status.ArtifactEntries { // output.mode Status
		entry := &inv.Status.ArtifactEntries[i]
		s.Offer(entry.Repository, &entry.ArtifactEntry)
	}
	for next := ""; ; {
		var lists v1alpha1.ArtifactListList
		err := r.live.List(ctx, &lists, client.InNamespace(inv.Namespace), client.MatchingLabels{v1alpha1.LabelInventory: inv.Name},
			client.Limit(reportChunk), client.Continue(next))
		if err != nil {
			return n, err
		}
		n += len(lists.Items)
		for i := range lists.Items {
			for j := range lists.Items[i].Artifacts {
				s.Offer(lists.Items[i].Repository, &lists.Items[i].Artifacts[j])
			}
		}
		if next = lists.Continue; next == "" {
			return n, nil
		}
	}
}
