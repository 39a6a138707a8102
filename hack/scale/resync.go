// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// resyncInterval is the shortest that spec.interval takes.
const resyncInterval = 10 * time.Second

// resyncs is how many periodic syncs are looked at.
const resyncs = 3

// synced is a bed whose inventory is complete, with a recorder.
func synced(ctx context.Context, p programs, s settings, name string, interval time.Duration) (b *bed, r *recorder, err error) {
	if b, err = newBed(ctx, p, name); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			b.closing(&err)
		}
	}()
	if err := errors.Join(b.startHarbor(ctx, s.dataset), b.runManager(ctx, s)); err != nil {
		return nil, nil, err
	}
	if r, err = b.record(ctx, nil); err != nil {
		return nil, nil, err
	}
	every := func(spec *v1alpha1.HarborInventorySpec) { spec.Interval = metav1.Duration{Duration: interval} }
	if err := b.createInventory(ctx, "measured", s, every); err != nil {
		return nil, nil, err
	}
	_, err = b.awaitInventory(ctx, "measured", complete)
	return b, r, err
}

// resync measures periodic syncs that find nothing new.
func resync(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	b, r, err := synced(ctx, p, s, "resync", resyncInterval)
	if err != nil {
		return err
	}
	defer b.closing(&err)
	t := newTable("Periodic sync", "Artifacts", "Lists", "List writes seen by a watcher", "List writes counted by the API server",
		"Status patches", "Manager's peak memory")
	var errs []error
	for n := range resyncs {
		c, inv, err := b.nextSync(ctx, r)
		if err != nil {
			return err
		}
		usage, err := b.work.Usage("manager")
		if err != nil {
			return err
		}
		t.row(n+1, *inv.Status.Artifacts, int64(*inv.Status.ArtifactLists), c.seen, c.counted.lists, c.counted.status, mebibytes(usage.Peak))
		if c.seen != 0 || c.counted.lists != 0 || c.counted.status > 1 {
			errs = append(errs, fmt.Errorf("periodic sync %d: %d list writes seen and %d counted, want none; %d status patches, want at most 1",
				n+1, c.seen, c.counted.lists, c.counted.status))
		}
	}
	return errors.Join(t.write(out), errors.Join(errs...))
}

// written is what was written between two moments.
type written struct {
	seen    int64
	counted requestCounts
}

// mark returns what has been written until now. Of its own marker it counts nothing.
func (b *bed) mark(ctx context.Context, r *recorder) (written, error) {
	seen, err := r.catchUp(ctx)
	if err != nil {
		return written{}, err
	}
	counted, err := b.requestCounts(ctx)
	counted.lists -= r.made
	return written{seen, counted}, err
}

func (w written) since(before written) written {
	return written{w.seen - before.seen, w.counted.since(before.counted)}
}

// nextSync waits for the next end of a periodic sync and returns what was
// written from the end of the one before.
func (b *bed) nextSync(ctx context.Context, r *recorder) (written, *v1alpha1.HarborInventory, error) {
	before, err := b.mark(ctx, r)
	if err != nil {
		return written{}, nil, err
	}
	now := time.Now()
	inv, err := b.awaitInventory(ctx, "measured", func(inv *v1alpha1.HarborInventory) bool {
		return complete(inv) && inv.Status.LastSyncTime != nil && inv.Status.LastSyncTime.After(now)
	})
	if err != nil {
		return written{}, nil, err
	}
	if err := testbed.Pause(ctx, time.Second); err != nil { // for whatever might still come
		return written{}, nil, err
	}
	after, err := b.mark(ctx, r)
	return after.since(before), inv, err
}
