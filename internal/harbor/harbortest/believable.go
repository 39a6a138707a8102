// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// believableRepositories of the demo: project, repository, number of releases,
// and what is pushed there.
var believableRepositories = []struct {
	project string
	names   []string
	images  int
	kind    string // image, multi, chart
}{
	{"library", []string{"nginx", "redis", "postgres", "alpine", "busybox", "golang", "node", "python"}, 24, "multi"},
	{"platform", []string{"api-gateway", "identity", "audit-trail", "feature-flags", "event-bus", "scheduler", "config-service", "rate-limiter"}, 22, "image"},
	{"payments", []string{"checkout", "ledger", "invoicing", "fraud/scorer", "fraud/features", "psp/adapter", "psp/webhooks"}, 20, "image"},
	{"storefront", []string{"web", "mobile-bff", "search", "recommendations", "catalog/api", "catalog/importer", "images/resizer"}, 20, "image"},
	{"data", []string{"ingest", "warehouse-loader", "notebooks/jupyter", "airflow/worker", "airflow/scheduler", "dbt"}, 18, "image"},
	{"observability", []string{"prometheus", "grafana", "loki", "tempo", "otel-collector", "alertmanager"}, 16, "multi"},
	{"charts", []string{"api-gateway", "checkout", "storefront", "observability-stack", "ingest", "common"}, 10, "chart"},
	{"sandbox", []string{"playground", "tmp/build"}, 8, "untagged"},
}

// Believable returns a registry for demonstrations: about 50 repositories and
// 1,000 artifacts in 8 projects, with multi-arch indexes, charts, signatures,
// SBOMs, labels, scan results and untagged artifacts. The accounts are those of
// [Generated].
func Believable(options ...Option) *Registry {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	r := New(append(slices.Clip(options), func(r *Registry) {
		r.clock = func() time.Time {
			now = now.Add(97 * time.Second)
			return now
		}
	})...)
	r.addInventoryRobots()
	production, err := r.CreateLabel(Label{Name: "production", Description: "runs in production", Color: "#48960C"})
	if err != nil {
		panic(err) // cannot be: the label is global
	}
	random := rand.New(rand.NewPCG(7, 0)) //nolint:gosec // the same registry each time, no secrets
	for _, group := range believableRepositories {
		if group.project != "library" {
			if err := r.CreateProject(group.project, group.project == "charts"); err != nil {
				panic(err) // cannot be: the names are valid and different
			}
		}
		for _, name := range group.names {
			for n := range group.images + random.IntN(4) {
				r.release(group.project+"/"+name, group.kind, n, production)
			}
		}
	}
	// From here on the clock is the caller's, or the real one.
	final := empty(options...)
	r.clock = final.clock
	return r
}

// release pushes the n-th release of a repository.
func (r *Registry) release(repository, kind string, n int, label int64) {
	version := fmt.Sprintf("%d.%d.%d", 1+n/12, n/4%3, n%4)
	image := Image{Tags: []string{"v" + version}}
	if n%4 == 3 {
		image.Tags = append(image.Tags, "latest")
	}
	var digest string
	switch kind {
	case "chart":
		image.Kind, image.Tags, image.Size = HelmChart, []string{version}, 24_000
		r.Push(repository, image)
		return
	case "untagged":
		r.Push(repository, Image{})
		return
	case "multi":
		digest = r.PushIndex(repository, Index{Image: image, Children: []Child{
			{Platform: Platform{OS: "linux", Architecture: "amd64"}}, {Platform: Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}},
		}})
	default:
		digest = r.Push(repository, image)
	}
	if n%3 == 0 {
		r.PushAccessory(repository, digest, Accessory{})
	}
	if n%6 == 0 {
		r.PushAccessory(repository, digest, Accessory{Type: sbomAccessory})
	}
	if kind == "image" && n%9 == 8 {
		r.Push(repository, Image{}) // a build that nobody tagged
	}
	scan := Scan{Findings: map[string]int{"Critical": n % 3 / 2, "High": n % 5, "Medium": n % 7, "Low": n % 11}, Fixable: n % 4, Duration: 5 * time.Second}
	if err := r.SetScan(repository, digest, scan); err != nil {
		panic(err) // cannot be: it has just been pushed
	}
	if n%4 == 3 {
		if err := r.AddLabel(repository, digest, label); err != nil {
			panic(err) // cannot be: it has just been pushed
		}
	}
}
