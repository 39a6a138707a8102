// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// maxRatio bounds a first sync's time, compared with the slower one of the bare loop and
// the bare writer.
const maxRatio = 1.3

// first is what is measured of one first sync.
type first struct {
	artifacts, lists       int64
	requests               int // to Harbor
	sync, loop, writer     time.Duration
	synced                 usages // of the first sync
	wrote                  usages // of the bare writer
	etcdFile, etcdUsed     int64
	listBytes, listLargest int64
}

// usages of the programs that take part.
type usages struct{ manager, server, etcd, harbor testbed.Usage }

func (f *first) ratio() float64 { return f.sync.Seconds() / max(f.loop, f.writer).Seconds() }

// medianOf returns the medians of the times, each by itself: other work on the
// machine hits now one of them and now another.
func medianOf(all []first) first {
	times := func(of func(*first) time.Duration) time.Duration {
		var values []time.Duration
		for i := range all {
			values = append(values, of(&all[i]))
		}
		return median(values)
	}
	return first{
		artifacts: all[0].artifacts,
		sync:      times(func(f *first) time.Duration { return f.sync }),
		loop:      times(func(f *first) time.Duration { return f.loop }),
		writer:    times(func(f *first) time.Duration { return f.writer }),
	}
}

// firstSync measures first syncs, each on a new control plane, beside the work
// that none can do without: a loop that asks Harbor for the same pages and drops
// them, and a writer that creates the same objects from memory, also on a new
// control plane.
func firstSync(ctx context.Context, p programs, s settings, out io.Writer) error {
	var all []first
	for round := range max(1, s.rounds) {
		f, objects, err := measureFirstSync(ctx, p, s, round)
		if err != nil {
			return err
		}
		if !s.alone {
			if err := measureBareWriter(ctx, p, s, objects, round, &f); err != nil {
				return err
			}
		}
		all = append(all, f)
	}
	return errors.Join(reportFirstSync(all, s, out), judgeFirstSync(all, s))
}

func measureFirstSync(ctx context.Context, p programs, s settings, round int) (f first, objects []object, err error) {
	b, err := newBed(ctx, p, fmt.Sprintf("first-sync-%d", round))
	if err != nil {
		return f, nil, err
	}
	defer b.closing(&err)
	if err := errors.Join(b.startHarbor(ctx, s.dataset), b.runManager(ctx, s)); err != nil {
		return f, nil, err
	}
	before, err := b.usages()
	if err != nil {
		return f, nil, err
	}
	started := time.Now()
	if err := b.createInventory(ctx, "measured", s); err != nil {
		return f, nil, err
	}
	inv, err := b.awaitInventory(ctx, "measured", complete)
	if err != nil {
		return f, nil, err
	}
	f.sync = time.Since(started)
	f.artifacts, f.lists = *inv.Status.Artifacts, int64(*inv.Status.ArtifactLists)
	after, err := b.usages()
	if err != nil {
		return f, nil, err
	}
	f.synced = after.since(before)
	if f.etcdFile, f.etcdUsed, err = b.etcdSize(ctx); err != nil {
		return f, nil, err
	}
	if f.listBytes, f.listLargest, err = b.listSizes(ctx, "measured"); err != nil || s.alone {
		return f, nil, err
	}
	if f.loop, f.requests, err = b.bareLoop(ctx, s.connections); err != nil {
		return f, nil, err
	}
	objects, err = b.harvest(ctx, "measured", "bare")
	return f, objects, err
}

func measureBareWriter(ctx context.Context, p programs, s settings, objects []object, round int, f *first) (err error) {
	b, err := newBed(ctx, p, fmt.Sprintf("bare-writer-%d", round))
	if err != nil {
		return err
	}
	defer b.closing(&err)
	if err := b.namespace(ctx, "bare"); err != nil {
		return err
	}
	before, err := b.usages()
	if err != nil {
		return err
	}
	if f.writer, err = b.bareWriter(ctx, "bare", objects, s.writers); err != nil {
		return err
	}
	after, err := b.usages()
	f.wrote = after.since(before)
	return err
}

