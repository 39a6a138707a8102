// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// drawText draws a text that is different for each i, of any kind and length.
func drawText(t *rapid.T, label string) func(i int) string {
	character := rapid.SampledFrom([]string{"a", "ä", "😀", "<", "\x01", "\u2028", "\xff"}).Draw(t, label+" character")
	length := rapid.SampledFrom([]int{0, 5, 60, 123, 124, 250, 1200}).Draw(t, label+" length")
	return func(i int) string { return fmt.Sprintf("%05d", i) + repeat(character, length) }
}

func drawCount(t *rapid.T, label string, bound int) int {
	return rapid.SampledFrom([]int{0, 0, 1, 3, bound / 2, bound, bound + 1}).Draw(t, label+" count")
}

func drawArtifact(t *rapid.T) harbor.Artifact {
	text := drawText(t, "text")
	a := harbor.Artifact{
		Digest: text(1), Type: text(2), MediaType: text(3), ManifestMediaType: text(4), ArtifactType: text(5),
		Size: rapid.Int64().Draw(t, "size"), PushTime: time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "pushed"), 1),
	}
	text = drawText(t, "tag")
	for i := range drawCount(t, "tag", maxTags) {
		a.Tags = append(a.Tags, harbor.Tag{ID: int64(i), Name: text(i), PushTime: at(i * 7 % 100), Immutable: i%3 == 0})
	}
	text = drawText(t, "label")
	for i := range drawCount(t, "label", maxLabels) {
		a.Labels = append(a.Labels, harbor.Label{ID: int64(i), Name: text(i / 2)}) // each twice
	}
	text = drawText(t, "platform")
	for i := range drawCount(t, "platform", maxPlatforms) {
		a.Platforms = append(a.Platforms, harbor.Platform{OS: "linux", Architecture: text(i)})
	}
	text = drawText(t, "accessory")
	for i := range drawCount(t, "accessory", maxAccessories) {
		a.Accessories = append(a.Accessories, harbor.Accessory{ID: int64(i), Type: "subject.accessory", Digest: text(i), Size: int64(i)})
	}
	text = drawText(t, "annotation")
	a.Annotations = map[string]string{}
	for i := range drawCount(t, "annotation", maxAnnotations) {
		a.Annotations[text(i)] = text(i)
	}
	a.AnnotationsTotal = len(a.Annotations)
	if rapid.Bool().Draw(t, "annotations cut before") {
		a.AnnotationsTotal += rapid.IntRange(0, 3).Draw(t, "more annotations")
		a.Cut = []string{"annotations"}
	}
	if rapid.Bool().Draw(t, "scanned") {
		text = drawText(t, "scan")
		a.Scan = &harbor.ScanOverview{Status: text(1), Severity: text(2), Scanner: text(3), Total: 4}
	}
	if rapid.Bool().Draw(t, "with SBOM") {
		text = drawText(t, "SBOM")
		a.SBOM = &harbor.SBOMOverview{Digest: text(1), Status: text(2)}
	}
	return a
}

func drawDetails(t *rapid.T) Set {
	details := Set{}
	for _, detail := range slices.Sorted(maps.Keys(everyDetail)) {
		if rapid.IntRange(0, 4).Draw(t, string(detail)) > 0 {
			details[detail] = struct{}{}
		}
	}
	return details
}

