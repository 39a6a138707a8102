// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// realm is a simulated Harbor, a store and an operator, all in one bubble of
// testing/synctest. Real are the Reconciler with all that it does of its own, the
// receiver of webhooks, the engine, the client, and HTTP between them and Harbor;
// the network is pipes, and the store stands for the API server. The controllers'
// queues are the two loops of operator.
type realm struct {
	registry *harbortest.Registry
	harbor   *harbortest.Handler
	pipes    *pipes
	store    *store
	operator *operator
	stopHTTP func()
}

const (
	harborAddress   = "harbor.test:80"
	receiverAddress = "operator.test:80"
)

// realmRegistry has an empty project p, and the robot that a realm's inventory logs
// in as.
func realmRegistry() *harbortest.Registry {
	registry := harbortest.New()
	registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret", Webhooks: true})
	fine(registry.CreateProject("p", false))
	return registry
}

func newRealm(registry *harbortest.Registry, options harbortest.Options, spec v1alpha1.HarborInventorySpec) *realm {
	w := &realm{registry: registry, pipes: newPipes()}
	options.Webhooks.Dial = w.pipes.dial
	w.harbor = harbortest.NewHandler(registry, options)
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		panic(err)
	}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }
	w.store = &store{
		scheme: scheme, latency: 3 * time.Millisecond, lists: map[string]*v1alpha1.ArtifactList{},
		inv: &v1alpha1.HarborInventory{ObjectMeta: meta("all"), Spec: spec},
		secrets: map[string]*corev1.Secret{
			"robot": {ObjectMeta: meta("robot"), Data: map[string][]byte{"username": []byte("robot$inventory"), "password": []byte("secret")}},
			"hook":  {ObjectMeta: meta("hook"), Data: map[string][]byte{v1alpha1.SecretKeyAuthorization: []byte("hook")}},
		},
		see: func(context.Context, *v1alpha1.ArtifactList, *v1alpha1.ArtifactList) {},
	}
	w.store.inv.UID, w.store.inv.Generation = "inventory", 1
	w.serveHarbor()
	return w
}

// realmSpec is of an inventory of everything, with labels.
func realmSpec() v1alpha1.HarborInventorySpec {
	return v1alpha1.HarborInventorySpec{
		Harbor: v1alpha1.HarborEndpoint{
			URL: "http://harbor.test", PlainHTTP: true, CredentialsSecretRef: &v1alpha1.LocalObjectReference{Name: "robot"},
		},
		Webhook:        v1alpha1.Webhook{Mode: v1alpha1.WebhookRegister, URL: "http://operator.test", SecretRef: &v1alpha1.LocalObjectReference{Name: "hook"}},
		Include:        []v1alpha1.Detail{v1alpha1.DetailLabels},
		MaxConnections: 5, Interval: metav1.Duration{Duration: 5 * time.Minute}, Timeout: metav1.Duration{Duration: 30 * time.Minute},
		VerifyInterval: &metav1.Duration{Duration: 30 * time.Minute},
		Output:         v1alpha1.Output{Mode: v1alpha1.OutputArtifactLists, DeletionPolicy: v1alpha1.DeletionPolicyDelete},
	}
}

// serveHarbor lets Harbor be reached.
func (w *realm) serveHarbor() {
	server := &http.Server{
		Handler: w.harbor, ConnState: w.harbor.ConnState, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}
	listener := w.pipes.listen(harborAddress)
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(listener) })
	w.stopHTTP = func() {
		_ = server.Close()
		_ = listener.Close()
		group.Wait()
	}
}

// restartHarbor keeps Harbor from being reached for some time.
func (w *realm) restartHarbor(pause time.Duration) {
	w.stopHTTP()
	time.Sleep(pause)
	w.serveHarbor()
}

// close ends everything that runs.
func (w *realm) close() {
	w.harbor.Close()
	w.stopHTTP()
}

// operator is one process of the operator.
type operator struct {
	r     *Reconciler
	kill  context.CancelFunc
	group sync.WaitGroup
	pumps sync.WaitGroup
}

type silent struct{ events.EventRecorder }

func (silent) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}

// layerKey is the context's key for who writes: "sync" or "hint".
type layerKey struct{}

