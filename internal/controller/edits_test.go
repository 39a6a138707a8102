// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// A list that neither its name nor its metadata gives to an inventory is nobody's
// to put right.
func TestListOfNobody(t *testing.T) {
	h := newHints()
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer q.ShutDown()
	list := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "marker"}}
	watch := newEdits(h, time.Now).watch()
	watch.Create(t.Context(), event.CreateEvent{Object: list}, q)
	watch.Delete(t.Context(), event.DeleteEvent{Object: list}, q)
	if q.Len() > 0 || len(h.of) > 0 {
		t.Errorf("%d inventories are to be looked at, %d have hints", q.Len(), len(h.of))
	}
}
