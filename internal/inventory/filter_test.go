// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

func tagged(names ...string) []harbor.Tag {
	var tags []harbor.Tag
	for _, name := range names {
		tags = append(tags, harbor.Tag{Name: name})
	}
	return tags
}

func labeled(names ...string) []harbor.Label {
	var labels []harbor.Label
	for i, name := range names {
		labels = append(labels, harbor.Label{ID: int64(i), Name: name})
	}
	return labels
}

func on(platforms ...string) []harbor.Platform {
	var all []harbor.Platform
	for _, p := range platforms {
		parts := strings.Split(p, "/")
		all = append(all, harbor.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]})
	}
	return all
}

func found(severity string) *harbor.ScanOverview {
	return &harbor.ScanOverview{Status: "Success", Severity: severity}
}

// shelf is a repository to filter; ids and push times disagree.
func shelf() []harbor.Artifact {
	return []harbor.Artifact{
		{ID: 1, Type: "IMAGE", PushTime: at(5), Tags: tagged("v1.0", "latest"), Labels: labeled("production"), Platforms: on("linux/amd64/"), Scan: found("High")},
		{ID: 2, Type: "IMAGE", PushTime: at(1), Platforms: on("linux/arm/v6"), Scan: found("Critical")},
		{ID: 3, Type: "CHART", PushTime: at(4), Tags: tagged("v2.0-rc"), Labels: labeled("production", "eu"), Scan: found("Unknown")},
		{ID: 4, Type: "IMAGE", PushTime: at(4), Tags: tagged("v2.0", "v2.0-rc"), Platforms: on("linux/arm/v7", "windows/amd64/"), Scan: found("Low")},
		{ID: 5, Type: "WASM", Labels: labeled("eu")}, // pushed at a time that Harbor does not know
		{ID: 6, Type: "IMAGE", PushTime: at(2), Tags: tagged("nightly"), Labels: labeled("Production")},
	}
}

func ids(artifacts []harbor.Artifact) []int64 {
	var all []int64
	for _, a := range artifacts {
		all = append(all, a.ID)
	}
	return all
}

