// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// phase is a part of the run, some sixteenths of it long.
type phase struct {
	sixteenths int
	what       string
	begin      func() (end func())
}

// dashboard has Harbor change and fail, and draws what the dashboard shows of it.
func dashboard(ctx context.Context, length time.Duration, uplot, picture string) error {
	ctx, cancel := context.WithTimeout(ctx, length+10*time.Minute)
	defer cancel()
	var cleanups cluster.Cleanups
	defer cleanups.Run()
	ctx, b, err := open(ctx, &cleanups, func(rules string) string { return rules })
	if err != nil {
		return err
	}
	registry := harbortest.Generated(harbortest.Size{Projects: 6, Repositories: 120, Artifacts: 20})
	hooks := registry.AddRobot(harbortest.Robot{Name: "hooks", Secret: secret, SystemScope: true, Webhooks: true})
	harbor := harbortest.NewServer(&cleanups, registry, harbortest.Options{Latency: 20 * time.Millisecond})
	before, early := b.harbor(20, harbortest.WithVersion(old))
	if err := b.inventories(ctx, harbor.URL, hooks, before.URL); err != nil {
		return err
	}
	if err := b.startManager(ctx); err != nil {
		return err
	}
	// Without that, the picture would be of nothing, minutes later.
	soon, cancelSoon := context.WithTimeout(ctx, time.Minute)
	defer cancelSoon()
	if err := b.prometheus.sees(soon); err != nil {
		return err
	}
	start := time.Now()
	changing, stop := context.WithCancel(ctx)
	defer stop()
	go keepChanging(changing, registry)
	go b.keepMoving(changing, early)
	for _, p := range b.phases(registry, harbor, hooks) {
		fmt.Printf("%s  %s\n", time.Since(start).Round(time.Second), p.what)
		end := p.begin()
		select {
		case <-time.After(length * time.Duration(p.sixteenths) / 16):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		end()
	}
	stop()
	return b.draw(ctx, start, time.Now(), uplot, picture)
}

// phases of the run: what Harbor and others do, one after the other.
func (b *bed) phases(registry *harbortest.Registry, harbor *harbortest.Server, robot string) []phase {
	quiet := func() func() { return func() {} }
	inject := func(rules ...harbortest.Rule) func() func() { return func() func() { return harbor.Inject(rules...) } }
	return []phase{
		{2, "changes", quiet},
		{3, "slow, and a tenth of the answers is 503", inject(
			harbortest.Rule{Fault: harbortest.Delay(400 * time.Millisecond)}, harbortest.Rule{Fault: harbortest.Gateway(503), Rate: 0.1})},
		{2, "changes", quiet},
		{3, "Harbor is down", inject(harbortest.Rule{Fault: harbortest.Gateway(502)})},
		{2, "changes", quiet},
		{2, "the artifacts of one project cannot be read, and a stranger sends webhooks", func() func() {
			heal := inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/projects/library/", Fault: harbortest.InternalError()})()
			leave := b.stranger()
			return func() { leave(); heal() }
		}},
		{1, "the robot's secret is another", func() func() {
			_ = registry.SetSecret(robot, "another")
			return func() { _ = registry.SetSecret(robot, secret) }
		}},
		{1, "changes", quiet},
	}
}

// inventories makes some that differ in what they select: three of a Harbor, and
// one of a Harbor before the version that tells of moved tags.
func (b *bed) inventories(ctx context.Context, url, robot, before string) error {
	for namespace, names := range map[string]map[string]func(*v1alpha1.HarborInventorySpec){
		ns: {
			"production": func(s *v1alpha1.HarborInventorySpec) {
				s.Include = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}
				s.Webhook = v1alpha1.Webhook{
					Mode: v1alpha1.WebhookRegister, URL: "http://" + b.hooks, SecretRef: &v1alpha1.LocalObjectReference{Name: "hook"},
				}
				s.Interval = metav1.Duration{Duration: 30 * time.Second}
			},
			"library": func(s *v1alpha1.HarborInventorySpec) { s.Projects = []v1alpha1.ProjectPattern{"library"} },
		},
		"team-b": {
			"mistyped": func(s *v1alpha1.HarborInventorySpec) {
				s.Repositories = []v1alpha1.RepositoryPattern{"library/**", "library/misspelled"}
				s.Artifacts.Latest = new(int32(5))
			},
			"old-harbor": func(s *v1alpha1.HarborInventorySpec) {
				s.Harbor = v1alpha1.HarborEndpoint{URL: before, PlainHTTP: true}
			},
		},
	} {
		if err := b.Namespace(ctx, namespace, robot, secret); err != nil {
			return err
		}
		if err := b.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "hook"},
			StringData: map[string]string{v1alpha1.SecretKeyAuthorization: "let-me-in"},
		}); err != nil {
			return err
		}
		for name, change := range names {
			inv := cluster.Inventory(namespace, name, url)
			inv.Spec.Interval = metav1.Duration{Duration: 20 * time.Second}
			inv.Spec.Timeout = metav1.Duration{Duration: 30 * time.Second}
			change(&inv.Spec)
			if err := b.Client.Create(ctx, inv); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepMoving moves a tag in two repositories of which nothing tells, and has the
// inventory read in full, every minute.
func (b *bed) keepMoving(ctx context.Context, registry *harbortest.Registry) {
	for ticker := time.NewTicker(time.Minute); ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		listed, _ := registry.Listed()
		for range 2 {
			a := listed[rand.IntN(len(listed))] //nolint:gosec // needs no secrecy
			_, _ = registry.TryPush(a.Repository, harbortest.Image{Digest: a.Digest, Tags: []string{"stable"}})
		}
		inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "old-harbor"}}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationRequestedAt, time.Now())
		if err := b.Client.Patch(ctx, inv, client.RawPatch(types.MergePatchType, patch)); err != nil && ctx.Err() == nil {
			b.fail(err)
		}
	}
}