// whole is what an entry would be without bounds, and what its totals would be.
func whole(a *harbor.Artifact, details Set) (v1alpha1.ArtifactEntry, map[string]int32) {
	names := func(n int, name func(i int) string) []string {
		var all []string
		for i := range n {
			all = append(all, valid(name(i)))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	e := v1alpha1.ArtifactEntry{
		Digest: valid(a.Digest), Type: valid(a.Type), MediaType: valid(a.MediaType),
		ManifestMediaType: valid(a.ManifestMediaType), ArtifactType: valid(a.ArtifactType), SizeBytes: a.Size,
		Tags: names(len(a.Tags), func(i int) string { return a.Tags[i].Name }),
	}
	totals := map[string]int32{
		"digest": int32(len([]rune(e.Digest))), "type": int32(len([]rune(e.Type))), "mediaType": int32(len([]rune(e.MediaType))),
		"manifestMediaType": int32(len([]rune(e.ManifestMediaType))), "artifactType": int32(len([]rune(e.ArtifactType))), "tags": int32(len(e.Tags)),
	}
	if details.Has(v1alpha1.DetailImmutability) {
		immutable := slices.DeleteFunc(slices.Clone(a.Tags), func(tag harbor.Tag) bool { return !tag.Immutable })
		e.ImmutableTags = names(len(immutable), func(i int) string { return immutable[i].Name })
		totals["immutableTags"] = int32(len(e.ImmutableTags))
	}
	if details.Has(v1alpha1.DetailLabels) {
		e.Labels = names(len(a.Labels), func(i int) string { return a.Labels[i].Name })
		totals["labels"] = int32(len(e.Labels))
	}
	if details.Has(v1alpha1.DetailPlatforms) {
		e.Platforms = names(len(a.Platforms), func(i int) string { return a.Platforms[i].OS + "/" + a.Platforms[i].Architecture })
		totals["platforms"] = int32(len(e.Platforms))
	}
	if details.Has(v1alpha1.DetailAccessories) {
		e.Signed = new(false)
		for _, accessory := range a.Accessories {
			e.Accessories = append(e.Accessories, v1alpha1.Accessory{Type: accessory.Type, Digest: valid(accessory.Digest), SizeBytes: accessory.Size})
		}
		totals["accessories"] = int32(len(e.Accessories))
	}
	if details.Has(v1alpha1.DetailAnnotations) {
		e.Annotations = map[string]v1alpha1.AnnotationValue{}
		for key, value := range a.Annotations {
			e.Annotations[valid(key)] = v1alpha1.AnnotationValue(valid(value))
		}
		totals["annotations"] = int32(a.AnnotationsTotal)
	}
	if details.Has(v1alpha1.DetailVulnerabilities) && a.Scan != nil {
		e.Vulnerabilities = &v1alpha1.Vulnerabilities{Severity: valid(a.Scan.Severity), ScanStatus: valid(a.Scan.Status), Scanner: valid(a.Scan.Scanner)}
		e.Vulnerabilities.Total = a.Scan.Total
		totals["vulnerabilities"] = int32(len([]rune(e.Vulnerabilities.Severity)))
	}
	if details.Has(v1alpha1.DetailSBOM) && a.SBOM != nil {
		e.SBOM = &v1alpha1.SBOM{Digest: valid(a.SBOM.Digest), ScanStatus: valid(a.SBOM.Status)}
		if a.SBOM.Digest != "" {
			e.SBOM.MediaType = sbomMediaType
		}
		totals["sbom"] = int32(len([]rune(e.SBOM.ScanStatus)))
	}
	return e, totals
}

// fieldsOf returns the fields of an entry as JSON, by name.
func fieldsOf(e v1alpha1.ArtifactEntry) map[string]string {
	fields := map[string]string{
		"digest": asJSON(e.Digest), "type": asJSON(e.Type), "mediaType": asJSON(e.MediaType),
		"manifestMediaType": asJSON(e.ManifestMediaType), "artifactType": asJSON(e.ArtifactType),
		"sizeBytes": asJSON(e.SizeBytes), "signed": asJSON(e.Signed),
		"vulnerabilities": asJSON(e.Vulnerabilities), "sbom": asJSON(e.SBOM),
	}
	for name, elements := range map[string][]string{"tags": e.Tags, "immutableTags": e.ImmutableTags, "labels": e.Labels, "platforms": e.Platforms} {
		fields[name] = asJSON(append([]string{}, elements...))
	}
	fields["accessories"] = asJSON(append([]v1alpha1.Accessory{}, e.Accessories...))
	annotations := map[string]v1alpha1.AnnotationValue{}
	maps.Copy(annotations, e.Annotations)
	fields["annotations"] = asJSON(annotations)
	return fields
}

// An entry is within its bounds; exactly the fields that differ from the whole
// are named, with the right totals; and the artifact itself is not changed.
func TestEntryNamesExactlyWhatIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, details := drawArtifact(t), drawDetails(t)
		before := fmt.Sprint(a)
		e := Entry(&a, details)
		if fmt.Sprint(a) != before {
			t.Fatalf("the artifact was changed")
		}
		checkBounds(t, e)
		all, totals := whole(&a, details)
		got := fieldsOf(e)
		want := map[string]int32{}
		for name, value := range fieldsOf(all) {
			if got[name] != value || name == "annotations" && details.Has(v1alpha1.DetailAnnotations) && len(a.Cut) > 0 {
				want[name] = totals[name]
			}
		}
		if diff := cmp.Diff(want, e.Totals, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("totals (-want +got):\n%s", diff)
		}
		if !slices.Equal(e.Truncated, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("truncated %v, cut %v", e.Truncated, slices.Sorted(maps.Keys(want)))
		}
	})
}