func TestFilter(t *testing.T) {
	tags := func(include, exclude string) *v1alpha1.TagFilter {
		f := &v1alpha1.TagFilter{}
		for e := range strings.FieldsSeq(include) {
			f.Include = append(f.Include, v1alpha1.Expression(e))
		}
		for e := range strings.FieldsSeq(exclude) {
			f.Exclude = append(f.Exclude, v1alpha1.Expression(e))
		}
		return f
	}
	for _, test := range []struct {
		name   string
		filter v1alpha1.ArtifactFilter
		want   []int64
	}{
		{"none", v1alpha1.ArtifactFilter{}, []int64{1, 2, 3, 4, 5, 6}},
		{"an empty tag filter", v1alpha1.ArtifactFilter{Tags: tags("", "")}, []int64{1, 2, 3, 4, 5, 6}},
		{"tags included; the untagged are not concerned", v1alpha1.ArtifactFilter{Tags: tags(`^v\d`, "")}, []int64{1, 2, 3, 4, 5}},
		{"an expression is unanchored", v1alpha1.ArtifactFilter{Tags: tags(`igh`, "")}, []int64{2, 5, 6}},
		{"one of several expressions", v1alpha1.ArtifactFilter{Tags: tags(`^v1 ^night`, "")}, []int64{1, 2, 5, 6}},
		{"tags excluded: one tag let through is enough", v1alpha1.ArtifactFilter{Tags: tags("", "-rc$")}, []int64{1, 2, 4, 5, 6}},
		{"tags included and excluded", v1alpha1.ArtifactFilter{Tags: tags(`^v2`, "-rc$")}, []int64{2, 4, 5}},
		{"a tag must pass both by itself", v1alpha1.ArtifactFilter{Tags: tags(`^v`, "^v")}, []int64{2, 5}},
		{"untagged included", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedInclude}, []int64{1, 2, 3, 4, 5, 6}},
		{"untagged excluded", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedExclude}, []int64{1, 3, 4, 6}},
		{"untagged only", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly}, []int64{2, 5}},
		{"untagged only, whatever the tag filter says", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedOnly, Tags: tags("^v", "")}, []int64{2, 5}},
		{"untagged excluded, with a tag filter", v1alpha1.ArtifactFilter{Untagged: v1alpha1.UntaggedExclude, Tags: tags("^v", "")}, []int64{1, 3, 4}},
		{"types", v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CHART", "WASM"}}, []int64{3, 5}},
		{"a type that is not there", v1alpha1.ArtifactFilter{Types: []v1alpha1.ArtifactType{"CNAB"}}, nil},
		{"a label, by its exact name", v1alpha1.ArtifactFilter{Labels: []v1alpha1.LabelName{"production"}}, []int64{1, 3}},
		{"all of several labels", v1alpha1.ArtifactFilter{Labels: []v1alpha1.LabelName{"production", "eu"}}, []int64{3}},
		{"the newest", v1alpha1.ArtifactFilter{Latest: new(int32(1))}, []int64{1}},
		{"the two newest: of 3 and 4, pushed at one instant, the later id", v1alpha1.ArtifactFilter{Latest: new(int32(2))}, []int64{1, 4}},
		{"the five newest: an unknown push time is the oldest", v1alpha1.ArtifactFilter{Latest: new(int32(5))}, []int64{1, 2, 3, 4, 6}},
		{"more than there are", v1alpha1.ArtifactFilter{Latest: new(int32(100))}, []int64{1, 2, 3, 4, 5, 6}},
		{"the newest of what other conditions leave", v1alpha1.ArtifactFilter{Latest: new(int32(1)), Labels: []v1alpha1.LabelName{"eu"}}, []int64{3}},
		{"versions: a tag that is none does not pass", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: ">=1"}}, []int64{1, 2, 4, 5}},
		{"versions: a v before it, parts left out", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "=2.0.0"}}, []int64{2, 4, 5}},
		{"versions: a pre-release where the range names one", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: ">=2.0.0-0"}}, []int64{2, 3, 4, 5}},
		{"versions: one of two ranges", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "^1.0 || >3"}}, []int64{1, 2, 5}},
		{"versions and expressions: one tag must pass all", v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: ">=1", Include: []v1alpha1.Expression{"latest"}}}, []int64{2, 5}},
		{"a platform with any variant", v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/arm"}}, []int64{2, 4}},
		{"a platform with its variant", v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/arm/v7"}}, []int64{4}},
		{"one of two platforms", v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/amd64", "linux/arm/v7"}}, []int64{1, 4}},
		{"no part of a platform's name", v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/amd"}}, nil},
		{"pushed since a time, inclusive", v1alpha1.ArtifactFilter{PushedSince: "2026-11-23T00:04:00Z"}, []int64{1, 3, 4}},
		{"pushed within a duration before now", v1alpha1.ArtifactFilter{PushedSince: "58m"}, []int64{1, 3, 4, 6}},
		{"a severity or worse", v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityMedium}, []int64{1, 2}},
		{"the worst severity", v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityCritical}, []int64{2}},
		{"the newest with a severity", v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityLow, Latest: new(int32(1))}, []int64{1}},
		{"a query is Harbor's business", v1alpha1.ArtifactFilter{Query: "tags=nil"}, []int64{1, 2, 3, 4, 5, 6}},
	} {
		t.Run(test.name, func(t *testing.T) {
			filter, err := NewFilter(test.filter, at(60))
			if err != nil {
				t.Fatal(err)
			}
			given := shelf()
			if diff := cmp.Diff(test.want, ids(filter.Apply(given))); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(shelf(), given); diff != "" {
				t.Errorf("the artifacts given were changed:\n%s", diff)
			}
		})
	}
}

