// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Bounds of the time from a push to the list that shows it, and how long it is
// waited for.
const (
	webhookMedian = 200 * time.Millisecond
	webhookLatest = time.Second // 99 of 100
	feedMargin    = time.Second // beyond the feed's period
	lateness      = 10 * time.Second
)

// pause is the longest between two pushes, and burst the number of tags that a
// pipeline pushes to one repository without a pause.
const (
	pause = 250 * time.Millisecond
	burst = 500
)

// visible measures the time from a push to the version of an ArtifactList that
// shows it. It begins before the request is sent that has the simulated Harbor
// push, and ends when a watch has brought the list and it is decoded.
//
//  1. With the audit log alone: pushes to random repositories.
//  2. With webhooks, beside the audit log: the same, and pushes to the largest
//     repositories, and a burst.
//
// Listings of repositories are a week apart: they find nothing here.
func visible(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	v, err := newViewing(ctx, p, s)
	if err != nil {
		return err
	}
	defer v.closing(&err)
	t := newTable("Found by", "Pushes to", "Pushes", "p50", "p90", "p99", "Slowest", "Not seen",
		"Hints from webhooks", "Repositories read for hints", "Requests to Harbor", "List writes")
	var errs []error
	measure := func(layer, to string, targets []string, pace time.Duration, limit time.Duration, judge func(latencies) error) error {
		before, err := v.counts(ctx)
		if err != nil {
			return err
		}
		l, err := v.push(ctx, targets, pace, limit)
		if err != nil {
			return err
		}
		after, err := v.counts(ctx)
		if err != nil {
			return err
		}
		c := after.since(before)
		t.row(layer, to, len(targets), milliseconds(l.at(50)), milliseconds(l.at(90)), milliseconds(l.at(99)), milliseconds(l.at(100)),
			l.missing, c.hints, c.read, c.requests, c.writes)
		if err := judge(l); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s: %w", layer, to, err))
		}
		return nil
	}
	// 1.
	period := s.period
	byFeed := func(l latencies) error { return l.within(l.at(100), period+feedMargin) }
	if err := measure("the audit log alone", "random repositories", v.draw(s.pushes, v.repositories), pause, period+lateness, byFeed); err != nil {
		return err
	}
	// 2.
	if err := v.receiveWebhooks(ctx); err != nil {
		return err
	}
	byWebhook := func(l latencies) error {
		return errors.Join(l.within(l.at(50), webhookMedian), l.within(l.at(99), webhookLatest))
	}
	none := func(l latencies) error { return l.within(0, 0) }
	for _, m := range []struct {
		to      string
		targets []string
		pace    time.Duration
		judge   func(latencies) error
	}{
		{"random repositories", v.draw(s.pushes, v.repositories), pause, byWebhook},
		{"the largest repositories", v.draw(s.pushes/20, v.large), 4 * pause, func(l latencies) error { return l.within(l.at(99), webhookLatest) }},
		{"one repository, at once", slices.Repeat([]string{v.repositories[len(v.repositories)/2]}, burst), 0, none},
	} {
		if err := measure("webhooks", m.to, m.targets, m.pace, period+lateness, m.judge); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "%s artifacts in %s repositories; the audit log is read every %s.\n\n",
		grouped(int64(v.artifacts)), grouped(int64(len(v.repositories))), period); err != nil {
		return err
	}
	return errors.Join(t.write(out), errors.Join(errs...))
}

// viewing is a bed whose inventory is complete, with somebody who watches its lists.
type viewing struct {
	*bed
	sight    *sight
	recorder *recorder
	random   *rand.Rand
	metrics  string // of the manager
	receiver string

	artifacts           int
	repositories, large []string
	pushed              int
}

func newViewing(ctx context.Context, p programs, s settings) (v *viewing, err error) {
	v = &viewing{sight: newSight(), random: rand.New(rand.NewPCG(s.seed, 0))} //nolint:gosec // to be repeated
	if v.bed, err = newBed(ctx, p, "visible"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			v.closing(&err)
		}
	}()
	v.account = currentAccount
	if v.metrics, err = testbed.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if v.receiver, err = testbed.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(v.startHarbor(ctx, s.dataset), v.runManager(ctx, s,
		"--metrics-bind-address="+v.metrics, "--metrics-secure=false",
		"--webhook-bind-address="+v.receiver, "--audit-log-interval="+s.period.String(),
	)); err != nil {
		return nil, err
	}
	if err := v.createInventory(ctx, "measured", s); err != nil {
		return nil, err
	}
	if _, err := v.awaitInventory(ctx, "measured", complete); err != nil {
		return nil, err
	}
	if v.recorder, err = v.record(ctx, v.sight.see); err != nil {
		return nil, err
	}
	if err := v.survey(ctx); err != nil {
		return nil, err
	}
	return v, v.awaitFeed(ctx, s.period)
}

