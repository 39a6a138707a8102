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
		Digest: digest, Tags: []string{"v1", "latest"}, Labels: []string{"eu", "production"}, Signed: ptr(true),
		Accessories:     []v1alpha1.Accessory{{Type: "signature.cosign"}, {Type: "sbom.harbor"}},
		Vulnerabilities: &v1alpha1.Vulnerabilities{ScanStatus: "Success"},
		SBOM:            &v1alpha1.SBOM{Digest: "sha256:9"},
		Annotations:     map[string]v1alpha1.AnnotationValue{"a": "b"}, Platforms: []string{"linux/amd64"}, ImmutableTags: []string{"v1"},
	}
}

func TestLost(t *testing.T) {
	yes := []string{"a"}
	for _, test := range []struct {
		name          string
		change        func(before, after *v1alpha1.ArtifactEntry)
		details, tags []string
	}{
		{"nothing", func(_, _ *v1alpha1.ArtifactEntry) {}, nil, nil},
		{"labels", func(_, a *v1alpha1.ArtifactEntry) { a.Labels = nil }, yes, nil},
		{"accessories", func(_, a *v1alpha1.ArtifactEntry) { a.Accessories, a.Signed = nil, ptr(false) }, yes, nil},
		{"vulnerabilities", func(_, a *v1alpha1.ArtifactEntry) { a.Vulnerabilities = nil }, yes, nil},
		{"sbom", func(_, a *v1alpha1.ArtifactEntry) { a.SBOM = nil }, yes, nil},
		{"tags", func(_, a *v1alpha1.ArtifactEntry) { a.Tags = nil }, nil, yes},
		{"some of each", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Tags = a.Labels[:1], a.Accessories[:1], a.Tags[:1]
		}, nil, nil},
		{"others", func(_, a *v1alpha1.ArtifactEntry) { a.Labels, a.Tags = []string{"us"}, []string{"v2"} }, nil, nil},
		{"a scan that failed since", func(_, a *v1alpha1.ArtifactEntry) {
			a.Vulnerabilities = &v1alpha1.Vulnerabilities{ScanStatus: "Error"}
		}, nil, nil},
		{"what is not read by a query of its own", func(_, a *v1alpha1.ArtifactEntry) {
			a.Annotations, a.Platforms, a.ImmutableTags = nil, nil, nil
		}, nil, nil},
		{"what was not there before", func(b, _ *v1alpha1.ArtifactEntry) {
			*b = v1alpha1.ArtifactEntry{Digest: "a"}
		}, nil, nil},
		{"what is cut to nothing", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Tags, a.Truncated = nil, nil, nil, []string{"accessories", "labels", "tags"}
		}, nil, nil},
		{"labels, while accessories are cut", func(_, a *v1alpha1.ArtifactEntry) {
			a.Labels, a.Accessories, a.Truncated = nil, nil, []string{"accessories"}
		}, yes, nil},
		{"another artifact", func(_, a *v1alpha1.ArtifactEntry) {
			*a = v1alpha1.ArtifactEntry{Digest: "b"}
		}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := detailed("a"), detailed("a")
			test.change(&before, &after)
			b, a := []v1alpha1.ArtifactEntry{detailed("x"), before}, []v1alpha1.ArtifactEntry{after, detailed("y")}
			if diff := cmp.Diff(test.details, LostDetails(b, a)); diff != "" {
				t.Errorf("LostDetails (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.tags, LostTags(b, a)); diff != "" {
				t.Errorf("LostTags (-want +got):\n%s", diff)
			}
		})
	}
}

// Each artifact is named once, in the order of the entries that lack something.
func TestLostOrder(t *testing.T) {
	before := []v1alpha1.ArtifactEntry{detailed("a"), detailed("b"), detailed("c")}
	after := []v1alpha1.ArtifactEntry{{Digest: "c"}, detailed("b"), {Digest: "a"}}
	if diff := cmp.Diff([]string{"c", "a"}, LostDetails(before, after)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is no longer asked for is not lost.
func TestLostDetailsOfASet(t *testing.T) {
	before, after := []v1alpha1.ArtifactEntry{detailed("a")}, []v1alpha1.ArtifactEntry{{Digest: "a"}}
	for _, detail := range []v1alpha1.Detail{
		v1alpha1.DetailLabels, v1alpha1.DetailAccessories, v1alpha1.DetailVulnerabilities, v1alpha1.DetailSBOM,
	} {
		if got := NewSet([]v1alpha1.Detail{detail}).LostDetails(before, after); len(got) != 1 {
			t.Errorf("%s: %v", detail, got)
		}
		others := NewSet([]v1alpha1.Detail{v1alpha1.DetailLabels, v1alpha1.DetailAccessories, v1alpha1.DetailVulnerabilities, v1alpha1.DetailSBOM})
		delete(others, detail)
		only := detailed("a")
		only.Labels, only.Accessories, only.Vulnerabilities, only.SBOM = nil, nil, nil, nil
		full := detailed("a")
		switch detail {
		case v1alpha1.DetailLabels:
			only.Labels = full.Labels
		case v1alpha1.DetailAccessories:
			only.Accessories = full.Accessories
		case v1alpha1.DetailVulnerabilities:
			only.Vulnerabilities = full.Vulnerabilities
		default:
			only.SBOM = full.SBOM
		}
		if got := others.LostDetails([]v1alpha1.ArtifactEntry{only}, after); len(got) != 0 {
			t.Errorf("all but %s: %v", detail, got)
		}
	}
	if got := Set(nil).LostDetails(before, after); len(got) != 0 {
		t.Errorf("no details: %v", got)
	}
}
