// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

var everyDetail = NewSet([]v1alpha1.Detail{
	v1alpha1.DetailLabels, v1alpha1.DetailVulnerabilities, v1alpha1.DetailSBOM, v1alpha1.DetailAccessories,
	v1alpha1.DetailImmutability, v1alpha1.DetailAnnotations, v1alpha1.DetailPlatforms,
})

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func at(minute int) time.Time { return time.Date(2026, 11, 23, 0, minute, 0, 0, time.UTC) }

func micro(t time.Time) *metav1.MicroTime { return new(metav1.NewMicroTime(t)) }

// image is an artifact with everything that Harbor tells.
func image() harbor.Artifact {
	return harbor.Artifact{
		ID: 42, ProjectID: 2, RepositoryID: 7, RepositoryName: "library/nginx",
		Digest: "sha256:1", Type: "IMAGE", MediaType: "application/vnd.oci.image.config.v1+json",
		ManifestMediaType: "application/vnd.oci.image.manifest.v1+json", ArtifactType: "application/vnd.example",
		Size: 1234, PushTime: at(0),
		Tags: []harbor.Tag{
			{ID: 2, Name: "v1.1", PushTime: at(2)}, {ID: 1, Name: "latest", PushTime: at(3)}, {ID: 3, Name: "v1", PushTime: at(1), Immutable: true},
		},
		Labels:    []harbor.Label{{ID: 1, Name: "production", Scope: "g"}, {ID: 2, Name: "eu", Scope: "p"}, {ID: 3, Name: "production", Scope: "p"}},
		Platforms: []harbor.Platform{{OS: "linux", Architecture: "arm64", Variant: "v8"}, {OS: "linux", Architecture: "amd64"}},
		Annotations: map[string]string{
			"org.opencontainers.image.title": "nginx", "b": "",
		},
		AnnotationsTotal: 2,
		Accessories: []harbor.Accessory{
			{ID: 9, Type: "sbom.harbor", Digest: "sha256:9", Size: 90}, {ID: 8, Type: "signature.cosign", Digest: "sha256:8", Size: 80},
		},
		Scan: &harbor.ScanOverview{
			Status: "Success", Severity: "Critical", Scanner: "Trivy v0.60", Total: 15, Fixable: 4,
			BySeverity: map[string]int64{"Critical": 1, "High": 2, "Medium": 3, "Low": 4, "None": 2, "Unknown": 3},
		},
		SBOM: &harbor.SBOMOverview{Digest: "sha256:9", Status: "Success"},
	}
}

func TestEntry(t *testing.T) {
	plain := v1alpha1.ArtifactEntry{
		Digest: "sha256:1", Type: "IMAGE", MediaType: "application/vnd.oci.image.config.v1+json",
		ManifestMediaType: "application/vnd.oci.image.manifest.v1+json", ArtifactType: "application/vnd.example",
		SizeBytes: 1234, PushTime: micro(at(0)), Tags: []string{"latest", "v1", "v1.1"},
	}
	for _, test := range []struct {
		name    string
		details Set
		want    func(e *v1alpha1.ArtifactEntry)
	}{
		{"no details", nil, func(*v1alpha1.ArtifactEntry) {}},
		{"labels, one name once", Set{v1alpha1.DetailLabels: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.Labels = []string{"eu", "production"}
		}},
		{"immutability", Set{v1alpha1.DetailImmutability: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.ImmutableTags = []string{"v1"}
		}},
		{"platforms", Set{v1alpha1.DetailPlatforms: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.Platforms = []string{"linux/amd64", "linux/arm64/v8"}
		}},
		{"annotations", Set{v1alpha1.DetailAnnotations: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.Annotations = map[string]v1alpha1.AnnotationValue{"org.opencontainers.image.title": "nginx", "b": ""}
		}},
		{"accessories, by id", Set{v1alpha1.DetailAccessories: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.Signed = new(true)
			e.Accessories = []v1alpha1.Accessory{
				{Type: "signature.cosign", Digest: "sha256:8", SizeBytes: 80}, {Type: "sbom.harbor", Digest: "sha256:9", SizeBytes: 90},
			}
		}},
		{"vulnerabilities", Set{v1alpha1.DetailVulnerabilities: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.Vulnerabilities = &v1alpha1.Vulnerabilities{
				VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: 15, Fixable: 4, Critical: 1, High: 2, Medium: 3, Low: 4, Other: 5},
				Severity:            "Critical", ScanStatus: "Success", Scanner: "Trivy v0.60",
			}
		}},
		{"SBOM", Set{v1alpha1.DetailSBOM: {}}, func(e *v1alpha1.ArtifactEntry) {
			e.SBOM = &v1alpha1.SBOM{Digest: "sha256:9", MediaType: "application/vnd.goharbor.harbor.sbom.v1", ScanStatus: "Success"}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want, a := plain, image()
			test.want(&want)
			got := Entry(&a, test.details)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(image(), a); diff != "" {
				t.Errorf("the artifact was changed:\n%s", diff)
			}
			checkBounds(t, got)
		})
	}
}

