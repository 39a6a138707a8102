// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// +kubebuilder:rbac:groups=harborinventory.io,resources=harborinventories,verbs=get;list;watch
// +kubebuilder:rbac:groups=harborinventory.io,resources=harborinventories/status,verbs=patch
// +kubebuilder:rbac:groups=harborinventory.io,resources=artifactlists,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get
// Not to patch events: client-go counts with it what is told twice of one version
// of an object, and no event is.
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

// Options of a [Reconciler]. The zero value of a field stands for its default.
type Options struct {
	// MaxConnectionsPerHarbor bounds the requests in flight to one Harbor over
	// all inventories that name it. Default 20.
	MaxConnectionsPerHarbor int

	// MaxConcurrentReconciles is the number of inventories that are synced at a
	// time. Default 4.
	MaxConcurrentReconciles int

	// Writers is the number of lists that are written at a time, for each
	// inventory. Default 8.
	Writers int

	// Selector selects the inventories that are reconciled, by their labels; the
	// others are left alone, their lists too. Default: all.
	Selector labels.Selector

	// AuditInterval is the pause between two looks at Harbor's audit log, for each
	// inventory. Default 30 s.
	AuditInterval time.Duration

	// ReportsPause is the least time between two looks at which artifacts of an
	// inventory are the worst, for its vulnerability reports. Default 2 s. With
	// many lists the pause is longer.
	ReportsPause time.Duration

	// Webhooks says where Harbor's webhooks are received.
	Webhooks Webhooks

	// Migrations bounds the writes of lists whose content hash is of another
	// version of the operator, over all inventories. Default
	// DefaultMigrationsPerSecond.
	Migrations *rate.Limiter

	// Egress says which Harbors are allowed.
	Egress egress.Policy

	// MetricsRepositories is the number of repositories, over all inventories,
	// that have metrics of their own. Default: none.
	MetricsRepositories int

	// UserAgent is sent to Harbor.
	UserAgent string
}