// start starts the operator, with nothing in its memory.
func (w *realm) start() {
	killed, kill := context.WithCancel(logr.NewContext(context.Background(), logr.Discard()))
	s := &session{store: w.store, killed: killed}
	options := Options{UserAgent: "test", Webhooks: Webhooks{Address: receiverAddress}, Egress: egress.Policy{PlainHTTP: true}}.withDefaults()
	r := &Reconciler{
		client: s, writer: s, live: s, cache: cacheOf{session: s}, recorder: silent{}, options: options,
		running: newRunning(), hinting: newRunning(), hints: newHints(), memory: newMemory(),
		wake: make(chan event.GenericEvent), hintWake: make(chan event.GenericEvent),
		harbors: newHarbors(options.MaxConnectionsPerHarbor), migrations: options.Migrations, now: time.Now, dial: w.pipes.dial,
	}
	r.edits = newEdits(r.hints, r.now)
	w.operator = &operator{r: r, kill: kill}
	hooks, err := receiver.New(receiver.Config{Secrets: r.webhookSecrets, Hint: r.webhookHint, Registerer: prometheus.NewRegistry()})
	if err != nil {
		panic(err)
	}
	server, listener := &receiver.Server{Receiver: hooks}, w.pipes.listen(receiverAddress)
	w.operator.group.Go(func() { _ = server.Serve(killed, listener) })
	w.operator.work(killed, "sync", r.wake, r.Reconcile)
	w.operator.work(killed, "hint", r.hintWake, r.reconcileHints)
}

// work reconciles when it is time or somebody says so, as a controller does.
func (o *operator) work(ctx context.Context, layer string, wake chan event.GenericEvent, do func(context.Context, ctrl.Request) (ctrl.Result, error)) {
	awake := make(chan struct{}, 1)
	o.pumps.Go(func() {
		for range wake {
			select {
			case awake <- struct{}{}:
			default: // it is awake
			}
		}
	})
	ctx = context.WithValue(ctx, layerKey{}, layer)
	o.group.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			case <-awake:
			}
			result, err := do(ctx, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "all"}})
			switch {
			case err != nil:
				timer.Reset(time.Second)
			case result.RequeueAfter > 0:
				timer.Reset(result.RequeueAfter)
			}
		}
	})
}

// stop kills the operator: it changes nothing more. It tells whether a sync was
// under way.
func (w *realm) stop() (syncing bool) {
	o := w.operator
	o.r.running.mu.Lock()
	syncing = len(o.r.running.syncs) > 0
	o.r.running.mu.Unlock()
	o.kill()
	o.group.Wait()
	close(o.r.wake)
	close(o.r.hintWake)
	o.pumps.Wait()
	return syncing
}

// edit changes the inventory. As a controller's event handlers do, it ends what is
// under way for the spec that was.
func (w *realm) edit(change func(*v1alpha1.HarborInventory)) {
	w.store.mu.Lock()
	inv := w.store.inv.DeepCopy()
	change(inv)
	if !equality.Semantic.DeepEqual(inv.Spec, w.store.inv.Spec) {
		inv.Generation++
	}
	inv.ResourceVersion = w.store.next()
	w.store.inv = inv
	w.store.mu.Unlock()
	if o := w.operator; o != nil {
		o.r.running.interrupt(inv, false)
		o.r.hinting.interrupt(inv, false)
		o.r.wake <- event.GenericEvent{Object: inv}
		o.r.hintWake <- event.GenericEvent{Object: inv}
	}
}

// inventory returns the inventory as it is.
func (w *realm) inventory() *v1alpha1.HarborInventory {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.inv.DeepCopy()
}

// shown renders what the lists hold: "repository@digest [tags] {labels}", sorted.
func (w *realm) shown() (lines []string) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, l := range w.store.lists {
		for _, a := range l.Artifacts {
			lines = append(lines, realmLine(l.Repository, a.Digest, a.Tags, a.Labels))
		}
	}
	slices.Sort(lines)
	return lines
}

// held renders what Harbor lists.
func (w *realm) held() (lines []string) {
	listed, _ := w.registry.Listed()
	for _, a := range listed {
		lines = append(lines, realmLine(a.Repository, a.Digest, a.Tags, a.Labels))
	}
	slices.Sort(lines)
	return lines
}

func realmLine(repository, digest string, tags, labels []string) string {
	return fmt.Sprintf("%s@%s [%s] {%s}", repository, digest[:15],
		strings.Join(slices.Sorted(slices.Values(tags)), " "), strings.Join(slices.Sorted(slices.Values(labels)), " "))
}
