// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// An hour in which nothing changes is measured in a thirtieth of the time: all
// that the operator does by the clock comes so much sooner, the defaults being
// 10 minutes, 30 seconds and 24 hours.
const (
	hourScale    = 30
	idleInterval = 10 * time.Minute / hourScale
	idleAudit    = 30 * time.Second / hourScale
	idleVerify   = 24 * time.Hour / hourScale
	idleSyncs    = 6 // of an hour
	restFor      = 30 * time.Second
)

// kinds counts requests to Harbor by what they are for.
type kinds struct{ listing, feed, reading int }

func (k kinds) all() int { return k.listing + k.feed + k.reading }

// sortRequests divides the targets of requests in those of each sync, from one
// question who is asking to the next, and those between syncs.
func sortRequests(targets []string) (syncs []kinds, between kinds) {
	inside := false
	for _, target := range targets {
		path, _, _ := strings.Cut(strings.TrimPrefix(target, "/api/v2.0"), "?")
		into := &between
		if path == "/systeminfo" {
			if inside = !inside; inside {
				syncs = append(syncs, kinds{})
			}
			syncs[len(syncs)-1].listing++
			continue
		}
		if inside && path != "/auditlog-exts" {
			into = &syncs[len(syncs)-1]
		}
		switch {
		case path == "/auditlog-exts":
			into.feed++
		case path == "/projects", path == "/repositories", strings.HasSuffix(path, "/repositories"):
			into.listing++
		default:
			into.reading++
		}
	}
	return syncs, between
}

// measureIdle measures what the operator does in an hour in which nothing changes.
func measureIdle(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	p.manager.args = append(p.manager.args, "--audit-log-interval="+idleAudit.String())
	b, err := newBed(ctx, p, "idle")
	if err != nil {
		return err
	}
	defer b.closing(&err)
	if err := errors.Join(b.startHarbor(ctx, s.dataset), b.runManager(ctx, s)); err != nil {
		return err
	}
	b.account = currentAccount
	err = b.createInventory(ctx, "measured", s, func(spec *v1alpha1.HarborInventorySpec) {
		spec.Interval = metav1.Duration{Duration: idleInterval}
		spec.VerifyInterval = &metav1.Duration{Duration: idleVerify}
	})
	if err != nil {
		return err
	}
	_, err = b.awaitInventory(ctx, "measured", func(inv *v1alpha1.HarborInventory) bool {
		return complete(inv) && strings.Contains(inv.Status.Layers, "the audit log is followed")
	})
	if err != nil {
		return err
	}
	hour, err := b.idleHour(ctx)
	if err != nil {
		return err
	}
	rest, err := b.atRest(ctx)
	if err != nil {
		return err
	}
	return errors.Join(hour.report(out), hour.reportCPU(rest, out), hour.judge())
}

// hour is what was measured of an hour.
type hour struct {
	inv     *v1alpha1.HarborInventory
	lasted  time.Duration
	syncs   []kinds
	between kinds
	heads   int
	used    usages
	written written
}

func (b *bed) idleHour(ctx context.Context) (h hour, err error) {
	r, err := b.record(ctx, nil)
	if err != nil {
		return h, err
	}
	ended := func(after time.Time) (*v1alpha1.HarborInventory, error) {
		return b.awaitInventory(ctx, "measured", func(inv *v1alpha1.HarborInventory) bool {
			return complete(inv) && inv.Status.LastSyncTime != nil && inv.Status.LastSyncTime.After(after)
		})
	}
	if _, err := ended(time.Now()); err != nil {
		return h, err
	}
	wrote, err := b.mark(ctx, r)
	if err != nil {
		return h, err
	}
	before, skip, err := b.soFar(ctx)
	if err != nil {
		return h, err
	}
	started := time.Now()
	for range idleSyncs {
		if h.inv, err = ended(time.Now()); err != nil {
			return h, err
		}
	}
	h.lasted = time.Since(started)
	after, targets, err := b.soFar(ctx)
	if err != nil {
		return h, err
	}
	h.used = after.since(before)
	h.syncs, h.between = sortRequests(targets[len(skip):])
	var stats harbortest.Stats
	if err := b.harbor.Call(ctx, http.MethodGet, "/simulator/stats", nil, &stats); err != nil {
		return h, err
	}
	h.heads = stats.ByMethod[http.MethodHead]
	now, err := b.mark(ctx, r)
	h.written = now.since(wrote)
	return h, err
}

