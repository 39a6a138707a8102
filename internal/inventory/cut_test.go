// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// manyTags makes tags whose names sort against their age: tag-00000 is the newest.
func manyTags(n, length int, immutable bool) []harbor.Tag {
	tags := make([]harbor.Tag, n)
	for i := range tags {
		tags[i] = harbor.Tag{Name: fmt.Sprintf("%0*d", length, i), PushTime: at(0).Add(-time.Duration(i) * time.Second), Immutable: immutable}
	}
	return tags
}

func manyPlatforms(n, length int) []harbor.Platform {
	platforms := make([]harbor.Platform, n)
	for i := range platforms {
		platforms[i] = harbor.Platform{OS: "linux", Architecture: fmt.Sprintf("%0*d", length, i)}
	}
	return platforms
}

func manyLabels(n, length int) []harbor.Label {
	labels := make([]harbor.Label, n)
	for i := range labels {
		labels[i] = harbor.Label{ID: int64(i), Name: fmt.Sprintf("%0*d", length, i)}
	}
	return labels
}

func manyAccessories(n, length int) []harbor.Accessory {
	accessories := make([]harbor.Accessory, n)
	for i := range accessories {
		accessories[i] = harbor.Accessory{ID: int64(i), Type: "subject.accessory", Digest: fmt.Sprintf("%0*d", length, i)}
	}
	return accessories
}

func manyAnnotations(n, length int) map[string]string {
	annotations := map[string]string{}
	for i := range n {
		annotations[fmt.Sprintf("key-%05d", i)] = repeat("x", length)
	}
	return annotations
}

// shown counts what an entry shows.
func shown(e v1alpha1.ArtifactEntry) map[string]int {
	counts := map[string]int{}
	for name, n := range map[string]int{
		"annotations": len(e.Annotations), "accessories": len(e.Accessories), "labels": len(e.Labels),
		"platforms": len(e.Platforms), "immutableTags": len(e.ImmutableTags), "tags": len(e.Tags),
	} {
		if n > 0 {
			counts[name] = n
		}
	}
	return counts
}

func TestEntryIsCut(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(a *harbor.Artifact)
		shown  map[string]int
		totals map[string]int32
	}{
		{
			"all at the bounds of the schema",
			func(a *harbor.Artifact) {
				a.Tags, a.Platforms, a.Labels = manyTags(1000, 10, false), manyPlatforms(100, 10), manyLabels(200, 10)
				a.Accessories, a.Annotations = manyAccessories(100, 71), manyAnnotations(64, 100)
			},
			map[string]int{"tags": 1000, "platforms": 100, "labels": 200, "accessories": 100, "annotations": 64},
			nil,
		}, {
			"one more of each",
			func(a *harbor.Artifact) {
				a.Tags, a.Platforms, a.Labels = manyTags(1001, 5, false), manyPlatforms(101, 10), manyLabels(201, 10)
				a.Accessories, a.Annotations = manyAccessories(101, 71), manyAnnotations(65, 100)
			},
			map[string]int{"tags": 1000, "platforms": 100, "labels": 200, "accessories": 100, "annotations": 64},
			map[string]int32{"tags": 1001, "platforms": 101, "labels": 201, "accessories": 101, "annotations": 65},
		}, {
			"5,000 immutable tags",
			func(a *harbor.Artifact) { a.Tags = manyTags(5000, 10, true) },
			map[string]int{"tags": 1000, "immutableTags": 1000},
			map[string]int32{"tags": 5000, "immutableTags": 5000},
		}, {
			"3,000 children of an index",
			func(a *harbor.Artifact) { a.Children, a.Platforms = 3000, manyPlatforms(3000, 10) },
			map[string]int{"platforms": 100},
			map[string]int32{"platforms": 3000},
		}, {
			"20,000 children of an index, of which the client kept three",
			func(a *harbor.Artifact) {
				a.Children, a.Platforms, a.Cut = 20_000, manyPlatforms(3, 10), []string{"platforms"}
			},
			map[string]int{"platforms": 3},
			map[string]int32{"platforms": 20_000},
		}, {
			"1 MiB of annotations, of which the client kept 64 times 1 KiB",
			func(a *harbor.Artifact) {
				a.Annotations, a.AnnotationsTotal, a.Cut = manyAnnotations(64, 1024), 1024, []string{"annotations"}
				a.Labels = manyLabels(3, 10)
			},
			map[string]int{"annotations": 62, "labels": 3},
			map[string]int32{"annotations": 1024},
		}, {
			"an annotation that the client cut",
			func(a *harbor.Artifact) {
				a.Annotations, a.AnnotationsTotal, a.Cut = manyAnnotations(2, 1024), 2, []string{"annotations"}
			},
			map[string]int{"annotations": 2},
			map[string]int32{"annotations": 2},
		}, {
			"annotations and long tags: annotations give way first, and no more of the tags than needed",
			func(a *harbor.Artifact) {
				a.Annotations, a.AnnotationsTotal = manyAnnotations(60, 1024), 60
				a.Tags = manyTags(700, 100, false)
			},
			map[string]int{"tags": 634},
			map[string]int32{"annotations": 60, "tags": 700},
		}, {
			"everything far too large",
			func(a *harbor.Artifact) {
				a.Tags, a.Platforms, a.Labels = manyTags(5000, 128, true), manyPlatforms(3000, 120), manyLabels(1000, 128)
				a.Accessories, a.Annotations = manyAccessories(1000, 255), manyAnnotations(100, 1024)
			},
			map[string]int{"tags": 497},
			map[string]int32{"tags": 5000, "immutableTags": 5000, "platforms": 3000, "labels": 1000, "accessories": 1000, "annotations": 100},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := harbor.Artifact{Digest: "sha256:1", Type: "IMAGE", PushTime: at(0)}
			test.change(&a)
			got := Entry(&a, everyDetail)
			if diff := cmp.Diff(test.shown, shown(got)); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.totals, got.Totals); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			if want := slices.Sorted(maps.Keys(test.totals)); !slices.Equal(want, got.Truncated) {
				t.Errorf("truncated: %v, want %v", got.Truncated, want)
			}
			if got.Digest != "sha256:1" || got.Type != "IMAGE" || got.PushTime == nil {
				t.Errorf("neighbors of what was cut have changed: %+v", got)
			}
			checkBounds(t, got)
		})
	}
}

