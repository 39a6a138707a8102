// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// An ArtifactList is an object whose kind ends in List, which is the suffix by
// which Kubernetes tells collections from objects, and which controller-runtime
// trims to find an object's kind. So every kind of client is tried.

var (
	artifactLists    = v1alpha1.GroupVersion.WithResource("artifactlists")
	artifactListKind = v1alpha1.GroupVersion.WithKind("ArtifactList")
	collectionKind   = v1alpha1.GroupVersion.WithKind("ArtifactListList")
)

func newClient(t *testing.T) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newList(namespace, name, repository string) *v1alpha1.ArtifactList {
	project, _, _ := strings.Cut(repository, "/")
	return &v1alpha1.ArtifactList{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{v1alpha1.LabelInventory: "production"},
		},
		Harbor: "https://harbor.example.com", Project: project, Repository: repository,
		ArtifactCount: 1,
		Artifacts:     []v1alpha1.ArtifactEntry{{Digest: "sha256:0f", Type: "IMAGE", Tags: []string{"latest"}}},
	}
}

// asUnstructured converts a typed object, its kind included.
func asUnstructured(t *testing.T, list *v1alpha1.ArtifactList) *unstructured.Unstructured {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(list)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(artifactListKind)
	return u
}

// controllerRuntimeForms are the three forms of an object that
// controller-runtime's client knows.
var controllerRuntimeForms = map[string]struct {
	object     func() client.Object
	collection func() client.ObjectList
}{
	"typed": {
		func() client.Object { return &v1alpha1.ArtifactList{} },
		func() client.ObjectList { return &v1alpha1.ArtifactListList{} },
	},
	"unstructured": {
		func() client.Object {
			u := &unstructured.Unstructured{}
			u.SetGroupVersionKind(artifactListKind)
			return u
		},
		func() client.ObjectList {
			u := &unstructured.UnstructuredList{}
			u.SetGroupVersionKind(collectionKind)
			return u
		},
	},
	"metadata only": {
		func() client.Object {
			m := &metav1.PartialObjectMetadata{}
			m.SetGroupVersionKind(artifactListKind)
			return m
		},
		func() client.ObjectList {
			m := &metav1.PartialObjectMetadataList{}
			m.SetGroupVersionKind(collectionKind)
			return m
		},
	},
}

func TestControllerRuntimeClient(t *testing.T) {
	ctx := context.Background()
	c := newClient(t)
	for name, form := range controllerRuntimeForms {
		t.Run(name, func(t *testing.T) {
			namespace := newNamespace(t)
			watcher, err := c.Watch(ctx, form.collection(), client.InNamespace(namespace))
			if err != nil {
				t.Fatal(err)
			}
			defer watcher.Stop()

			first := newList(namespace, "first", "library/nginx")
			if err := c.Create(ctx, first); err != nil {
				t.Fatal(err)
			}
			if name != "metadata only" { // such a client reads only
				second := form.object()
				u := asUnstructured(t, newList(namespace, "second", "library/redis"))
				if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, second); err != nil {
					t.Fatal(err)
				}
				if err := c.Create(ctx, second); err != nil {
					t.Fatal(err)
				}
			} else if err := c.Create(ctx, newList(namespace, "second", "library/redis")); err != nil {
				t.Fatal(err)
			}
			wantEvent(t, watcher, watch.Added, "first")
			wantEvent(t, watcher, watch.Added, "second")

			got := form.object()
			if err := c.Get(ctx, client.ObjectKeyFromObject(first), got); err != nil {
				t.Fatal(err)
			}
			if got.GetUID() != first.UID || got.GetLabels()[v1alpha1.LabelInventory] != "production" {
				t.Errorf("got another object: %v", got)
			}
			if typed, ok := got.(*v1alpha1.ArtifactList); ok && !cmp.Equal(typed.Artifacts, first.Artifacts) {
				t.Errorf("artifacts differ: %v", cmp.Diff(first.Artifacts, typed.Artifacts))
			}
			wantNames(t, c, form.collection(), "first, second", client.InNamespace(namespace))
			wantNames(t, c, form.collection(), "second", client.InNamespace(namespace), client.MatchingFields{"repository": "library/redis"})
			wantNames(t, c, form.collection(), "first, second", client.InNamespace(namespace), client.MatchingFields{"project": "library"})

			patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata": {"labels": {"seen": "true"}}}`))
			if err := c.Patch(ctx, got, patch); err != nil {
				t.Fatal(err)
			}
			wantEvent(t, watcher, watch.Modified, "first")
			if err := c.Delete(ctx, got); err != nil {
				t.Fatal(err)
			}
			wantEvent(t, watcher, watch.Deleted, "first")
			if err := c.DeleteAllOf(ctx, form.object(), client.InNamespace(namespace)); err != nil {
				t.Fatal(err)
			}
			wantNames(t, c, form.collection(), "", client.InNamespace(namespace))
		})
	}
}

