// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// filteredRegistry holds what the conditions of TestNewerFilters tell apart, by tag.
func filteredRegistry() *harbortest.Registry {
	now := time.Now().Add(-100 * time.Hour)
	reg := harbortest.New(harbortest.WithClock(func() time.Time { return now }))
	must(reg.CreateProject("team", false))
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary})
	push := func(severity string, image harbortest.Image) {
		digest := reg.Push("team/app", image)
		if severity != "" {
			must(reg.SetScan("team/app", digest, harbortest.Scan{Findings: map[string]int{severity: 1}}))
		}
	}
	push("Critical", harbortest.Image{Tags: []string{"v1.0.0"}})
	push("Low", harbortest.Image{Tags: []string{"v1.4.0", "stable"}})
	push("", harbortest.Image{Tags: []string{"1.0.0-rc.1"}, Kind: harbortest.HelmChart})
	reg.PushIndex("team/app", harbortest.Index{Image: harbortest.Image{Tags: []string{"v2.0.0"}}, Children: []harbortest.Child{
		{}, {Platform: harbortest.Platform{Architecture: "arm", Variant: "v7"}},
	}})
	now = now.Add(99 * time.Hour)
	push("High", harbortest.Image{Tags: []string{"v3.0.0"}})
	push("", harbortest.Image{})
	return reg
}

func TestNewerFilters(t *testing.T) {
	t.Parallel()
	reg := filteredRegistry()
	for _, c := range []struct {
		name   string
		filter v1alpha1.ArtifactFilter
		want   []string // the first tags; "" is the untagged artifact
	}{
		{"versions", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "^1.0 || ^3"}, Untagged: v1alpha1.UntaggedExclude}, []string{"stable", "v1.0.0", "v3.0.0"}},
		{"pre-releases", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "<=1.0.0-z"}, Untagged: v1alpha1.UntaggedExclude}, []string{"1.0.0-rc.1"}},
		{"platforms", v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/arm"}}, []string{"v2.0.0"}},
		{"pushed within a duration", v1alpha1.ArtifactFilter{PushedSince: "24h"}, []string{"", "v3.0.0"}},
		{"pushed since a time, charts", v1alpha1.ArtifactFilter{PushedSince: "2026-01-01T00:00:00Z", Types: []v1alpha1.ArtifactType{"CHART"}}, []string{"1.0.0-rc.1"}},
		{"severity", v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityHigh}, []string{"v1.0.0", "v3.0.0"}},
		{"the newest with a severity", v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityLow, Latest: new(int32(2))}, []string{"stable", "v3.0.0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, reg)
			w.inventory("filtered", func(s *v1alpha1.HarborInventorySpec) {
				s.Artifacts = c.filter
				if c.filter.MinSeverity != "" {
					s.Include, s.DetailRequestsPerMinute = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}, 6000
				}
			})
			w.condition("filtered", "Ready=True Succeeded", "Complete=True")
			eventually(t, func() string {
				if got := w.firstTags("filtered"); !slices.Equal(got, c.want) {
					return "shown " + strings.Join(got, ", ") + "; want " + strings.Join(c.want, ", ")
				}
				return ""
			})
		})
	}
}

// firstTags are those of all artifacts shown, sorted.
func (w *world) firstTags(name string) []string {
	w.Helper()
	var tags []string
	for _, l := range w.lists(name) {
		for _, a := range l.Artifacts {
			first := ""
			if len(a.Tags) > 0 {
				first = a.Tags[0]
			}
			tags = append(tags, first)
		}
	}
	slices.Sort(tags)
	return tags
}

// Artifacts grow too old without anything happening in Harbor.
func TestArtifactsAge(t *testing.T) {
	t.Parallel()
	pushed := time.Now().Add(-54 * time.Second)
	reg := harbortest.New(harbortest.WithClock(func() time.Time { return pushed }))
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary})
	reg.Push("library/app", harbortest.Image{Tags: []string{"old"}})
	pushed = pushed.Add(time.Hour)
	reg.Push("library/app", harbortest.Image{Tags: []string{"young"}})
	w := newWorld(t, reg)
	w.inventory("recent", func(s *v1alpha1.HarborInventorySpec) {
		s.Artifacts.PushedSince = "1m"
		s.Interval = metav1.Duration{Duration: 10 * time.Second}
	})
	w.condition("recent", "Ready=True Succeeded")
	eventually(t, func() string {
		if got := w.firstTags("recent"); !slices.Equal(got, []string{"young"}) {
			return "shown " + strings.Join(got, ", ")
		}
		return ""
	})
}

// What the schema lets through and cannot work is told once, in words that help.
func TestFiltersThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		filter     v1alpha1.ArtifactFilter
	}{
		{"range", `spec.artifacts.tags.semver: "1 <" is no range of semantic versions`, v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "1 <"}}},
		{"time", `spec.artifacts.pushedSince: "2026-02-30T00:00:00Z" is neither a time`, v1alpha1.ArtifactFilter{PushedSince: "2026-02-30T00:00:00Z"}},
		{"query", `correct spec.artifacts.query: Harbor does not accept "push_time=[~]"`, v1alpha1.ArtifactFilter{Query: "push_time=[~]"}},
	} {
		w := newWorld(t, small())
		w.inventory(c.name, func(s *v1alpha1.HarborInventorySpec) { s.Artifacts = c.filter })
		inv := w.condition(c.name, "Ready=False InvalidSpec", "Stalled=True")
		if got := message(inv, v1alpha1.ConditionReady); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
		w.change(c.name, func(s *v1alpha1.HarborInventorySpec) { s.Artifacts = v1alpha1.ArtifactFilter{} })
		if inv = w.condition(c.name, "Ready=True Succeeded", "Complete=True"); slices.Contains(conditions(inv), "Stalled=True") {
			t.Errorf("%s: still stalled", c.name)
		}
	}
}
