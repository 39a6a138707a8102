// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// store stands for an API server in tests that go through more histories than a
// real one has time for: one inventory, its Secrets and its lists, in memory. Of
// the API server's behavior it has what the operator relies on: versions,
// generations, conflicts, preconditions, merge patches. It admits everything.
type store struct {
	scheme *runtime.Scheme
	// latency passes before each access.
	latency time.Duration
	// see is called with each change of a list, in their order.
	see func(ctx context.Context, before, after *v1alpha1.ArtifactList)

	mu      sync.Mutex
	version int
	inv     *v1alpha1.HarborInventory
	secrets map[string]*corev1.Secret
	lists   map[string]*v1alpha1.ArtifactList
}

// session is the access of one process. One that was killed changes nothing more.
type session struct {
	client.Client
	store  *store
	killed context.Context //nolint:containedctx // the process's life
}

// cacheOf is a session's cache. It is never behind.
type cacheOf struct {
	cache.Cache
	session *session
}

func (c cacheOf) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	return c.session.Get(ctx, key, into, options...)
}

func (c cacheOf) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return c.session.List(ctx, into, options...)
}

var errKilled = errors.New("the process was killed")

// access runs f while nobody else has access.
func (s *session) access(f func() error) error {
	time.Sleep(s.store.latency)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.killed.Err() != nil {
		return errKilled
	}
	return f()
}

func (st *store) next() string {
	st.version++
	return strconv.Itoa(st.version)
}

func notFound(kind, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: kind}, name)
}

func conflict(name string) error {
	return apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "artifactlists"}, name, errors.New("it was changed"))
}

func (s *session) Scheme() *runtime.Scheme { return s.store.scheme }

func (s *session) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	return s.access(func() error {
		switch into := into.(type) {
		case *v1alpha1.HarborInventory:
			if s.store.inv.Name != key.Name {
				return notFound("harborinventories", key.Name)
			}
			s.store.inv.DeepCopyInto(into)
		case *corev1.Secret:
			secret := s.store.secrets[key.Name]
			if secret == nil {
				return notFound("secrets", key.Name)
			}
			secret.DeepCopyInto(into)
		case *v1alpha1.ArtifactList:
			list := s.store.lists[key.Name]
			if list == nil {
				return notFound("artifactlists", key.Name)
			}
			list.DeepCopyInto(into)
		case *metav1.PartialObjectMetadata:
			list := s.store.lists[key.Name]
			if list == nil {
				return notFound("artifactlists", key.Name)
			}
			into.ObjectMeta = *list.ObjectMeta.DeepCopy()
		default:
			return fmt.Errorf("get %T", into)
		}
		return nil
	})
}

func (s *session) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(options)
	return s.access(func() error {
		switch into := into.(type) {
		case *v1alpha1.HarborInventoryList:
			into.Items = []v1alpha1.HarborInventory{*s.store.inv.DeepCopy()}
		case *v1alpha1.ArtifactListList:
			for _, name := range slices.Sorted(maps.Keys(s.store.lists)) {
				if list := s.store.lists[name]; o.LabelSelector == nil || o.LabelSelector.Matches(labels.Set(list.Labels)) {
					into.Items = append(into.Items, *list.DeepCopy())
				}
			}
		case *metav1.PartialObjectMetadataList:
			for _, name := range slices.Sorted(maps.Keys(s.store.lists)) {
				list := s.store.lists[name]
				indexed, _ := o.FieldSelector.RequiresExactMatch(indexInventory)
				if inventoryOf(list) == indexed || shard.Prefix(name) == indexed {
					into.Items = append(into.Items, metav1.PartialObjectMetadata{ObjectMeta: *list.ObjectMeta.DeepCopy()})
				}
			}
		default:
			return fmt.Errorf("list %T", into)
		}
		return nil
	})
}

func (s *session) create(ctx context.Context, list *v1alpha1.ArtifactList) (answer []byte, err error) {
	err = s.access(func() error {
		if s.store.lists[list.Name] != nil {
			return apierrors.NewAlreadyExists(schema.GroupResource{Resource: "artifactlists"}, list.Name)
		}
		made := list.DeepCopy()
		made.UID, made.Generation, made.ResourceVersion = types.UID("list-"+s.store.next()), 1, s.store.next()
		answer = s.store.put(ctx, nil, made)
		return nil
	})
	return answer, err
}

func (s *session) update(ctx context.Context, list *v1alpha1.ArtifactList) (answer []byte, err error) {
	err = s.access(func() error {
		before := s.store.lists[list.Name]
		switch {
		case before == nil:
			return notFound("artifactlists", list.Name)
		case before.ResourceVersion != list.ResourceVersion || before.UID != list.UID:
			return conflict(list.Name)
		}
		after := list.DeepCopy()
		after.Generation = before.Generation
		if content := after.DeepCopy(); true {
			content.TypeMeta, content.ObjectMeta = before.TypeMeta, before.ObjectMeta
			if !equality.Semantic.DeepEqual(content, before) {
				after.Generation++
			}
		}
		if !equality.Semantic.DeepEqual(after, before) {
			after.ResourceVersion = s.store.next()
		}
		answer = s.store.put(ctx, before, after)
		return nil
	})
	return answer, err
}

// put returns what the API server answers.
func (st *store) put(ctx context.Context, before, after *v1alpha1.ArtifactList) []byte {
	st.lists[after.Name] = after
	st.see(ctx, before, after)
	return fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q}}`, after.ResourceVersion)
}

func (s *session) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	var o client.DeleteOptions
	o.ApplyOptions(options)
	return s.access(func() error {
		before := s.store.lists[object.GetName()]
		switch {
		case before == nil:
			return notFound("artifactlists", object.GetName())
		case *o.Preconditions.UID != before.UID || *o.Preconditions.ResourceVersion != before.ResourceVersion:
			return conflict(before.Name)
		}
		delete(s.store.lists, before.Name)
		s.store.next()
		s.store.see(ctx, before, nil)
		return nil
	})
}

func (s *session) Status() client.SubResourceWriter { return statusOf{session: s} }

type statusOf struct {
	client.SubResourceWriter
	session *session
}

func (s statusOf) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.session.Patch(ctx, object, patch)
}

// Patch merges into the inventory.
func (s *session) Patch(_ context.Context, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
	inv, ok := object.(*v1alpha1.HarborInventory)
	if !ok {
		return fmt.Errorf("patch %T", object)
	}
	text, err := patch.Data(object)
	if err != nil {
		return err
	}
	return s.access(func() error {
		var changes, now map[string]any
		before, err := json.Marshal(s.store.inv)
		if err = errors.Join(err, json.Unmarshal(text, &changes), json.Unmarshal(before, &now)); err != nil {
			return err
		}
		if strings.Contains(string(text), `"resourceVersion"`) && inv.ResourceVersion != s.store.inv.ResourceVersion {
			return conflict(inv.Name)
		}
		mergeInto(now, changes)
		after, err := json.Marshal(now)
		patched := &v1alpha1.HarborInventory{}
		if err = errors.Join(err, json.Unmarshal(after, patched)); err != nil {
			return err
		}
		patched.ResourceVersion = s.store.next()
		s.store.inv = patched
		patched.DeepCopyInto(inv)
		return nil
	})
}

// mergeInto is a JSON merge patch (RFC 7386).
func mergeInto(object, patch map[string]any) {
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(object, key)
		case map[string]any:
			member, ok := object[key].(map[string]any)
			if !ok {
				member = map[string]any{}
				object[key] = member
			}
			mergeInto(member, value)
		default:
			object[key] = value
		}
	}
}