// Of tags the newest stay, and are sorted by name; tags of one instant by id.
func TestNewestTagsStay(t *testing.T) {
	tags := manyTags(1500, 5, false)
	slices.Reverse(tags)
	got := Entry(&harbor.Artifact{Tags: tags}, nil)
	if got.Tags[0] != "00000" || got.Tags[999] != "00999" || !slices.IsSorted(got.Tags) {
		t.Errorf("from %s to %s", got.Tags[0], got.Tags[999])
	}
	slices.Reverse(tags)
	for i := range tags {
		tags[i].PushTime, tags[i].ID = at(0), int64(i)
	}
	got = Entry(&harbor.Artifact{Tags: tags}, nil)
	if got.Tags[0] != "00500" || got.Tags[999] != "01499" {
		t.Errorf("of one instant: from %s to %s", got.Tags[0], got.Tags[999])
	}
}

// A tag that Harbor gives twice is as new as its later record.
func TestTagsTwice(t *testing.T) {
	for _, test := range []struct {
		name       string
		older, new harbor.Tag
	}{
		{"by time", harbor.Tag{Name: "twice", ID: 1, PushTime: at(-5000)}, harbor.Tag{Name: "twice", ID: 1, PushTime: at(5)}},
		{"by id", harbor.Tag{Name: "twice", ID: -1, PushTime: at(0)}, harbor.Tag{Name: "twice", ID: 1, PushTime: at(0)}},
	} {
		tags := manyTags(1000, 5, false)
		for i := range tags {
			tags[i].PushTime = at(0)
		}
		for _, order := range [][]harbor.Tag{{test.older, test.new}, {test.new, test.older}} {
			got := Entry(&harbor.Artifact{Tags: append(order, tags...)}, nil)
			if !slices.Contains(got.Tags, "twice") || got.Totals["tags"] != 1001 {
				t.Errorf("%s: shown %t of %v", test.name, slices.Contains(got.Tags, "twice"), got.Totals)
			}
		}
	}
}

// The order in which fields give way, from a little too much to far too much.
func TestCuttingOrder(t *testing.T) {
	a := harbor.Artifact{
		Platforms: manyPlatforms(100, 100), Labels: manyLabels(200, 128), Accessories: manyAccessories(100, 250),
		Annotations: manyAnnotations(20, 1000), AnnotationsTotal: 20,
	}
	for _, test := range []struct {
		tags int // immutable ones of 103 bytes, twice
		want []string
	}{
		{0, []string{"annotations", "accessories"}},
		{100, []string{"annotations", "accessories"}},
		{210, []string{"annotations", "accessories", "labels"}},
		{290, []string{"annotations", "accessories", "labels", "platforms"}},
		{400, []string{"annotations", "accessories", "labels", "platforms", "immutableTags"}},
		{700, []string{"annotations", "accessories", "labels", "platforms", "immutableTags", "tags"}},
	} {
		a.Tags = manyTags(test.tags, 100, true)
		got := Entry(&a, everyDetail)
		slices.Sort(test.want)
		if !slices.Equal(got.Truncated, test.want) {
			t.Errorf("%d tags: cut %v, want %v", test.tags, got.Truncated, test.want)
		}
	}
}

