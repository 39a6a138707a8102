// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func TestOddAndHugeArtifacts(t *testing.T) {
	t.Parallel()
	reg := small()
	before, _ := reg.Listed("team")
	tags := make([]string, 5000)
	for i := range tags {
		tags[i] = fmt.Sprintf("build-%04d", i)
	}
	many := reg.Push("team/app", harbortest.Image{Tags: tags})
	children := make([]harbortest.Child, 3000)
	for i := range children {
		children[i].Platform = harbortest.Platform{OS: "linux", Architecture: fmt.Sprintf("arch%04d", i)}
	}
	wide := reg.PushIndex("team/app", harbortest.Index{Image: harbortest.Image{Tags: []string{"wide"}}, Children: children})
	noted := reg.Push("team/app", harbortest.Image{Tags: []string{"noted"}, Annotations: map[string]string{
		"short": "kept", "long": strings.Repeat("x", 1<<20),
	}})
	odd := reg.Push("team/app", harbortest.Image{
		Tags:       []string{"odd"},
		ExtraAttrs: []byte(`{"os":null,"architecture":5,"variant":{"a":[1,2,{"b":null}]},"config":"none","created":false,"unknown":[[[]]]}`),
	})
	w := newWorld(t, reg)
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) {
		s.Include = []v1alpha1.Detail{v1alpha1.DetailAnnotations, v1alpha1.DetailPlatforms}
	})
	w.condition("all", "Ready=True Succeeded", "Complete=True")

	entries := map[string]v1alpha1.ArtifactEntry{}
	for _, l := range w.lists("all") {
		for _, a := range l.Artifacts {
			entries[a.Digest] = a
		}
	}
	for digest, field := range map[string]string{many: "tags", wide: "platforms", noted: "annotations"} {
		if got := entries[digest].Truncated; !slices.Equal(got, []string{field}) {
			t.Errorf("artifact with too many %s: truncated %v", field, got)
		}
	}
	if got := entries[many]; len(got.Tags) == 0 || got.Totals["tags"] != 5000 {
		t.Errorf("%d tags kept, totals %v", len(got.Tags), got.Totals)
	}
	if got := entries[wide]; len(got.Platforms) == 0 || got.Totals["platforms"] != 3000 {
		t.Errorf("%d platforms kept, totals %v", len(got.Platforms), got.Totals)
	}
	if got := entries[noted].Annotations["short"]; got != "kept" {
		t.Errorf("annotation short: %q", got)
	}
	if got := entries[odd]; !slices.Equal(got.Tags, []string{"odd"}) || len(got.Truncated) > 0 {
		t.Errorf("odd artifact: %+v", got)
	}
	for _, a := range before {
		if e, ok := entries[a.Digest]; !ok || len(e.Truncated) > 0 || len(e.Tags) != len(a.Tags) {
			t.Errorf("neighbor %s became %+v", a.Digest, e)
		}
	}
}