// Fields give way to MaxEntryBytes in their order, and no further than needed.
func TestEntryIsCutNoFurtherThanNeeded(t *testing.T) {
	const largest = 6*(maxAnnotationKeyBytes+maxAnnotationBytes) + 8 // bytes of one element as JSON
	rapid.Check(t, func(t *rapid.T) {
		a := drawArtifact(t)
		for i := range a.Tags {
			a.Tags[i].Immutable = true
		}
		e := Entry(&a, everyDetail)
		counts, size := shown(e), len(asJSON(e))
		keys := 0
		for key := range a.Annotations {
			if len(valid(key)) <= maxAnnotationKeyBytes {
				keys++
			}
		}
		bySchema := map[string]int{ // what is shown where there is room
			"annotations": min(keys, maxAnnotations), "accessories": min(len(a.Accessories), maxAccessories),
			"labels": min((len(a.Labels)+1)/2, maxLabels), "platforms": min(len(a.Platforms), maxPlatforms),
			"immutableTags": min(len(a.Tags), maxTags), "tags": min(len(a.Tags), maxTags),
		}
		for i, name := range cuttingOrder {
			if counts[name] == bySchema[name] {
				continue
			}
			for _, earlier := range cuttingOrder[:i] {
				if counts[earlier] > 0 {
					t.Fatalf("%s were cut while %d %s stand", name, counts[earlier], earlier)
				}
			}
			if i == len(cuttingOrder)-1 || counts[cuttingOrder[i+1]] == bySchema[cuttingOrder[i+1]] {
				// The last one that gave way.
				if size < MaxEntryBytes-largest {
					t.Fatalf("%d of %d %s in an entry of %d bytes", counts[name], bySchema[name], name, size)
				}
			}
		}
	})
}

// The order in which Harbor lists what has none of its own makes no difference.
func TestEntryIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, details := drawArtifact(t), drawDetails(t)
		want := asJSON(Entry(&a, details))
		slices.Reverse(a.Tags)
		slices.Reverse(a.Labels)
		slices.Reverse(a.Platforms)
		slices.Reverse(a.Accessories)
		if got := asJSON(Entry(&a, details)); got != want {
			t.Fatalf("in one order\n%s\nand in another\n%s", want, got)
		}
	})
}

// No tag that is shown is older than one that is not.
func TestEntryShowsTheNewestTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{10, 700, 1500}).Draw(t, "tags")
		spread := rapid.IntRange(1, 2000).Draw(t, "instants")
		length := rapid.SampledFrom([]int{5, 128}).Draw(t, "length")
		step := rapid.SampledFrom([]int{1, 7, 11, 13}).Draw(t, "step")
		tags := manyTags(n, length, false)
		for i := range tags {
			tags[i].PushTime = at(i * step % spread)
		}
		e := Entry(&harbor.Artifact{Tags: tags}, nil)
		isShown := map[string]bool{}
		for _, name := range e.Tags {
			isShown[name] = true
		}
		oldest, newest := at(1<<20), time.Time{}
		for _, tag := range tags {
			if isShown[tag.Name] && tag.PushTime.Before(oldest) {
				oldest = tag.PushTime
			}
			if !isShown[tag.Name] && tag.PushTime.After(newest) {
				newest = tag.PushTime
			}
		}
		if newest.After(oldest) {
			t.Fatalf("one of %s is shown and one of %s is not", oldest, newest)
		}
	})
}