// A tag that is not shown for want of room is not shown as immutable.
func TestImmutableTagsAreShownTags(t *testing.T) {
	tags := manyTags(1200, 5, false)
	for i := range tags {
		tags[i].Immutable = i%300 == 0 // 0, 300, 600, 900: shown
	}
	got := Entry(&harbor.Artifact{Tags: tags}, everyDetail)
	if want := []string{"00000", "00300", "00600", "00900"}; !slices.Equal(got.ImmutableTags, want) || slices.Contains(got.Truncated, "immutableTags") {
		t.Errorf("immutable %v, truncated %v", got.ImmutableTags, got.Truncated)
	}
	tags[1100].Immutable = true
	got = Entry(&harbor.Artifact{Tags: tags}, everyDetail)
	if len(got.ImmutableTags) != 4 || got.Totals["immutableTags"] != 5 {
		t.Errorf("immutable %v, totals %v", got.ImmutableTags, got.Totals)
	}
}

func TestTextsAreCut(t *testing.T) {
	long := repeat("ä", 300) // 600 bytes
	a := harbor.Artifact{
		Digest: long, Type: long, MediaType: long, ManifestMediaType: long, ArtifactType: long,
		Tags: []harbor.Tag{{Name: long}}, Labels: []harbor.Label{{Name: long + "1"}, {Name: long + "2"}},
		Platforms:   []harbor.Platform{{OS: long, Architecture: "amd64"}},
		Accessories: []harbor.Accessory{{Type: "signature." + long, Digest: long}},
		Annotations: map[string]string{"a": repeat("ä", 600), "b": "short", "x" + repeat("ä", 600): "a long key"},
		Scan:        &harbor.ScanOverview{Severity: long, Status: repeat("x", 65), Scanner: "Trivy"},
		SBOM:        &harbor.SBOMOverview{Digest: "sha256:1", Status: long},
	}
	got := Entry(&a, everyDetail)
	text, word, element := repeat("ä", 255), repeat("ä", 64), repeat("ä", 128)
	want := v1alpha1.ArtifactEntry{
		Digest: text, Type: text, MediaType: text, ManifestMediaType: text, ArtifactType: text,
		Tags: []string{element}, Labels: []string{element}, Platforms: []string{element},
		Signed:          new(true),
		Accessories:     []v1alpha1.Accessory{{Type: "signature." + repeat("ä", 245), Digest: text}},
		Annotations:     map[string]v1alpha1.AnnotationValue{"a": v1alpha1.AnnotationValue(repeat("ä", 512)), "b": "short"},
		Vulnerabilities: &v1alpha1.Vulnerabilities{Severity: word, ScanStatus: repeat("x", 64), Scanner: "Trivy"},
		SBOM:            &v1alpha1.SBOM{Digest: "sha256:1", MediaType: sbomMediaType, ScanStatus: word},
		Truncated: []string{
			"accessories", "annotations", "artifactType", "digest", "labels", "manifestMediaType", "mediaType",
			"platforms", "sbom", "tags", "type", "vulnerabilities",
		},
		Totals: map[string]int32{
			"accessories": 1, "annotations": 3, "artifactType": 300, "digest": 300, "labels": 2, "manifestMediaType": 300,
			"mediaType": 300, "platforms": 1, "sbom": 300, "tags": 1, "type": 300, "vulnerabilities": 300,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	checkBounds(t, got)
}

// What never gives way is far below the bound, whatever its characters.
func TestTextsAloneFit(t *testing.T) {
	worst := repeat("\x01", 1000) // six bytes each as JSON
	a := harbor.Artifact{
		Digest: worst, Type: worst, MediaType: worst, ManifestMediaType: worst, ArtifactType: worst,
		Scan: &harbor.ScanOverview{Severity: worst, Status: worst, Scanner: worst}, SBOM: &harbor.SBOMOverview{Digest: worst, Status: worst},
	}
	if size := len(asJSON(Entry(&a, everyDetail))); size > 14<<10 {
		t.Errorf("%d bytes", size)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("", 0)
	f.Add("ä\xff😀", 2)
	f.Add(repeat("😀", 300), 255)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 0 || n > 2000 {
			return
		}
		text = valid(text)
		if !utf8.ValidString(text) {
			t.Fatalf("%q is not valid", text)
		}
		runes := []rune(text)
		short, cut := cutText(text, n)
		if want := string(runes[:min(n, len(runes))]); short != want || cut != (len(runes) > n) {
			t.Errorf("cutText(%q, %d) = %q, %t", text, n, short, cut)
		}
		short, cut = cutBytes(text, n)
		if len(short) > n || text[:len(short)] != short || !utf8.ValidString(short) || len(text)-len(short) > 0 != cut {
			t.Errorf("cutBytes(%q, %d) = %q, %t", text, n, short, cut)
		}
		if cut && n-len(short) >= utf8.UTFMax {
			t.Errorf("cutBytes(%q, %d) = %q leaves room for a character", text, n, short)
		}
	})
}

// The estimate that spares the encoding is never too small.
func TestAtMostIsAtLeastTheSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawArtifact(t)
		d := &draft{entry: Entry(&a, everyDetail)}
		if d.atMost() < d.size() {
			t.Fatalf("at most %d bytes, and it has %d:\n%s", d.atMost(), d.size(), asJSON(d.entry))
		}
	})
}