// keepChanging pushes, moves tags, scans and deletes at random, about once a
// second: artifacts, and now and then a repository.
func keepChanging(ctx context.Context, registry *harbortest.Registry) {
	for n := 0; ctx.Err() == nil; n++ {
		listed, _ := registry.Listed()
		a := listed[rand.IntN(len(listed))] //nolint:gosec // needs no secrecy
		switch rand.IntN(10) {              //nolint:gosec // as above
		case 0, 1:
			_ = registry.DeleteArtifact(a.Repository, a.Digest)
		case 2:
			_, _ = registry.TryPush(a.Repository, harbortest.Image{Digest: a.Digest, Tags: []string{"latest"}})
		case 3:
			_, _ = registry.TryPush(fmt.Sprintf("library/new-%d", n), harbortest.Image{Tags: []string{"1.0"}})
		case 4:
			if name := a.Repository; strings.HasPrefix(name, "library/new-") || rand.IntN(3) == 0 { //nolint:gosec // as above
				_ = registry.DeleteRepository(name)
			}
		case 5: // a scanner that knows more than yesterday
			_ = registry.SetScan(a.Repository, a.Digest, harbortest.Scan{Findings: map[string]int{
				"Critical": rand.IntN(20), "High": rand.IntN(60), "Medium": rand.IntN(90), "Low": rand.IntN(40), //nolint:gosec // as above
			}})
		case 6: // a pipeline that pushes one image under several tags
			for tag := range 5 {
				_, _ = registry.TryPush(a.Repository, harbortest.Image{Tags: []string{fmt.Sprintf("build-%d-%d", n, tag)}})
			}
		default:
			_, _ = registry.TryPush(a.Repository, harbortest.Image{Tags: []string{fmt.Sprintf("build-%d", n)}})
		}
		select {
		case <-time.After(rand.N(2 * time.Second)): //nolint:gosec // as above
		case <-ctx.Done():
		}
	}
}