// Every detail is asked for, and Harbor has odd values, or none.
func TestEntryOddValues(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(a *harbor.Artifact)
		want   v1alpha1.ArtifactEntry // besides digest, and signed where it is nil
	}{
		{"nothing", func(*harbor.Artifact) {}, v1alpha1.ArtifactEntry{}},
		{"empty overviews", func(a *harbor.Artifact) { a.Scan, a.SBOM = &harbor.ScanOverview{}, &harbor.SBOMOverview{} }, v1alpha1.ArtifactEntry{}},
		{"a scan that failed", func(a *harbor.Artifact) { a.Scan = &harbor.ScanOverview{Status: "Error"} }, v1alpha1.ArtifactEntry{
			Vulnerabilities: &v1alpha1.Vulnerabilities{ScanStatus: "Error"},
		}},
		{"a scan that found nothing", func(a *harbor.Artifact) { a.Scan = &harbor.ScanOverview{Status: "Success", Severity: "None"} }, v1alpha1.ArtifactEntry{
			Vulnerabilities: &v1alpha1.Vulnerabilities{ScanStatus: "Success", Severity: "None"},
		}},
		{"unknown severities", func(a *harbor.Artifact) {
			a.Scan = &harbor.ScanOverview{Status: "Success", Total: 3, BySeverity: map[string]int64{"critical": 1, "": 1, "Negligible": 1}}
		}, v1alpha1.ArtifactEntry{
			Vulnerabilities: &v1alpha1.Vulnerabilities{ScanStatus: "Success", VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: 3, Other: 3}},
		}},
		{"an SBOM that failed", func(a *harbor.Artifact) { a.SBOM = &harbor.SBOMOverview{Status: "Error"} }, v1alpha1.ArtifactEntry{
			SBOM: &v1alpha1.SBOM{ScanStatus: "Error"},
		}},
		{"pushed in the year 1, in another zone", func(a *harbor.Artifact) {
			a.PushTime = time.Time{}.In(time.FixedZone("", 3600))
		}, v1alpha1.ArtifactEntry{}},
		{"pushed in the year 12026", func(a *harbor.Artifact) { a.PushTime = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }, v1alpha1.ArtifactEntry{}},
		{"pushed with nanoseconds, in another zone", func(a *harbor.Artifact) {
			a.PushTime = time.Date(2026, 11, 23, 1, 2, 3, 456_789_999, time.FixedZone("", 3600))
		}, v1alpha1.ArtifactEntry{PushTime: micro(time.Date(2026, 11, 23, 0, 2, 3, 456_789_000, time.UTC))}},
		{"a tag twice, for it moved while the page was read", func(a *harbor.Artifact) {
			a.Tags = []harbor.Tag{{Name: "v1"}, {Name: "v1", Immutable: true}, {Name: "v0"}}
		}, v1alpha1.ArtifactEntry{Tags: []string{"v0", "v1"}, ImmutableTags: []string{"v1"}}},
		{"invalid UTF-8", func(a *harbor.Artifact) {
			a.Type = "IM\xffAGE"
			a.Labels = []harbor.Label{{Name: "\xc3\x28"}}
			a.Annotations, a.AnnotationsTotal = map[string]string{"\xff": "\xfe"}, 1
		}, v1alpha1.ArtifactEntry{
			Type: "IM�AGE", Labels: []string{"�("}, Annotations: map[string]v1alpha1.AnnotationValue{"�": "�"},
		}},
		{"platforms in part", func(a *harbor.Artifact) {
			a.Platforms = []harbor.Platform{{}, {OS: "linux"}, {Architecture: "amd64"}, {OS: "linux"}, {OS: "windows", Architecture: "amd64"}}
		}, v1alpha1.ArtifactEntry{Platforms: []string{"linux/unknown", "unknown/amd64", "windows/amd64"}}},
		{"accessories, none a signature", func(a *harbor.Artifact) {
			a.Accessories = []harbor.Accessory{{ID: 1, Type: "sbom.harbor"}, {ID: 2, Type: "subject.accessory"}, {ID: 3, Type: "signatures"}}
		}, v1alpha1.ArtifactEntry{Accessories: []v1alpha1.Accessory{{Type: "sbom.harbor"}, {Type: "subject.accessory"}, {Type: "signatures"}}}},
		{"negative numbers", func(a *harbor.Artifact) { a.Size = -1 }, v1alpha1.ArtifactEntry{SizeBytes: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := harbor.Artifact{Digest: "sha256:1"}
			test.change(&a)
			want := test.want
			want.Digest, want.Signed = "sha256:1", new(false)
			got := Entry(&a, everyDetail)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			checkBounds(t, got)
		})
	}
}

func TestHarborDetails(t *testing.T) {
	for _, test := range []struct {
		name    string
		details []v1alpha1.Detail
		filter  v1alpha1.ArtifactFilter
		want    harbor.Details
	}{
		{"nothing", nil, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true}},
		{"a filter on platforms", nil, v1alpha1.ArtifactFilter{Platforms: []v1alpha1.PlatformName{"linux/amd64"}}, harbor.Details{Tags: true, Platforms: true}},
		{"a filter on the severity", nil, v1alpha1.ArtifactFilter{MinSeverity: v1alpha1.SeverityHigh}, harbor.Details{Tags: true, Scan: true}},
		{"labels", []v1alpha1.Detail{v1alpha1.DetailLabels}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Labels: true}},
		{"a filter on labels", nil, v1alpha1.ArtifactFilter{Labels: []v1alpha1.LabelName{"eu"}}, harbor.Details{Tags: true, Labels: true}},
		{"vulnerabilities", []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Scan: true}},
		{"SBOM", []v1alpha1.Detail{v1alpha1.DetailSBOM}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, SBOM: true}},
		{"accessories", []v1alpha1.Detail{v1alpha1.DetailAccessories}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Accessories: true}},
		{"immutability", []v1alpha1.Detail{v1alpha1.DetailImmutability}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Immutability: true}},
		{"annotations", []v1alpha1.Detail{v1alpha1.DetailAnnotations}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Annotations: true}},
		{"platforms", []v1alpha1.Detail{v1alpha1.DetailPlatforms}, v1alpha1.ArtifactFilter{}, harbor.Details{Tags: true, Platforms: true}},
	} {
		spec := &v1alpha1.HarborInventorySpec{Artifacts: test.filter}
		if diff := cmp.Diff(test.want, HarborDetails(NewSet(test.details), spec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
