// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// Namespaces of the tests.
const (
	mainNamespace  = "registries" // of the kubeconfig
	otherNamespace = "edge"
)

// noon is when the commands run.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// everything is all details.
var everything = func() inventory.Set {
	set, err := includeSet(details)
	if err != nil {
		panic(err)
	}
	return set
}()

// kube is the administrator's client.
func kube(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recorded reads some projects of the recorded Harbor, with all details, as the
// operator does.
func recorded(t *testing.T, projects ...string) []Artifact {
	t.Helper()
	server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	c, err := harbor.New(harbor.Config{URL: server.URL, Username: harbortest.AdminName, Password: harbortest.AdminSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	selection, err := fetch.NewSelection(projects, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	to := &gathered{}
	report, err := fetch.Run(t.Context(), c, fetch.Request{
		Selection: selection, Details: inventory.HarborDetails(everything, &v1alpha1.HarborInventorySpec{}), Workers: 4, Writers: 1,
	}, to)
	if err != nil || len(report.Failures) > 0 {
		t.Fatal(err, report.Failures)
	}
	slices.SortStableFunc(to.all, func(a, b Artifact) int { return strings.Compare(a.Repository, b.Repository) })
	return to.all
}

type gathered struct {
	mu  sync.Mutex
	all []Artifact
}

func (*gathered) Found(int) {}

func (g *gathered) Repository(_ context.Context, r fetch.Repository) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range r.Artifacts {
		a := Artifact{
			Harbor: "https://harbor.example.com", Project: r.Project, Repository: r.Name,
			ArtifactEntry: inventory.Entry(&r.Artifacts[i], everything),
		}
		inventory.Answered(&a.ArtifactEntry, everything)
		g.all = append(g.all, a)
	}
	return nil
}

var once sync.Once

// fill makes the inventories of the tests, as the operator would:
//
//	registries/production  library and team-a of the recorded Harbor, complete
//	registries/staging     library, with some that production does not have; a
//	                       project could not be read
//	edge/small             data.science, in its status
//	edge/idle              suspended before its first sync
func fill(t *testing.T) {
	t.Helper()
	once.Do(func() {
		c := kube(t)
		for _, name := range []string{mainNamespace, otherNamespace} {
			err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
			if err != nil {
				t.Fatal(err)
			}
		}
		all := recorded(t, "library", "team-a")
		create(t, c, mainNamespace, "production", all, nil)
		create(t, c, mainNamespace, "staging", stagingOf(all), incomplete)
		create(t, c, otherNamespace, "small", nil, func(inv *v1alpha1.HarborInventory) {
			all := recorded(t, "data.science")
			inv.Status = syncedStatus(all)
			for _, a := range all {
				inv.Status.ArtifactEntries = append(inv.Status.ArtifactEntries, v1alpha1.RepositoryArtifact{Repository: a.Repository, ArtifactEntry: a.ArtifactEntry})
			}
		})
		suspended := inventoryOf(otherNamespace, "idle")
		suspended.Spec.Suspend = true
		if err := c.Create(t.Context(), suspended); err != nil {
			t.Fatal(err)
		}
	})
}

// stagingOf is ahead of production: two digests of its own, one under a tag that
// production has, too, and a tag more; one artifact is production's alone.
// Whether the two were scanned, has not been looked up yet.
func stagingOf(production []Artifact) []Artifact {
	var all []Artifact
	for _, a := range production {
		a.Harbor = "https://staging.example.com"
		if a.Project == "library" && a.Repository != "library/hello" {
			all = append(all, a)
		}
	}
	newest := all[len(all)-1]
	newest.Digest = "sha256:" + strings.Repeat("1", 64)
	newest.Tags = []string{"next"}
	newest.Vulnerabilities = nil
	moved := newest
	moved.Digest = "sha256:" + strings.Repeat("2", 64)
	moved.Tags = all[len(all)-1].Tags[:1]
	all[len(all)-1].Tags = []string{"previous"}
	return append(all, newest, moved)
}

func inventoryOf(namespace, name string) *v1alpha1.HarborInventory {
	return &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.HarborInventorySpec{
			Harbor: v1alpha1.HarborEndpoint{URL: "https://harbor.example.com"}, Include: slices.Sorted(maps.Keys(everything)),
		},
	}
}

// create writes an inventory with its lists and a status, as after a sync.
func create(t *testing.T, c client.Client, namespace, name string, all []Artifact, change func(*v1alpha1.HarborInventory)) {
	t.Helper()
	inv := inventoryOf(namespace, name)
	if len(all) > 0 {
		inv.Spec.Harbor.URL = all[0].Harbor
	}
	if err := c.Create(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	inv.Status = syncedStatus(all)
	if change != nil {
		change(inv)
	}
	if err := c.Status().Update(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	const perList = 4
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Repository == all[0].Repository {
			n++
		}
		repository, namer := all[:n], shard.NewNamer(name, all[0].Repository)
		all = all[n:]
		for i, chunk := range slices.Collect(slices.Chunk(repository, perList)) {
			object := &v1alpha1.ArtifactList{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: namer.Name(i), Labels: map[string]string{v1alpha1.LabelInventory: name}},
				Harbor:     chunk[0].Harbor, Project: chunk[0].Project, Repository: chunk[0].Repository,
				ArtifactCount: int32(len(chunk)),
			}
			for _, a := range chunk {
				object.Artifacts = append(object.Artifacts, a.ArtifactEntry)
			}
			if err := c.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func syncedStatus(all []Artifact) v1alpha1.HarborInventoryStatus {
	projects, repositories := map[string]bool{}, map[string]bool{}
	var entries []v1alpha1.ArtifactEntry
	for _, a := range all {
		projects[a.Project], repositories[a.Repository] = true, true
		entries = append(entries, a.ArtifactEntry)
	}
	sum := inventory.TotalsOf(entries, inventory.Overviews(everything))
	totals := sum.Shown(everything)
	at := func(d time.Duration) *metav1.Time { t := metav1.NewTime(noon.Add(d)); return &t }
	condition := func(kind string) metav1.Condition {
		return metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: *at(-26 * time.Hour),
			Message: "everything that was selected has been read",
		}
	}
	p, r, n := int32(len(projects)), int32(len(repositories)), int64(len(all))
	return v1alpha1.HarborInventoryStatus{
		Conditions:    []metav1.Condition{condition(v1alpha1.ConditionReady), condition(v1alpha1.ConditionComplete)},
		HarborVersion: "v2.16.0-c50c7ddd6e", Projects: &p, Repositories: &r, Artifacts: &n, SizeBytes: &totals.SizeBytes, Vulnerabilities: sum.Vulnerabilities, Totals: &totals,
		LastSyncTime: at(-4 * time.Minute), LastFullSyncTime: at(-3 * time.Hour), NextSyncTime: at(6 * time.Minute),
		Layers: "webhooks are off (spec.webhook.mode); the audit log is followed; listings of repositories every 10m; every repository is read in full within 24h",
	}
}

func incomplete(inv *v1alpha1.HarborInventory) {
	inv.Status.Conditions[1].Status = metav1.ConditionFalse
	inv.Status.Conditions[1].Reason = v1alpha1.ReasonPartialFailure
	inv.Status.Conditions[1].Message = "project payment: the credentials may not read it"
	inv.Status.FailuresTotal = 1
	inv.Status.Failures = []v1alpha1.SyncFailure{{
		Project: "payment", Reason: v1alpha1.FailureForbidden, Message: "the credentials may not read it", Since: metav1.NewTime(noon.Add(-26 * time.Hour)),
	}}
}

// answer is what a command printed, in the order in which it did, and how it ended.
type answer struct {
	out, err string
	all      string
	code     int
}

// mixed keeps what is written to both streams, and in which order.
type mixed struct {
	mu            sync.Mutex
	out, err, all bytes.Buffer
}

func (m *mixed) stream(own *bytes.Buffer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		own.Write(p)
		return m.all.Write(p)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// invokeIn runs a command line of the plugin in the cluster of the tests.
func invokeIn(t *testing.T, change func(*environment), args ...string) answer {
	t.Helper()
	t.Setenv("KUBECONFIG", kubeconfig)
	var to mixed
	e := &environment{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: to.stream(&to.out), ErrOut: to.stream(&to.err)},
		now:       func() time.Time { return noon },
		getenv:    func(string) string { return "" },
		columns:   func(any) (int, bool) { return 0, false },
	}
	change(e)
	code := run(t.Context(), e, args)
	return answer{out: to.out.String(), err: to.err.String(), all: to.all.String(), code: code}
}

// operate stands in for the operator: it answers requests for a sync of an
// inventory until the test ends.
func operate(t *testing.T, namespace, name string, change func(*v1alpha1.HarborInventory)) {
	t.Helper()
	c := kube(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			inv := &v1alpha1.HarborInventory{}
			if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, inv); err == nil {
				requested := inv.Annotations[v1alpha1.AnnotationRequestedAt]
				if requested != inv.Status.LastHandledReconcileAt {
					inv.Status.LastHandledReconcileAt = requested
					change(inv)
					if err := c.Status().Update(ctx, inv); err != nil && !apierrors.IsConflict(err) && ctx.Err() == nil {
						t.Error(err)
					}
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
}

// hostOf is the host and port of a URL.
func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
