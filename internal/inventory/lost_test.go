// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// detailed is an entry with everything that can be lost.
func detailed(digest string) v1alpha1.ArtifactEntry {
	return v1alpha1.ArtifactEntry{
		Digest: digest, Tags: []string{"v1", "latest"}, Labels: []string{"eu", "production"}, Signed: new(true),
		Accessories:     []v1alpha1.Accessory{{Type: "signature.cosign"}, {Type: "sbom.harbor"}},
		Vulnerabilities: &v1alpha1.Vulnerabilities{ScanStatus: "Success"},
		SBOM:            &v1alpha1.SBOM{Digest: "sha256:9"},
		Annotations:     map[string]v1alpha1.AnnotationValue{"a": "b"}, Platforms: []string{"linux/amd64"}, ImmutableTags: []string{"v1"},
	}
}

func TestLostDetails(t *testing.T) {
	yes := []string{"a"}
	for _, test := range []struct {
		name   string
		change func(before, after *v1alpha1.ArtifactEntry)
		want   []string
	}{
		{"nothing", func(_, _ *v1alpha1.ArtifactEntry) {}, nil},
		{"labels", func(_, a *v1alpha1.ArtifactEntry) { a.Labels = nil }, yes},
		{"accessories", func(_, a *v1alpha1.ArtifactEntry) { a.Accessories, a.Signed = nil, new(false) }, yes},
		{"vulnerabilities", func(_, a *v1alpha1.ArtifactEntry) { a.Vulnerabilities = nil }, yes},
		{"sbom", func(_, a *v1alpha1.ArtifactEntry) { a.SBOM = nil }, yes},
		{"tags: they are verified elsewhere", func(_, a *v1alpha1.ArtifactEntry) { a.Tags = nil }, nil},
		{"some of each", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Tags = a.Labels[:1], a.Accessories[:1], a.Tags[:1]
		}, nil},
		{"others", func(_, a *v1alpha1.ArtifactEntry) { a.Labels, a.Tags = []string{"us"}, []string{"v2"} }, nil},
		{"a scan that failed since", func(_, a *v1alpha1.ArtifactEntry) {
			a.Vulnerabilities = &v1alpha1.Vulnerabilities{ScanStatus: "Error"}
		}, nil},
		{"what is not read by a query of its own", func(_, a *v1alpha1.ArtifactEntry) {
			a.Annotations, a.Platforms, a.ImmutableTags = nil, nil, nil
		}, nil},
		{"what was not there before", func(b, _ *v1alpha1.ArtifactEntry) {
			*b = v1alpha1.ArtifactEntry{Digest: "a"}
		}, nil},
		{"what is cut to nothing", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Tags, a.Truncated = nil, nil, nil, []string{"accessories", "labels", "tags"}
		}, nil},
		{"labels, while accessories are cut", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Truncated = nil, nil, []string{"accessories"}
		}, yes},
		{"another artifact", func(_, a *v1alpha1.ArtifactEntry) {
			*a = v1alpha1.ArtifactEntry{Digest: "b"}
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := detailed("a"), detailed("a")
			test.change(&before, &after)
			b, a := []v1alpha1.ArtifactEntry{detailed("x"), before}, []v1alpha1.ArtifactEntry{after, detailed("y")}
			if diff := cmp.Diff(test.want, LostDetails(b, a)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Each artifact is named once, in the order of the entries that lack something.
func TestLostDetailsOrder(t *testing.T) {
	before := []v1alpha1.ArtifactEntry{detailed("a"), detailed("b"), detailed("c")}
	after := []v1alpha1.ArtifactEntry{{Digest: "c"}, detailed("b"), {Digest: "a"}}
	if diff := cmp.Diff([]string{"c", "a"}, LostDetails(before, after)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
