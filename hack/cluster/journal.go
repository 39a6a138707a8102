// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Journal holds every version of every list and of every inventory in a namespace.
type Journal struct {
	mu          sync.Mutex
	lists       map[string][]*v1alpha1.ArtifactList    // by name, in order
	inventories map[string][]*v1alpha1.HarborInventory // the same
	problem     error
}

// Record writes a journal from now on until the context ends.
func (c *Cluster) Record(ctx context.Context, namespace string) (*Journal, error) {
	j := &Journal{lists: map[string][]*v1alpha1.ArtifactList{}, inventories: map[string][]*v1alpha1.HarborInventory{}}
	for _, kind := range []client.ObjectList{&v1alpha1.ArtifactListList{}, &v1alpha1.HarborInventoryList{}} {
		if err := c.Client.List(ctx, kind, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
		w, err := c.Client.Watch(ctx, kind, client.InNamespace(namespace),
			&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: kind.GetResourceVersion()}})
		if err != nil {
			return nil, err
		}
		go j.follow(ctx, w)
	}
	return j, nil
}

func (j *Journal) follow(ctx context.Context, w watch.Interface) {
	defer w.Stop()
	for e := range w.ResultChan() {
		j.mu.Lock()
		switch o := e.Object.(type) {
		case *v1alpha1.ArtifactList:
			j.lists[o.Name] = append(j.lists[o.Name], o)
		case *v1alpha1.HarborInventory:
			j.inventories[o.Name] = append(j.inventories[o.Name], o)
		default:
			j.problem = fmt.Errorf("the watch brought %s: %v", e.Type, e.Object)
		}
		j.mu.Unlock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() == nil && j.problem == nil {
		j.problem = fmt.Errorf("a watch ended before it should")
	}
}

// Caught waits until the journal holds the lists and inventories as they are now.
func (j *Journal) Caught(ctx context.Context, c *Cluster, namespace string) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		var lists v1alpha1.ArtifactListList
		var inventories v1alpha1.HarborInventoryList
		if err := errors.Join(
			c.Client.List(ctx, &lists, client.InNamespace(namespace)),
			c.Client.List(ctx, &inventories, client.InNamespace(namespace)),
		); err != nil {
			return err
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, l := range lists.Items {
			versions := j.lists[l.Name]
			if len(versions) > 0 && versions[len(versions)-1].ResourceVersion != l.ResourceVersion {
				return fmt.Errorf("the newest version of list %s is not in the journal", l.Name)
			}
		}
		for _, inv := range inventories.Items {
			versions := j.inventories[inv.Name]
			if len(versions) > 0 && versions[len(versions)-1].ResourceVersion != inv.ResourceVersion {
				return fmt.Errorf("the newest version of %s is not in the journal", inv.Name)
			}
		}
		return j.problem
	})
}

// Writes returns how many versions of lists the journal holds.
func (j *Journal) Writes() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, versions := range j.lists {
		n += len(versions)
	}
	return n
}

// Syncs returns how often a status told of the end of a sync: each end plans the
// next sync for a time of its own.
func (j *Journal) Syncs() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, versions := range j.inventories {
		var planned *metav1.Time
		for _, v := range versions {
			if next := v.Status.NextSyncTime; next != nil && !next.Equal(planned) {
				n++
			}
			planned = v.Status.NextSyncTime
		}
	}
	return n
}

// Doubled tells of versions of lists that show what the version before them
// showed: writes that were made twice.
func (j *Journal) Doubled() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []string
	for name, versions := range j.lists {
		for i := 1; i < len(versions); i++ {
			if equality.Semantic.DeepEqual(versions[i-1].Artifacts, versions[i].Artifacts) {
				all = append(all, fmt.Sprintf("list %s, version %s", name, versions[i].ResourceVersion))
			}
		}
	}
	slices.Sort(all)
	return all
}
