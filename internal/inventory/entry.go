// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// signaturePrefix begins the types of accessories that are signatures, like
// signature.cosign and signature.notation (Harbor, pkg/accessory/model).
const signaturePrefix = "signature."

// Entry returns what a list shows of an artifact: what is in every entry, and
// the given details as far as Harbor was asked for them. Everything that has no
// order of its own is sorted; what Harbor names twice is there once; invalid
// UTF-8 is replaced by U+FFFD; a push time that is zero, or outside the years 2
// to 9999, is left out. The artifact is not changed.
//
// An entry is cut until it is within two bounds, in this order:
//
//  1. The schema of ArtifactEntry: numbers of elements, and lengths in characters
//     (Unicode code points), or in bytes for annotations.
//  2. MaxEntryBytes. Fields give way one after the other, each only as far as
//     needed: annotations, accessories, labels, platforms, immutableTags, tags.
//
// Of tags the newest are kept, of the others the first in order. Truncated names
// each field that shows less than Harbor has, sorted, and Totals how much there
// is: of a list or map the number of different elements, of a text the number of
// characters, and of vulnerabilities and sbom that of their longest text which
// was cut. Where Harbor's client has cut the platforms already, it is the number
// of an index's children. A field that was not asked for is not cut.
func Entry(a *harbor.Artifact, details Set) v1alpha1.ArtifactEntry {
	d := &draft{}
	d.describe(a)
	d.showTags(a, details.Has(v1alpha1.DetailImmutability))
	if details.Has(v1alpha1.DetailPlatforms) {
		d.showPlatforms(a)
	}
	if details.Has(v1alpha1.DetailLabels) {
		d.showLabels(a)
	}
	if details.Has(v1alpha1.DetailAccessories) {
		d.showAccessories(a)
	}
	if details.Has(v1alpha1.DetailAnnotations) {
		d.showAnnotations(a)
	}
	if details.Has(v1alpha1.DetailVulnerabilities) && saysSomething(a.Scan) {
		d.showScan(a.Scan)
	}
	if details.Has(v1alpha1.DetailSBOM) && a.SBOM != nil && *a.SBOM != (harbor.SBOMOverview{}) {
		d.showSBOM(a.SBOM)
	}
	return d.cut(a.Cut)
}

func (d *draft) describe(a *harbor.Artifact) {
	d.entry.Digest = d.text("digest", a.Digest, maxText)
	d.entry.Type = d.text("type", a.Type, maxText)
	d.entry.MediaType = d.text("mediaType", a.MediaType, maxText)
	d.entry.ManifestMediaType = d.text("manifestMediaType", a.ManifestMediaType, maxText)
	d.entry.ArtifactType = d.text("artifactType", a.ArtifactType, maxText)
	d.entry.SizeBytes = a.Size
	d.entry.PushTime = microTime(a.PushTime)
}

// microTime returns nil for a time that says nothing or that JSON cannot hold.
func microTime(t time.Time) *metav1.MicroTime {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() <= 1 || t.Year() > 9999 {
		return nil
	}
	micro := metav1.NewMicroTime(t)
	return &micro
}

func (d *draft) showTags(a *harbor.Artifact, immutability bool) {
	tags := newestFirst(a.Tags)
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = tag.Name
	}
	d.list("tags", len(names), maxTags, anyLong(names), func(n int) {
		d.entry.Tags = shorten(names[:n])
	})
	if !immutability {
		return
	}
	shown := min(len(tags), maxTags) // a tag that is not shown is not shown as immutable
	var immutable []string
	total := 0
	for i, tag := range tags {
		if !tag.Immutable {
			continue
		}
		total++
		if i < shown {
			immutable = append(immutable, tag.Name)
		}
	}
	d.list("immutableTags", total, len(immutable), anyLong(immutable), func(n int) {
		d.entry.ImmutableTags = shorten(immutable[:n])
	})
}

// newestFirst returns the tags by push time, newest first, those of one instant
// by Harbor's id, the latest first, and then by name. A tag that is there twice, because it moved while Harbor read the
// page, counts with its later time.
func newestFirst(given []harbor.Tag) []harbor.Tag {
	byName := make(map[string]harbor.Tag, len(given))
	for _, tag := range given {
		tag.Name = valid(tag.Name)
		if twin, twice := byName[tag.Name]; twice {
			tag.Immutable = tag.Immutable || twin.Immutable
			tag.ID = max(tag.ID, twin.ID)
			if tag.PushTime.Before(twin.PushTime) {
				tag.PushTime = twin.PushTime
			}
		}
		byName[tag.Name] = tag
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b harbor.Tag) int {
		return cmp.Or(b.PushTime.Compare(a.PushTime), cmp.Compare(b.ID, a.ID), cmp.Compare(a.Name, b.Name))
	})
}

