// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

//go:embed dashboard.html
var page []byte

// phase is a part of the run, some twelfths of it long.
type phase struct {
	twelfths int
	what     string
	begin    func() (end func())
}

// dashboard has Harbor change and fail, and draws what the dashboard shows of it.
func dashboard(ctx context.Context, length time.Duration, uplot, picture string) error {
	ctx, cancel := context.WithTimeout(ctx, length+10*time.Minute)
	defer cancel()
	var cleanups cluster.Cleanups
	defer cleanups.Run()
	b, err := open(ctx, &cleanups, func(rules string) string { return rules })
	if err != nil {
		return err
	}
	registry := harbortest.Generated(harbortest.Size{Projects: 6, Repositories: 120, Artifacts: 20})
	hooks := registry.AddRobot(harbortest.Robot{Name: "hooks", Secret: secret, SystemScope: true, Webhooks: true})
	harbor := harbortest.NewServer(&cleanups, registry, harbortest.Options{Latency: 20 * time.Millisecond})
	if err := b.inventories(ctx, harbor.URL, hooks); err != nil {
		return err
	}
	if err := b.startManager(ctx); err != nil {
		return err
	}
	// Without that, the picture would be of nothing, twelve minutes later.
	soon, cancelSoon := context.WithTimeout(ctx, time.Minute)
	defer cancelSoon()
	if err := b.prometheus.sees(soon); err != nil {
		return err
	}
	start := time.Now()
	changing, stop := context.WithCancel(ctx)
	defer stop()
	go keepChanging(changing, registry)
	quiet := func() func() { return func() {} }
	inject := func(rules ...harbortest.Rule) func() func() { return func() func() { return harbor.Inject(rules...) } }
	for _, p := range []phase{
		{2, "changes", quiet},
		{2, "slow, and a tenth of the answers is 503", inject(
			harbortest.Rule{Fault: harbortest.Delay(400 * time.Millisecond)}, harbortest.Rule{Fault: harbortest.Gateway(503), Rate: 0.1})},
		{2, "changes", quiet},
		{2, "Harbor is down", inject(harbortest.Rule{Fault: harbortest.Gateway(502)})},
		{1, "changes", quiet},
		{1, "the artifacts of one project cannot be read", inject(
			harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/projects/library/", Fault: harbortest.InternalError()})},
		{1, "the robot's secret is another", func() func() {
			_ = registry.SetSecret(hooks, "another")
			return func() { _ = registry.SetSecret(hooks, secret) }
		}},
		{1, "changes", quiet},
	} {
		fmt.Printf("%s  %s\n", time.Since(start).Round(time.Second), p.what)
		end := p.begin()
		select {
		case <-time.After(length * time.Duration(p.twelfths) / 12):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		end()
	}
	stop()
	return b.draw(ctx, start, time.Now(), uplot, picture)
}

// inventories makes some of one Harbor that differ in what they select.
func (b *bed) inventories(ctx context.Context, url, robot string) error {
	for namespace, names := range map[string]map[string]func(*v1alpha1.HarborInventorySpec){
		ns: {
			"production": func(s *v1alpha1.HarborInventorySpec) {
				s.Include = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}
				s.Webhook = v1alpha1.Webhook{
					Mode: v1alpha1.WebhookRegister, URL: "http://" + b.hooks, SecretRef: &v1alpha1.LocalObjectReference{Name: "hook"},
				}
				s.Interval = metav1.Duration{Duration: time.Minute}
			},
			"library": func(s *v1alpha1.HarborInventorySpec) { s.Projects = []v1alpha1.ProjectPattern{"library"} },
		},
		"team-b": {
			"mistyped": func(s *v1alpha1.HarborInventorySpec) {
				s.Repositories = []v1alpha1.RepositoryPattern{"library/**", "library/misspelled"}
				s.Artifacts.Latest = new(int32(5))
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
			change(&inv.Spec)
			if err := b.Client.Create(ctx, inv); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepChanging pushes, moves tags and deletes at random, about once a second:
// artifacts, and now and then a repository.
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
		case 5: // a pipeline that pushes one image under several tags
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

// draw has Chromium open the page that draws the dashboard, and takes a picture.
func (b *bed) draw(ctx context.Context, from, to time.Time, uplot, picture string) error {
	base, err := url.Parse(b.prometheus.base)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	mux.HandleFunc("/range.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]int64{"from": from.Unix(), "to": to.Unix()})
	})
	for path, file := range map[string]string{
		"/dashboard.json": "config/prometheus/dashboard.json",
		"/uplot.js":       filepath.Join(uplot, "uPlot.iife.min.js"),
		"/uplot.css":      filepath.Join(uplot, "uPlot.min.css"),
	} {
		if _, err := os.Stat(file); err != nil {
			return err
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	mux.Handle("/api/", httputil.NewSingleHostReverseProxy(base))
	server := httptest.NewServer(mux)
	defer server.Close()
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(profile) }()
	taken, err := filepath.Abs(picture)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", //nolint:gosec // no input of anybody
		"--user-data-dir="+profile, "--window-size=1592,1640", "--virtual-time-budget=60000", "--screenshot="+taken, server.URL+"/")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w\n%s", err, out)
	}
	if info, err := os.Stat(taken); err != nil || info.ModTime().Before(to) {
		return errors.Join(errors.New("chromium took no picture"), err)
	}
	fmt.Println("the picture is in", picture)
	return nil
}