// An artifact that stays keeps all of its tags.
func TestFilterKeepsAllTags(t *testing.T) {
	filter, err := NewFilter(v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Include: []v1alpha1.Expression{"^latest$"}}}, at(60))
	if err != nil {
		t.Fatal(err)
	}
	if got := filter.Apply(shelf()[:1]); len(got) != 1 || len(got[0].Tags) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestNewFilterErrors(t *testing.T) {
	for _, test := range []struct {
		filter v1alpha1.ArtifactFilter
		want   string
	}{
		{
			v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Include: []v1alpha1.Expression{"ok", "v("}}},
			`spec.artifacts.tags.include[1]: "v(" is no regular expression in RE2 syntax (missing closing )); correct it or take it out`,
		}, {
			v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Exclude: []v1alpha1.Expression{`(?=rc)`}}},
			`spec.artifacts.tags.exclude[0]: "(?=rc)" is no regular expression in RE2 syntax (invalid or unsupported Perl syntax); correct it or take it out`,
		}, {
			v1alpha1.ArtifactFilter{Untagged: "Maybe"},
			`spec.artifacts.untagged: "Maybe" is none of Include, Exclude and Only`,
		}, {
			v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Semver: "1.x ||"}},
			`spec.artifacts.tags.semver: "1.x ||" is no range of semantic versions; write one like ^1.4, ">=1.2 <3" or "1.x || 2.x", or take it out`,
		}, {
			v1alpha1.ArtifactFilter{PushedSince: "2026-13-01T00:00:00Z"},
			`spec.artifacts.pushedSince: "2026-13-01T00:00:00Z" is neither a time like 2026-01-31T00:00:00Z nor a duration like 720h; correct it or take it out`,
		}, {
			v1alpha1.ArtifactFilter{PushedSince: "-5m"},
			`spec.artifacts.pushedSince: "-5m" is neither a time like 2026-01-31T00:00:00Z nor a duration like 720h; correct it or take it out`,
		}, {
			v1alpha1.ArtifactFilter{MinSeverity: "Grave"},
			`spec.artifacts.minSeverity: "Grave" is none of Low, Medium, High and Critical`,
		}, {
			v1alpha1.ArtifactFilter{Latest: new(int32(0))},
			`spec.artifacts.latest: 0 is less than 1; leave it out to list all`,
		},
	} {
		filter, err := NewFilter(test.filter, at(60))
		if err == nil || err.Error() != test.want || filter != nil {
			t.Errorf("got %v\nwant %s", err, test.want)
		}
	}
}

// The newest N are N, in the given order, and none that is left out is newer.
func TestLatestWithTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "artifacts")
		descending := rapid.Bool().Draw(t, "descending")
		artifacts := make([]harbor.Artifact, n)
		for i := range artifacts {
			id := int64(i + 1)
			if descending {
				id = int64(n - i)
			}
			artifacts[i] = harbor.Artifact{ID: id, Digest: fmt.Sprint(i), PushTime: at(rapid.IntRange(0, 3).Draw(t, "minute"))}
			if rapid.IntRange(0, 5).Draw(t, "unknown") == 0 {
				artifacts[i].PushTime = time.Time{}
			}
		}
		latest := rapid.Int32Range(1, 12).Draw(t, "latest")
		filter, err := NewFilter(v1alpha1.ArtifactFilter{Latest: &latest}, at(60))
		if err != nil {
			t.Fatalf("%v", err)
		}
		kept := filter.Apply(artifacts)
		if len(kept) != min(n, int(latest)) {
			t.Fatalf("%d of %d kept, latest %d", len(kept), n, latest)
		}
		order := ids(kept)
		if descending {
			slices.Reverse(order)
		}
		if !slices.IsSorted(order) {
			t.Fatalf("out of the order given: %v", ids(kept))
		}
		newer := func(a, b harbor.Artifact) bool {
			return a.PushTime.After(b.PushTime) || a.PushTime.Equal(b.PushTime) && a.ID > b.ID
		}
		for _, out := range artifacts {
			if slices.Contains(ids(kept), out.ID) {
				continue
			}
			for _, in := range kept {
				if newer(out, in) {
					t.Fatalf("%d is newer than %d, which was kept", out.ID, in.ID)
				}
			}
		}
	})
}

func FuzzNewFilter(f *testing.F) {
	f.Add("^v\\d+", "v1")
	f.Add("(", "")
	f.Add("(?i)RC|\\pL{1,50}", "ärc")
	f.Fuzz(func(t *testing.T, expression, tag string) {
		if len(expression) > 256 { // the schema's bound
			return
		}
		filter, err := NewFilter(v1alpha1.ArtifactFilter{Tags: &v1alpha1.TagFilter{Include: []v1alpha1.Expression{v1alpha1.Expression(expression)}}}, at(60))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "spec.artifacts.tags.include[0]: ") {
				t.Errorf("the error does not name the field: %v", err)
			}
			return
		}
		artifacts := []harbor.Artifact{{ID: 1, Tags: tagged(tag)}, {ID: 2}}
		if kept := ids(filter.Apply(artifacts)); len(kept) == 0 || kept[len(kept)-1] != 2 {
			t.Errorf("an untagged artifact went missing: %v", kept)
		}
	})
}
