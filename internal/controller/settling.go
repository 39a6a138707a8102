// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// settleLimit bounds the wait for the cache at the end of a sync. It is
	// commonly over in milliseconds.
	settleLimit = 5 * time.Second
	settlePause = 10 * time.Millisecond
)

// written is what a sync has written. The next one knows the lists by the cache:
// if that were behind, it would miss lists and write their entries twice.
type written struct {
	mu      sync.Mutex
	written map[string]string    // resourceVersions by name
	deleted map[string]types.UID // by name
}

func newWritten() *written {
	return &written{written: map[string]string{}, deleted: map[string]types.UID{}}
}

// wrote notes the API server's answer to a write. One that cannot be read is
// not waited for.
func (w *written) wrote(name string, answer []byte) {
	var object struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if json.Unmarshal(answer, &object) != nil || object.Metadata.ResourceVersion == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written[name] = object.Metadata.ResourceVersion
	delete(w.deleted, name)
}

func (w *written) removed(name string, uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deleted[name] = uid
	delete(w.written, name)
}

// settle waits until the cache shows everything that the sync has written, or
// something newer. It is not waited for when the operator stops.
func (o *listOutput) settle(ctx context.Context, outcome error) {
	if errors.Is(outcome, context.Canceled) {
		return
	}
	_ = wait.PollUntilContextTimeout(ctx, settlePause, settleLimit, true, func(ctx context.Context) (bool, error) {
		o.written.mu.Lock()
		defer o.written.mu.Unlock()
		for name := range o.written.written {
			if o.cached(ctx, name, func(m *metav1.PartialObjectMetadata) bool {
				order, err := resourceversion.CompareResourceVersion(m.ResourceVersion, o.written.written[name])
				return err != nil || order >= 0
			}, false) {
				delete(o.written.written, name)
			}
		}
		for name, uid := range o.written.deleted {
			if o.cached(ctx, name, func(m *metav1.PartialObjectMetadata) bool { return m.UID != uid }, true) {
				delete(o.written.deleted, name)
			}
		}
		return len(o.written.written)+len(o.written.deleted) == 0, nil
	})
}

// cached tells whether the cache shows a list as is asked for; absent is the
// answer if it shows none.
func (o *listOutput) cached(ctx context.Context, name string, so func(*metav1.PartialObjectMetadata) bool, absent bool) bool {
	m := listMetadata()
	err := o.r.cache.Get(ctx, client.ObjectKey{Namespace: o.inv.Namespace, Name: name}, m, client.UnsafeDisableDeepCopy)
	if err != nil {
		return absent && apierrors.IsNotFound(err)
	}
	return so(m)
}
