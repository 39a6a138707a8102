// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// maxDetailsRatio bounds a first sync's time with vulnerabilities, compared with
// one without.
const maxDetailsRatio = 1.05

// lookedUp is what became of the vulnerabilities of one inventory.
type lookedUp struct {
	plain, with       time.Duration // until the inventory was complete
	known             time.Duration // until all vulnerabilities were
	artifacts, writes int64
	requests          int // for overviews
	most              int // of them in any minute
	shown, there      v1alpha1.VulnerabilityCounts
}

// details measures first syncs with vulnerabilities beside such without, in
// turns, each on a new control plane; and how the vulnerabilities follow.
func details(ctx context.Context, p programs, s settings, out io.Writer) error {
	var all []lookedUp
	for round := range max(1, s.rounds) {
		var l lookedUp
		if err := measurePlain(ctx, p, s, round, &l); err != nil {
			return err
		}
		if err := measureDetails(ctx, p, s, round, &l); err != nil {
			return err
		}
		all = append(all, l)
	}
	return errors.Join(reportDetails(all, s, out), judgeDetails(all, s))
}

func measurePlain(ctx context.Context, p programs, s settings, round int, l *lookedUp) (err error) {
	b, err := newBed(ctx, p, fmt.Sprintf("plain-%d", round))
	if err != nil {
		return err
	}
	defer b.closing(&err)
	l.plain, err = b.completeFirst(ctx, s)
	return err
}

// completeFirst starts Harbor, the manager and an inventory, and returns how long
// it took until that was complete.
func (b *bed) completeFirst(ctx context.Context, s settings, change ...func(*v1alpha1.HarborInventorySpec)) (time.Duration, error) {
	if err := errors.Join(b.startHarbor(ctx, s.dataset, "--overview-latency="+s.overview.String()), b.runManager(ctx, s)); err != nil {
		return 0, err
	}
	started := time.Now()
	if err := b.createInventory(ctx, "measured", s, change...); err != nil {
		return 0, err
	}
	_, err := b.awaitInventory(ctx, "measured", complete)
	return time.Since(started), err
}

func measureDetails(ctx context.Context, p programs, s settings, round int, l *lookedUp) (err error) {
	b, err := newBed(ctx, p, fmt.Sprintf("details-%d", round))
	if err != nil {
		return err
	}
	defer b.closing(&err)
	started := time.Now()
	l.with, err = b.completeFirst(ctx, s, func(spec *v1alpha1.HarborInventorySpec) {
		spec.Include = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}
		spec.DetailRequestsPerMinute = int32(s.budget) //nolint:gosec // the API server refuses more than 6000
	})
	if err != nil {
		return err
	}
	before, err := b.requestCounts(ctx)
	if err != nil {
		return err
	}
	inv, err := b.awaitInventory(ctx, "measured", func(inv *v1alpha1.HarborInventory) bool {
		return complete(inv) && apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionDetailsKnown)
	})
	if err != nil {
		return err
	}
	l.known = time.Since(started)
	l.artifacts = *inv.Status.Artifacts
	after, err := b.requestCounts(ctx)
	if err != nil {
		return err
	}
	l.writes = after.since(before).lists
	var asked []int64
	if err := b.harbor.Call(ctx, http.MethodGet, overviewsPath, nil, &asked); err != nil {
		return err
	}
	l.requests, l.most = len(asked), mostWithin(asked, time.Minute)
	if inv.Status.Vulnerabilities != nil {
		l.shown = *inv.Status.Vulnerabilities
	}
	l.there, err = b.vulnerabilities(ctx)
	return err
}

// mostWithin returns the greatest number of moments within so much time.
func mostWithin(moments []int64, span time.Duration) (most int) {
	slices.Sort(moments)
	first := 0
	for i := range moments {
		for moments[i]-moments[first] >= span.Nanoseconds() {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func reportDetails(all []lookedUp, s settings, out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s artifacts, %d connections to Harbor, %d requests a minute for details; each artifact with an overview delays Harbor's answer by %s.\n\n",
		grouped(all[0].artifacts), s.connections, s.budget, s.overview)
	if err != nil {
		return err
	}
	t := newTable("Round", "Complete without vulnerabilities", "Complete with", "Ratio", "All vulnerabilities known",
		"Requests for them", "Most in a minute", "List writes for them", "Vulnerabilities shown", "in Harbor")
	for i, l := range all {
		t.row(fmt.Sprint(i+1), l.plain, l.with, l.with.Seconds()/l.plain.Seconds(), l.known,
			int64(l.requests), int64(l.most), l.writes, l.shown.Total, l.there.Total)
	}
	plain, with := detailMedians(all)
	t.row("median", plain, with, with.Seconds()/plain.Seconds(), "", "", "", "", "", "")
	return t.write(out)
}

func detailMedians(all []lookedUp) (plain, with time.Duration) {
	var without, together []time.Duration
	for _, l := range all {
		without, together = append(without, l.plain), append(together, l.with)
	}
	return median(without), median(together)
}

// judgeDetails fails where the vulnerabilities slow the plain inventory, where the
// budget was not kept, or where what is shown is not what Harbor has.
func judgeDetails(all []lookedUp, s settings) error {
	var errs []error
	if plain, with := detailMedians(all); with.Seconds() > maxDetailsRatio*plain.Seconds() {
		errs = append(errs, fmt.Errorf("the inventory was complete after %s with vulnerabilities and %s without, over %.2f times", with, plain, maxDetailsRatio))
	}
	for i := range all {
		l := &all[i]
		if l.most > s.budget+1 { // a minute that begins with one
			errs = append(errs, fmt.Errorf("%d requests for details in a minute, the budget is %d", l.most, s.budget))
		}
		if l.shown != l.there {
			errs = append(errs, fmt.Errorf("shown are %+v vulnerabilities, Harbor has %+v", l.shown, l.there))
		}
		if l.there.Total == 0 {
			errs = append(errs, errors.New("no artifact has vulnerabilities, so nothing is shown"))
		}
	}
	return errors.Join(errs...)
}
