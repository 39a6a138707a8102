// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// What Harbor leaves out by the conditions that a filter passes on to it, the
// filter would have left out itself: with and without them the same remains.
func TestNarrowAgreesWithTheFilter(t *testing.T) {
	fetch.SetPageSize(t, 4)
	spared, kept, dropped := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		reg, now := drawShelves(t)
		srv := harbortest.NewServer(t, reg, harbortest.Options{})
		defer srv.Close()
		spec := v1alpha1.HarborInventorySpec{Artifacts: drawFilter(t)}
		filter, err := inventory.NewFilter(spec.Artifacts, now)
		if err != nil {
			t.Fatal(err)
		}
		req := request(t)
		req.Query, req.Details = spec.Artifacts.Query, inventory.HarborDetails(nil, &spec)
		_, all := run(t, srv, req)
		whole := srv.Stats().Total
		req.Narrow = filter.Query(spec.Artifacts.Query)
		_, some := run(t, srv, req)
		spared += 2*whole - srv.Stats().Total
		want, got := filtered(filter, all), filtered(filter, some)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("q=%q and %q: the filter alone (-), with Harbor's help (+):\n%s", req.Query, req.Narrow, diff)
		}
		kept += len(want)
		dropped += len(all.lines()) - len(want)
	})
	t.Logf("%d artifacts stayed, %d were left out, %d requests were spared", kept, dropped, spared)
	if kept == 0 || dropped == 0 || spared <= 0 {
		t.Error("nothing was put to the test")
	}
}

func filtered(filter *inventory.Filter, from *collector) []string {
	left := &collector{repositories: map[string]fetch.Repository{}}
	for name, r := range from.repositories {
		r.Artifacts = filter.Apply(r.Artifacts)
		left.repositories[name] = r
	}
	return left.lines()
}

// drawShelves makes a registry of one project, and returns a time a while after
// its last push.
func drawShelves(t *rapid.T) (*harbortest.Registry, time.Time) {
	clock := seconds()
	pushed := clock()
	reg := robot(harbortest.New(harbortest.WithClock(func() time.Time {
		// Often two pushes at one instant, and hardly ever a whole second.
		if rapid.IntRange(0, 3).Draw(t, "tick") > 0 {
			pushed = pushed.Add(1700 * time.Millisecond)
		}
		return pushed
	})))
	project(reg, "p")
	label, err := reg.CreateLabel(harbortest.Label{Name: "production"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []harbortest.Kind{harbortest.OCIImage, harbortest.OCIImage, harbortest.HelmChart, harbortest.Custom}
	tags := []string{"v1.0.0", "v1.1.0", "1.2", "2.0.0-rc.1", "2.0.0", "latest", "nightly"}
	for range rapid.IntRange(1, 24).Draw(t, "artifacts") {
		repository := rapid.SampledFrom([]string{"p/a", "p/a", "p/b"}).Draw(t, "repository")
		image := harbortest.Image{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		if rapid.Bool().Draw(t, "tagged") {
			image.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom(tags), 1, 2, rapid.ID).Draw(t, "tags")
		}
		var digest string
		if rapid.IntRange(0, 5).Draw(t, "index") == 0 {
			image.Kind = harbortest.OCIIndex
			digest = reg.PushIndex(repository, harbortest.Index{Image: image, Children: []harbortest.Child{
				{}, {Platform: harbortest.Platform{Architecture: "arm", Variant: "v7"}},
			}})
		} else {
			digest = reg.Push(repository, image)
		}
		if rapid.Bool().Draw(t, "labeled") {
			if err := reg.AddLabel(repository, digest, label); err != nil {
				t.Fatal(err)
			}
		}
		if severity := rapid.SampledFrom([]string{"", "Low", "High", "Critical"}).Draw(t, "severity"); severity != "" {
			if err := reg.SetScan(repository, digest, harbortest.Scan{Findings: map[string]int{severity: 2}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return reg, pushed.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "after")) * time.Millisecond)
}

// drawFilter draws the values of some fields, and none of others.
func drawFilter(t *rapid.T) (f v1alpha1.ArtifactFilter) {
	f.Untagged = rapid.SampledFrom([]v1alpha1.UntaggedPolicy{"", v1alpha1.UntaggedInclude, v1alpha1.UntaggedExclude, v1alpha1.UntaggedOnly}).Draw(t, "untagged")
	f.Types = rapid.SliceOfNDistinct(rapid.SampledFrom([]v1alpha1.ArtifactType{"IMAGE", "CHART", "UNKNOWN"}), 0, 2, rapid.ID).Draw(t, "types")
	f.Query = rapid.SampledFrom([]string{"", "", "tags=~1", "tags=nil", "type=IMAGE", "push_time=[2026-01-01T00:00:08~],manifest_media_type=~manifest"}).Draw(t, "query")
	f.PushedSince = rapid.SampledFrom([]string{"", "", "2026-01-01T00:00:05Z", "2027-01-01T00:00:00Z", fmt.Sprintf("%ds", rapid.IntRange(1, 40).Draw(t, "age"))}).Draw(t, "since")
	if rapid.Bool().Draw(t, "by tag") {
		f.Tags = &v1alpha1.TagFilter{Semver: rapid.SampledFrom([]string{"", "^1.0", ">=1.1 || 2.0.0-0"}).Draw(t, "semver")}
		f.Tags.Exclude = rapid.SampledFrom([][]v1alpha1.Expression{nil, {"-rc"}}).Draw(t, "exclude")
	}
	f.Labels = rapid.SampledFrom([][]v1alpha1.LabelName{nil, nil, {"production"}}).Draw(t, "labels")
	f.Platforms = rapid.SampledFrom([][]v1alpha1.PlatformName{nil, nil, {"linux/arm"}, {"linux/amd64"}}).Draw(t, "platforms")
	f.MinSeverity = rapid.SampledFrom([]v1alpha1.Severity{"", "", v1alpha1.SeverityMedium}).Draw(t, "least severity")
	if rapid.Bool().Draw(t, "newest") {
		f.Latest = new(rapid.Int32Range(1, 5).Draw(t, "latest"))
	}
	return f
}

// Where repositories are read together, the conditions are left to the caller.
func TestNarrowIsNotForTiles(t *testing.T) {
	fetch.EagerlyWide(t)
	reg := small(12)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Narrow = "tags=nil"
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	if n := srv.Stats().Requests(harbortest.ClassProjectArtifacts); n == 0 {
		t.Fatal("nothing was read by the listing of the project")
	}
	same(t, listed(reg, ""), sink.lines())
}

// A repository of which no artifact passes is empty, and no failure.
func TestNarrowLeavesNothing(t *testing.T) {
	reg := small(2)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	req := request(t)
	req.Narrow = "type=CHART"
	req.Held = []string{"p/r0"}
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	if names := sink.names(); !slices.Equal(names, []string{"p/r0", "p/r1"}) || len(sink.lines()) > 0 {
		t.Errorf("read %s: %s", strings.Join(names, ", "), strings.Join(sink.lines(), "; "))
	}
}
