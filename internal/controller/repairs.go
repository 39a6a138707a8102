// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// repairPause is the shortest pause between two syncs that put edits of others
// right. It doubles while edits go on, up to the inventory's interval: somebody
// who writes over the lists again and again shall not make Harbor work for it.
const repairPause = 10 * time.Second

// repairs knows which inventories have lists that somebody else edited or
// deleted. It is fed by the metadata of the lists.
type repairs struct {
	mu     sync.Mutex
	wanted map[types.NamespacedName]bool
	last   map[types.NamespacedName]repair
	// removals holds the lists that the operator itself is deleting.
	removals map[types.UID]bool
}

// repair is when edits were last put right, and the pause after that.
type repair struct {
	at    time.Time
	pause time.Duration
}

// wait returns how long to wait before the next repair.
func (r repair) wait(now time.Time) time.Duration {
	return max(0, r.at.Add(r.pause).Sub(now))
}

// next returns the repair that begins now.
func (r repair) next(now time.Time, interval time.Duration) repair {
	pause := repairPause
	if now.Sub(r.at) < 3*r.pause {
		pause = 2 * r.pause
	}
	return repair{at: now, pause: min(pause, max(interval, repairPause))}
}

func newRepairs() *repairs {
	return &repairs{
		wanted:   map[types.NamespacedName]bool{},
		last:     map[types.NamespacedName]repair{},
		removals: map[types.UID]bool{},
	}
}

func (r *repairs) edits(name types.NamespacedName, now time.Time) edits {
	r.mu.Lock()
	defer r.mu.Unlock()
	return edits{pending: r.wanted[name], wait: r.last[name].wait(now)}
}

// begin notes that a sync looks after the lists; edits from now on count anew.
func (r *repairs) begin(name types.NamespacedName, now time.Time, interval time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted[name] {
		delete(r.wanted, name)
		r.last[name] = r.last[name].next(now, interval)
	}
}

// forget drops what is known of an inventory that is gone.
func (r *repairs) forget(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.wanted, name)
	delete(r.last, name)
}

func (r *repairs) want(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted[name] = true
}

// removing notes that the operator is about to delete a list. The caller calls
// failed if nothing comes of it.
func (r *repairs) removing(list types.UID) (failed func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removals[list] = true
	return func() { r.removed(list) }
}

// removed tells whether the operator itself deleted a list, once.
func (r *repairs) removed(list types.UID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.removals[list]
	delete(r.removals, list)
	return own
}

// watch returns the handler for the metadata of ArtifactLists.
//
//	| what happened to a list                               | its inventory is synced |
//	|-------------------------------------------------------|-------------------------|
//	| it is as the operator writes lists                    | no                      |
//	| labels, annotations or entries were edited            | yes                     |
//	| its owner was taken away, or it was given another one | yes, of both            |
//	| it was deleted, and not by the operator               | yes                     |
func (r *repairs) watch() handler.EventHandler {
	want := func(q queue, lists ...client.Object) {
		for _, list := range lists {
			for _, name := range inventoriesOf(list) {
				key := types.NamespacedName{Namespace: list.GetNamespace(), Name: name}
				r.want(key)
				q.Add(reconcile.Request{NamespacedName: key})
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if !asWritten(e.Object) {
				want(q, e.Object)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, after := metav1.GetControllerOfNoCopy(e.ObjectOld), metav1.GetControllerOfNoCopy(e.ObjectNew)
			if !asWritten(e.ObjectNew) || before != nil && (after == nil || after.UID != before.UID) {
				want(q, e.ObjectOld, e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			if !r.removed(e.Object.GetUID()) {
				want(q, e.Object)
			}
		},
	}
}

// asWritten tells from its metadata whether a list may be as the operator left
// it: content of the generation that the operator wrote, a hash that this or
// another version of the operator can read, and the labels that belong to its
// repository.
func asWritten(list client.Object) bool {
	annotations, labels := list.GetAnnotations(), list.GetLabels()
	_, err := shard.ParseHash(annotations[v1alpha1.AnnotationContentHash])
	repository := annotations[v1alpha1.AnnotationRepository]
	project, _, named := harbor.SplitRepository(repository)
	names := inventoriesOf(list)
	return (err == nil || errors.Is(err, shard.ErrOtherVersion)) && named && len(names) == 1 && labels[v1alpha1.LabelInventory] == names[0] &&
		labels[v1alpha1.LabelProject] == shard.ProjectLabel(project) &&
		labels[v1alpha1.LabelRepositoryHash] == shard.RepositoryHash(repository) &&
		annotations[v1alpha1.AnnotationWrittenGeneration] == strconv.FormatInt(list.GetGeneration(), 10)
}

// inventoriesOf names the inventories that a list belongs to by its label and
// by its owner: one, unless somebody edited it.
func inventoriesOf(list client.Object) []string {
	var names []string
	if name := list.GetLabels()[v1alpha1.LabelInventory]; name != "" {
		names = append(names, name)
	}
	owner := metav1.GetControllerOfNoCopy(list)
	if owner != nil && owner.Kind == "HarborInventory" && owner.Name != list.GetLabels()[v1alpha1.LabelInventory] {
		names = append(names, owner.Name)
	}
	return names
}