// Reconciler brings the lists of a HarborInventory in line with Harbor.
type Reconciler struct {
	client     client.Client // writes
	writer     listStore     // writes lists
	live       client.Reader // reads past the cache
	cache      cache.Cache   // the metadata of lists
	recorder   events.EventRecorder
	options    Options
	harbors    *harbors
	running    *running
	hinting    *running
	reporting  *running
	laning     *running
	reports    *reports
	hints      *hints
	edits      *edits
	memory     *memory
	wake       chan event.GenericEvent // has an inventory looked at
	hintWake   chan event.GenericEvent // has the hints of one looked at
	laneWake   chan event.GenericEvent // has the details of one looked up
	migrations *rate.Limiter
	receiver   *receiver.Server // nil: webhooks are not received
	now        func() time.Time
	// dial connects to Harbor, if it is not to be over TCP.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Setup adds a reconciler to the manager.
func Setup(mgr ctrl.Manager, options Options) error {
	r := &Reconciler{
		client:    mgr.GetClient(),
		live:      mgr.GetAPIReader(),
		cache:     mgr.GetCache(),
		recorder:  mgr.GetEventRecorder("harbor-inventory"),
		options:   options.withDefaults(),
		running:   newRunning(),
		hinting:   newRunning(),
		reporting: newRunning(),
		laning:    newRunning(),
		reports:   newReports(),
		hints:     newHints(),
		memory:    newMemory(),
		wake:      make(chan event.GenericEvent),
		hintWake:  make(chan event.GenericEvent),
		laneWake:  make(chan event.GenericEvent),
		now:       time.Now,
	}
	r.edits = newEdits(r.hints, r.now)
	r.harbors = newHarbors(r.options.MaxConnectionsPerHarbor)
	r.migrations = r.options.Migrations
	var err error
	if r.writer, err = newListWriter(mgr); err != nil {
		return err
	}
	for _, collector := range []prometheus.Collector{r.harbors, r.inventoryMetrics(mgr)} {
		if err := metrics.Registry.Register(collector); err != nil {
			return err
		}
	}
	// Only metadata of lists is ever cached.
	err = mgr.GetCache().IndexField(context.Background(), listMetadata(), indexInventory, func(list client.Object) []string {
		return []string{inventoryOf(list), shard.Prefix(list.GetName())}
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("harborinventory").
		WithOptions(crcontroller.Options{MaxConcurrentReconciles: r.options.MaxConcurrentReconciles}).
		Watches(&v1alpha1.HarborInventory{}, r.running.interrupting(&handler.EnqueueRequestForObject{}),
			builder.WithPredicates(asksForWork())).
		WatchesRawSource(source.Channel(r.wake, &handler.EnqueueRequestForObject{})).
		Complete(r)
	if err != nil {
		return err
	}
	return errors.Join(r.setupHints(mgr), r.setupLane(mgr), r.setupReports(mgr), r.setupWebhooks(mgr), r.setupHealth(mgr))
}

func (o Options) withDefaults() Options {
	for _, field := range []struct {
		value    *int
		standard int
	}{{&o.MaxConnectionsPerHarbor, 20}, {&o.MaxConcurrentReconciles, 4}, {&o.Writers, 8}} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	if o.AuditInterval <= 0 {
		o.AuditInterval = 30 * time.Second
	}
	if o.ReportsPause <= 0 {
		o.ReportsPause = 2 * time.Second
	}
	if o.Selector == nil {
		o.Selector = labels.Everything()
	}
	if o.Migrations == nil {
		o.Migrations = rate.NewLimiter(DefaultMigrationsPerSecond, 1)
	}
	return o
}

// Reconcile brings one inventory up to date, if it is time:
//
//  1. Decide whether to sync, and why (due.go).
//  2. Bring the ownership of its lists in line with its deletionPolicy (ownership.go).
//  3. Check the spec and read what it refers to (resolve.go).
//  4. Announce what is about to happen.
//  5. Read Harbor and write the lists, repository by repository (sync.go).
//  6. Tell the outcome (outcome.go).
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	// Read past the cache, which may not have our own last status yet.
	var inv v1alpha1.HarborInventory
	if err := r.live.Get(ctx, req.NamespacedName, &inv); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !r.options.Selector.Matches(labels.Set(inv.Labels)) {
		r.forget(req.NamespacedName)
		return ctrl.Result{}, nil // another operator's
	}
	if inv.DeletionTimestamp != nil {
		return r.release(ctx, &inv)
	}
	// 1.
	wider, _ := r.hints.waiting(req.NamespacedName)
	decision := due(&inv, r.now(), wider)
	if decision.scope == scopeNone {
		return ctrl.Result{RequeueAfter: decision.after}, r.rest(ctx, &inv, decision)
	}
	ctx, cancel := r.running.begin(ctx, &inv)
	defer cancel()
	if r.superseded(ctx, &inv) {
		return ctrl.Result{}, nil // as when it happens later: its event brings us back
	}
	// 2.
	if err := r.own(ctx, &inv); err != nil {
		return ctrl.Result{}, err
	}
	// 3.
	plan, err := r.resolve(ctx, &inv)
	if err != nil {
		return r.stall(ctx, &inv, err)
	}
	defer plan.client.Close()
	// 4.
	started := metav1.NewTime(r.now())
	if err := r.announce(ctx, &inv, decision, started); err != nil {
		return ctrl.Result{}, ignoreGone(err)
	}
	// 5.
	ctx, end := traced(ctx, "sync", &inv, attribute.String("cause", string(decision.cause)), attribute.String("scope", decision.scope.String()))
	defer end()
	r.hints.begun(req.NamespacedName, decision.scope)
	result := r.sync(ctx, &inv, plan, decision, started)
	if result.registration, err = r.register(ctx, &inv, plan, &result); err != nil {
		return ctrl.Result{}, err
	}
	if interrupted(ctx) {
		return ctrl.Result{}, nil // deleted, changed or shutting down: its event brings us back
	}
	// 6.
	next, err := r.conclude(ctx, &inv, result)
	if decision.cause == causeRequested {
		r.memory.recall(&inv).lookAnew(r.now())
	}
	r.wakeLane(ctx, &inv)
	return next, err
}

// forget drops what is known of an inventory that is gone, or another operator's.
func (r *Reconciler) forget(inventory types.NamespacedName) {
	r.memory.forget(inventory)
	r.harbors.forget(inventory)
}

// ignoreGone drops the error of a write to an inventory that was deleted meanwhile.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