func (d *draft) showPlatforms(a *harbor.Artifact) {
	var names []string
	for _, p := range a.Platforms {
		if p == (harbor.Platform{}) {
			continue
		}
		parts := []string{cmp.Or(p.OS, "unknown"), cmp.Or(p.Architecture, "unknown")}
		if p.Variant != "" {
			parts = append(parts, p.Variant)
		}
		names = append(names, valid(strings.Join(parts, "/")))
	}
	names = distinct(names)
	total := len(names)
	if slices.Contains(a.Cut, "platforms") { // how many different ones there are is not known
		total = max(total, a.Children)
	}
	d.list("platforms", total, min(len(names), maxPlatforms), anyLong(names), func(n int) {
		d.entry.Platforms = shorten(names[:n])
	})
}

// showLabels shows names: two labels of one name, a global one and one of the
// project, are one.
func (d *draft) showLabels(a *harbor.Artifact) {
	names := make([]string, len(a.Labels))
	for i, label := range a.Labels {
		names[i] = valid(label.Name)
	}
	names = distinct(names)
	d.list("labels", len(names), maxLabels, anyLong(names), func(n int) {
		d.entry.Labels = shorten(names[:n])
	})
}

// showAccessories shows them in the order of Harbor's ids: a listing of artifacts
// gives them in none (Harbor's semantics: accessories have no default order).
func (d *draft) showAccessories(a *harbor.Artifact) {
	given := slices.SortedFunc(slices.Values(a.Accessories), func(x, y harbor.Accessory) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.Digest, y.Digest), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Size, y.Size))
	})
	signed, short := false, false
	all := make([]v1alpha1.Accessory, len(given))
	for i, accessory := range given {
		signed = signed || strings.HasPrefix(accessory.Type, signaturePrefix)
		kind, kindCut := cutText(valid(accessory.Type), maxText)
		digest, digestCut := cutText(valid(accessory.Digest), maxText)
		all[i] = v1alpha1.Accessory{Type: kind, Digest: digest, SizeBytes: accessory.Size}
		short = short || kindCut || digestCut
	}
	d.entry.Signed = &signed
	d.list("accessories", len(all), maxAccessories, short, func(n int) {
		d.entry.Accessories = nil
		if n > 0 {
			d.entry.Accessories = all[:n:n]
		}
	})
}

// showAnnotations shows the first ones by key. One with a key that is too long is
// left out: under a cut key it would be another annotation.
func (d *draft) showAnnotations(a *harbor.Artifact) {
	values := make(map[string]v1alpha1.AnnotationValue, len(a.Annotations))
	var keys []string
	short := false
	for _, given := range slices.Sorted(maps.Keys(a.Annotations)) {
		key := valid(given)
		value, valueCut := cutBytes(valid(a.Annotations[given]), maxAnnotationBytes)
		short = short || valueCut
		if _, taken := values[key]; taken || len(key) > maxAnnotationKeyBytes {
			short = true
			continue
		}
		values[key] = v1alpha1.AnnotationValue(value)
		keys = append(keys, key)
	}
	slices.Sort(keys)
	d.list("annotations", max(len(a.Annotations), a.AnnotationsTotal), min(len(keys), maxAnnotations), short, func(n int) {
		d.entry.Annotations = nil
		for _, key := range keys[:n] {
			if d.entry.Annotations == nil {
				d.entry.Annotations = make(map[string]v1alpha1.AnnotationValue, n)
			}
			d.entry.Annotations[key] = values[key]
		}
	})
}

// saysSomething is false for an overview that Harbor sends without content, as
// it does for what was never scanned.
func saysSomething(scan *harbor.ScanOverview) bool {
	return scan != nil && (scan.Status != "" || scan.Severity != "" || scan.Total != 0 || len(scan.BySeverity) > 0)
}

// showScan counts by the severities that Harbor names; whatever is none of the
// four great ones (None, Negligible, Unknown, ...) is under other.
func (d *draft) showScan(scan *harbor.ScanOverview) {
	counts := v1alpha1.VulnerabilityCounts{Total: scan.Total, Fixable: scan.Fixable}
	for severity, count := range scan.BySeverity {
		switch severity {
		case "Critical":
			counts.Critical += count
		case "High":
			counts.High += count
		case "Medium":
			counts.Medium += count
		case "Low":
			counts.Low += count
		default:
			counts.Other += count
		}
	}
	d.entry.Vulnerabilities = &v1alpha1.Vulnerabilities{
		VulnerabilityCounts: counts,
		Severity:            d.text("vulnerabilities", scan.Severity, maxWord),
		ScanStatus:          d.text("vulnerabilities", scan.Status, maxWord),
		Scanner:             d.text("vulnerabilities", scan.Scanner, maxText),
	}
}

// sbomMediaType is that of every SBOM which Harbor generates
// (pkg/scan/sbom/model; recording accessories).
const sbomMediaType = "application/vnd.goharbor.harbor.sbom.v1"

func (d *draft) showSBOM(sbom *harbor.SBOMOverview) {
	d.entry.SBOM = &v1alpha1.SBOM{
		Digest:     d.text("sbom", sbom.Digest, maxText),
		ScanStatus: d.text("sbom", sbom.Status, maxWord),
	}
	if sbom.Digest != "" {
		d.entry.SBOM.MediaType = sbomMediaType
	}
}

// valid replaces what is not UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, string(utf8.RuneError)) }

// distinct sorts names and drops what is there twice.
func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