// survey notes the repositories there are, and which of them are large.
func (v *viewing) survey(ctx context.Context) error {
	held, err := v.harbor.Listed(ctx)
	if err != nil {
		return err
	}
	v.artifacts = len(held)
	sizes := map[string]int{}
	for _, a := range held {
		if sizes[a.Repository]++; sizes[a.Repository] == 1 {
			v.repositories = append(v.repositories, a.Repository)
		}
	}
	largest := 0
	for _, size := range sizes {
		largest = max(largest, size)
	}
	for _, repository := range v.repositories {
		if sizes[repository] == largest {
			v.large = append(v.large, repository)
		}
	}
	return nil
}

func (v *viewing) draw(n int, among []string) []string {
	targets := make([]string, n)
	for i := range targets {
		targets[i] = among[v.random.IntN(len(among))]
	}
	return targets
}

// awaitFeed waits until the operator knows where the audit log ends after the last
// sync: it looks at the log once in a period.
func (v *viewing) awaitFeed(ctx context.Context, period time.Duration) error {
	return testbed.Pause(ctx, period+time.Second)
}

// receiveWebhooks has the operator register webhooks in Harbor.
func (v *viewing) receiveWebhooks(ctx context.Context) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "measured", Name: "webhook"},
		StringData: map[string]string{v1alpha1.SecretKeyAuthorization: "Bearer measured"},
	}
	if err := v.kube.Create(ctx, secret); err != nil {
		return err
	}
	inv := &v1alpha1.HarborInventory{}
	if err := v.kube.Get(ctx, client.ObjectKey{Namespace: "measured", Name: inventoryName}, inv); err != nil {
		return err
	}
	inv.Spec.Webhook = v1alpha1.Webhook{
		Mode: v1alpha1.WebhookRegister, URL: "http://" + v.receiver, SecretRef: &v1alpha1.LocalObjectReference{Name: secret.Name},
	}
	if err := v.kube.Update(ctx, inv); err != nil {
		return err
	}
	_, err := v.awaitInventory(ctx, "measured", complete)
	return err
}

// push pushes to one repository after the other, with random pauses between, and
// waits for the lists that show what was pushed.
func (v *viewing) push(ctx context.Context, targets []string, pace, limit time.Duration) (latencies, error) {
	began := map[testbed.Identity]time.Time{}
	v.sight.begin()
	for _, repository := range targets {
		v.pushed++
		now := time.Now()
		digest, err := v.harbor.Push(ctx, repository, fmt.Sprintf("pushed-%d", v.pushed))
		if err != nil {
			return latencies{}, v.explain(err)
		}
		began[testbed.Identity{Repository: repository, Digest: digest}] = now
		if pace > 0 {
			if err := testbed.Pause(ctx, time.Duration(v.random.Int64N(int64(pace)))); err != nil {
				return latencies{}, err
			}
		}
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline) && v.sight.lacks(began); {
		if err := testbed.Pause(ctx, 50*time.Millisecond); err != nil {
			return latencies{}, err
		}
	}
	return v.sight.latencies(began), nil
}

// layerCounts are what the operator has done about hints, by its own metrics,
// and what became of it.
type layerCounts struct{ hints, read, requests, writes int64 }

func (c layerCounts) since(before layerCounts) layerCounts {
	return layerCounts{c.hints - before.hints, c.read - before.read, c.requests - before.requests, c.writes - before.writes}
}

func (v *viewing) counts(ctx context.Context) (c layerCounts, err error) {
	for metric, into := range map[string]*int64{
		"harbor_inventory_webhook_hints_total":   &c.hints,
		"harbor_inventory_hinted_reads_total":    &c.read,
		"harbor_inventory_harbor_requests_total": &c.requests,
	} {
		if *into, err = v.total(ctx, v.metrics, metric); err != nil {
			return c, err
		}
	}
	c.writes, err = v.recorder.catchUp(ctx)
	return c, err
}