// usages reads those of the programs that run.
func (b *bed) usages() (u usages, err error) {
	for name, into := range map[string]*testbed.Usage{
		"kube-apiserver": &u.server, "etcd": &u.etcd, "manager": &u.manager, "harbor": &u.harbor,
	} {
		if into == &u.manager && b.linked == "" || into == &u.harbor && b.harbor.Base == "" {
			continue
		}
		if *into, err = b.work.Usage(name); err != nil {
			return u, err
		}
	}
	return u, nil
}

// since leaves of the CPU time what was used from before on.
func (u usages) since(before usages) usages {
	u.manager.CPU -= before.manager.CPU
	u.server.CPU -= before.server.CPU
	u.etcd.CPU -= before.etcd.CPU
	u.harbor.CPU -= before.harbor.CPU
	return u
}

// listSizes returns the sum and the greatest of the lists' sizes as the API
// server answers them, without their managed fields.
func (b *bed) listSizes(ctx context.Context, namespace string) (sum, largest int64, err error) {
	next := ""
	for {
		var page v1alpha1.ArtifactListList
		if err := b.kube.List(ctx, &page, client.InNamespace(namespace), client.Limit(200), client.Continue(next)); err != nil {
			return 0, 0, err
		}
		for i := range page.Items {
			size := encodedSize(&page.Items[i])
			sum += size
			largest = max(largest, size)
		}
		if next = page.Continue; next == "" {
			return sum, largest, nil
		}
	}
}

func reportFirstSync(all []first, s settings, out io.Writer) error {
	f := all[0]
	requests := ""
	if !s.alone {
		requests = fmt.Sprintf(", %s requests", grouped(int64(f.requests)))
	}
	_, err := fmt.Fprintf(out, "%s artifacts in %s lists, %d connections to Harbor%s, %d writers.\n\n",
		grouped(f.artifacts), grouped(f.lists), s.connections, requests, s.writers)
	if err != nil {
		return err
	}
	t := newTable("Round", "First sync", "Bare HTTP loop", "Bare writer", "Ratio to the slower", "Artifacts a second",
		"Peak memory: manager", "API server", "etcd")
	row := func(name string, f *first, memory ...any) {
		cells := []any{name, f.sync, "", "", ""}
		if !s.alone {
			cells = []any{name, f.sync, f.loop, f.writer, f.ratio()}
		}
		t.row(append(append(cells, int64(float64(f.artifacts)/f.sync.Seconds())), memory...)...)
	}
	for i := range all {
		u := &all[i].synced
		row(fmt.Sprint(i+1), &all[i], mebibytes(u.manager.Peak), mebibytes(u.server.Peak), mebibytes(u.etcd.Peak))
	}
	middle := medianOf(all)
	row("median", &middle, "", "", "")
	if err := t.write(out); err != nil {
		return err
	}
	cpu := newTable("Round", "CPU time of the first sync: manager", "API server", "etcd", "simulated Harbor", "CPU time of the bare writing: API server", "etcd")
	for i, f := range all {
		cpu.row(i+1, f.synced.manager.CPU, f.synced.server.CPU, f.synced.etcd.CPU, f.synced.harbor.CPU, f.wrote.server.CPU, f.wrote.etcd.CPU)
	}
	_, err = io.WriteString(out, "\n")
	if err := errors.Join(err, cpu.write(out)); err != nil {
		return err
	}
	sizes := newTable("Objects", "Bytes of JSON an artifact", "Largest list", "etcd's file", "of that in use", "Bytes in etcd an artifact")
	sizes.row(f.lists, f.listBytes/f.artifacts, kibibytes(f.listLargest), mebibytes(f.etcdFile), mebibytes(f.etcdUsed), f.etcdUsed/f.artifacts)
	_, err = io.WriteString(out, "\n")
	return errors.Join(err, sizes.write(out))
}

// judgeFirstSync fails where the medians' ratio or any peak of memory is beyond its bound.
func judgeFirstSync(all []first, s settings) error {
	var errs []error
	for i := range all {
		if peak := all[i].synced.manager.Peak; peak > s.peak<<20 {
			errs = append(errs, fmt.Errorf("the manager's peak memory was %s, over the bound of %d MiB", mebibytes(peak), s.peak))
		}
	}
	if middle := medianOf(all); !s.alone && middle.ratio() > maxRatio {
		errs = append(errs, fmt.Errorf("the first sync took %.2f times as long as the slower of the bare loop and the bare writer, over the bound of %.1f", middle.ratio(), maxRatio))
	}
	return errors.Join(errs...)
}