// soFar returns what the programs have used and what was asked of Harbor.
func (b *bed) soFar(ctx context.Context) (u usages, targets []string, err error) {
	if u, err = b.usages(); err != nil {
		return u, nil, err
	}
	return u, targets, b.harbor.Call(ctx, http.MethodGet, requestsPath, nil, &targets)
}

// atRest returns what the programs use for a while in which the inventory is
// suspended.
func (b *bed) atRest(ctx context.Context) (usages, error) {
	inv := &v1alpha1.HarborInventory{}
	if err := b.kube.Get(ctx, client.ObjectKey{Namespace: "measured", Name: inventoryName}, inv); err != nil {
		return usages{}, err
	}
	before := inv.DeepCopy()
	inv.Spec.Suspend = true
	if err := b.kube.Patch(ctx, inv, client.MergeFrom(before)); err != nil {
		return usages{}, err
	}
	if err := testbed.Pause(ctx, 2*time.Second); err != nil {
		return usages{}, err
	}
	first, err := b.usages()
	if err != nil {
		return usages{}, err
	}
	if err := testbed.Pause(ctx, restFor); err != nil {
		return usages{}, err
	}
	second, err := b.usages()
	return second.since(first), err
}

// bound is the most that the listings of a sync may take.
func (h *hour) bound() int {
	pages := func(n int32, size int) int { return (int(n) + size - 1) / size }
	return 2 + pages(*h.inv.Status.Projects, 50) + pages(*h.inv.Status.Repositories, 100)
}

// readings is how often the audit log was to be read.
func (h *hour) readings() int { return int(h.lasted/idleAudit) + 1 }

func (h *hour) report(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s artifacts of %s repositories in %s projects. %d syncs and %d readings of the audit log came in %.0f s.\n\n",
		grouped(*h.inv.Status.Artifacts), grouped(int64(*h.inv.Status.Repositories)), grouped(int64(*h.inv.Status.Projects)),
		len(h.syncs), h.between.feed, h.lasted.Seconds())
	if err != nil {
		return err
	}
	t := newTable("", "Requests for listings", "Bound: 2 + ceil(P/50) + ceil(R/100)", "Requests for what is read in full by turns")
	for i, sync := range h.syncs {
		t.row(fmt.Sprintf("Sync %d", i+1), sync.listing, h.bound(), sync.reading)
	}
	if err := t.write(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe audit log: %d requests for %d readings at most. Other requests between syncs: %d. %d list writes, %d status patches.\n",
		h.between.feed, h.readings(), h.between.all()-h.between.feed, h.written.counted.lists, h.written.counted.status)
	return err
}

func (h *hour) reportCPU(rest usages, out io.Writer) error {
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	t := newTable("CPU time", "Manager", "API server", "Simulated Harbor")
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	t.row(fmt.Sprintf("Measured, %.0f s", h.lasted.Seconds()), seconds(h.used.manager.CPU), seconds(h.used.server.CPU), seconds(h.used.harbor.CPU))
	t.row(fmt.Sprintf("The inventory suspended, %.0f s", restFor.Seconds()), seconds(rest.manager.CPU), seconds(rest.server.CPU), seconds(rest.harbor.CPU))
	missing := time.Duration(float64(rest.manager.CPU) * float64(time.Hour-h.lasted) / float64(restFor))
	t.row("An hour: measured, and as suspended for the time that is missing to it", seconds(h.used.manager.CPU+missing), "", "")
	return t.write(out)
}

func (h *hour) judge() error {
	var errs []error
	for i, sync := range h.syncs {
		if sync.listing > h.bound() {
			errs = append(errs, fmt.Errorf("sync %d took %d requests for listings, at most %d are allowed", i+1, sync.listing, h.bound()))
		}
	}
	if len(h.syncs) != idleSyncs {
		errs = append(errs, fmt.Errorf("%d syncs were seen in the requests, want %d", len(h.syncs), idleSyncs))
	}
	if h.between.all() > 2*h.readings() || h.between.feed == 0 || h.between.listing+h.between.reading+h.heads > 0 {
		errs = append(errs, fmt.Errorf("between syncs %d requests for the audit log and %d others for %d readings; at most 2 each are allowed, and no others",
			h.between.feed, h.between.listing+h.between.reading+h.heads, h.readings()))
	}
	if h.written.counted.lists > 0 || h.written.counted.status > idleSyncs {
		errs = append(errs, fmt.Errorf("%d list writes and %d status patches, want none and at most %d", h.written.counted.lists, h.written.counted.status, idleSyncs))
	}
	return errors.Join(errs...)
}