func wantEvent(t *testing.T, w watch.Interface, want watch.EventType, name string) {
	t.Helper()
	event, ok := <-w.ResultChan()
	if !ok {
		t.Fatalf("the watch ended before %s %s", want, name)
	}
	object, err := meta.Accessor(event.Object)
	if err != nil || event.Type != want || object.GetName() != name {
		t.Fatalf("the watch gave %s %v, want %s %s", event.Type, event.Object, want, name)
	}
}

func wantNames(t *testing.T, c client.Reader, collection client.ObjectList, want string, options ...client.ListOption) {
	t.Helper()
	if err := c.List(context.Background(), collection, options...); err != nil {
		t.Fatal(err)
	}
	if got := names(t, collection); got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
}

// names are those of a collection's objects, sorted.
func names(t *testing.T, collection runtime.Object) string {
	t.Helper()
	objects, err := meta.ExtractList(collection)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, object := range objects {
		accessor, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, accessor.GetName())
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestDynamicClient(t *testing.T) {
	ctx := context.Background()
	all, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t)
	c := all.Resource(artifactLists).Namespace(namespace)
	watcher, err := c.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	if _, err := c.Create(ctx, asUnstructured(t, newList("", "first", "library/nginx")), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	wantEvent(t, watcher, watch.Added, "first")
	if _, err := c.Apply(ctx, "second", asUnstructured(t, newList("", "second", "team-a/api")), metav1.ApplyOptions{FieldManager: "apitest"}); err != nil {
		t.Fatal(err)
	}
	wantEvent(t, watcher, watch.Added, "second")
	got, err := c.Get(ctx, "first", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if artifacts, _, err := unstructured.NestedSlice(got.Object, "artifacts"); err != nil || len(artifacts) != 1 {
		t.Errorf("artifacts are %v (%v), want one", artifacts, err)
	}
	if got.IsList() {
		t.Error("an ArtifactList passes for a collection of objects")
	}
	for selector, want := range map[string]string{
		"":                                        "first, second",
		"repository=library/nginx":                "first",
		"repository!=library/nginx":               "second",
		"project=team-a":                          "second",
		"project=library,repository=team-a/api":   "",
		"project=team-a,repository=team-a/api":    "second",
		"metadata.name=first,project=library":     "first",
		"repository=library/nginx,project!=other": "first",
	} {
		list, err := c.List(ctx, metav1.ListOptions{FieldSelector: selector})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, list); got != want {
			t.Errorf("selector %q gives %q, want %q", selector, got, want)
		}
		if list.GetKind() != "ArtifactListList" {
			t.Errorf("the collection's kind is %s, want ArtifactListList", list.GetKind())
		}
	}
	if _, err := c.List(ctx, metav1.ListOptions{FieldSelector: "harbor=x"}); err == nil {
		t.Error("a selector on harbor was accepted; only project and repository are selectable")
	}
}

func TestMetadataClient(t *testing.T) {
	ctx := context.Background()
	all, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t)
	c := all.Resource(artifactLists).Namespace(namespace)
	watcher, err := c.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	if err := newClient(t).Create(ctx, newList(namespace, "first", "library/nginx")); err != nil {
		t.Fatal(err)
	}
	wantEvent(t, watcher, watch.Added, "first")
	list, err := c.List(ctx, metav1.ListOptions{FieldSelector: "repository=library/nginx"})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, list); got != "first" {
		t.Errorf("listed %q, want first", got)
	}
}

// TestMetadataCache reads through an informer that keeps metadata only, as the
// operator does.
func TestMetadataCache(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := newClient(t)
	namespace := newNamespace(t)
	informers, err := cache.New(config, cache.Options{
		Scheme:            c.Scheme(),
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- informers.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	form := controllerRuntimeForms["metadata only"]
	informer, err := informers.GetInformer(ctx, form.object())
	if err != nil {
		t.Fatal(err)
	}
	added := make(chan string, 2)
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if m, ok := object.(*metav1.PartialObjectMetadata); ok {
				added <- m.Name
			}
		},
	}); err != nil {
		t.Fatal(err)
	}
	if !informers.WaitForCacheSync(ctx) {
		t.Fatal("the cache does not fill")
	}
	if err := c.Create(ctx, newList(namespace, "first", "library/nginx")); err != nil {
		t.Fatal(err)
	}
	if got := <-added; got != "first" {
		t.Fatalf("the informer tells of %s, want first", got)
	}
	wantNames(t, informers, form.collection(), "first", client.MatchingLabels{v1alpha1.LabelInventory: "production"})
}
