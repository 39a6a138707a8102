// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"maps"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Fields of an entry that hold overviews, as unavailable and truncated name them.
const (
	fieldVulnerabilities = "vulnerabilities"
	fieldSBOM            = "sbom"
)

// overview is a detail that is looked up by requests of its own.
type overview struct {
	detail v1alpha1.Detail
	field  string
	shown  func(*v1alpha1.ArtifactEntry) bool
	copy   func(to, from *v1alpha1.ArtifactEntry)
}

// overviews are the details that cost Harbor so much that they are looked up by
// requests of their own: for each artifact, Harbor makes some seven queries and
// loads all findings for the overview of its scan, and three for that of its
// SBOM, of an index a search through all attributes (goharbor/harbor#21281).
var overviews = []overview{
	{
		v1alpha1.DetailVulnerabilities, fieldVulnerabilities,
		func(e *v1alpha1.ArtifactEntry) bool { return e.Vulnerabilities != nil },
		func(to, from *v1alpha1.ArtifactEntry) { to.Vulnerabilities = from.Vulnerabilities },
	},
	{
		v1alpha1.DetailSBOM, fieldSBOM,
		func(e *v1alpha1.ArtifactEntry) bool { return e.SBOM != nil },
		func(to, from *v1alpha1.ArtifactEntry) { to.SBOM = from.SBOM },
	},
}

// Overviews returns those of the details that are looked up by requests of their own.
func Overviews(details Set) []v1alpha1.Detail {
	var some []v1alpha1.Detail
	for _, o := range overviews {
		if details.Has(o.detail) {
			some = append(some, o.detail)
		}
	}
	return some
}

// Pending tells whether an overview that is asked for has yet to be looked up: the
// entry neither shows it, nor says that Harbor does not have it.
func Pending(e *v1alpha1.ArtifactEntry, asked []v1alpha1.Detail) bool {
	return slices.ContainsFunc(overviews, func(o overview) bool { return slices.Contains(asked, o.detail) && o.pending(e) })
}

func (o *overview) pending(e *v1alpha1.ArtifactEntry) bool {
	return !o.shown(e) && !slices.Contains(e.Unavailable, o.field)
}

// Answered marks what is asked for and not there as unavailable, in an entry that
// was read together with its overviews.
func Answered(e *v1alpha1.ArtifactEntry, asked Set) {
	for _, o := range overviews {
		if asked.Has(o.detail) && o.pending(e) {
			e.Unavailable = append(e.Unavailable, o.field)
		}
	}
}

// Carry puts what the lists show of overviews already into entries that were read
// without: an overview belongs to a digest, and stays known. One that an entry has
// already is left as it is.
func Carry(entries, before []v1alpha1.ArtifactEntry, asked []v1alpha1.Detail) {
	if len(asked) == 0 {
		return
	}
	known := make(map[string]*v1alpha1.ArtifactEntry, len(before))
	for i := range before {
		known[before[i].Digest] = &before[i]
	}
	for i := range entries {
		e := &entries[i]
		was := known[e.Digest]
		if was == nil {
			continue
		}
		for _, o := range overviews {
			if !slices.Contains(asked, o.detail) || o.shown(e) {
				continue
			}
			o.copy(e, was)
			carryCut(e, was, o.field)
			if slices.Contains(was.Unavailable, o.field) {
				e.Unavailable = append(e.Unavailable, o.field)
			}
		}
	}
}

// carryCut copies the mark that a field was cut.
func carryCut(e, was *v1alpha1.ArtifactEntry, field string) {
	total, cut := was.Totals[field]
	if !cut {
		return
	}
	d := draft{entry: *e, totals: map[string]int32{field: total}}
	maps.Copy(d.totals, e.Totals)
	d.nameCuts()
	*e = d.entry
}

// Look puts the overviews of an artifact that was looked up into its entry, and
// tells whether that changes anything. Sure tells that what the artifact lacks,
// Harbor does not have; else that is left as it was.
func Look(e *v1alpha1.ArtifactEntry, a *harbor.Artifact, asked []v1alpha1.Detail, sure bool) (v1alpha1.ArtifactEntry, bool) {
	seen := Entry(&harbor.Artifact{Digest: e.Digest, Scan: a.Scan, SBOM: a.SBOM}, NewSet(asked))
	now := *e
	now.Unavailable, now.Truncated, now.Totals = nil, nil, nil
	d := draft{entry: now, totals: map[string]int32{}}
	maps.Copy(d.totals, e.Totals)
	for _, o := range overviews {
		switch {
		case !slices.Contains(asked, o.detail):
		case !sure && !o.shown(&seen):
			if slices.Contains(e.Unavailable, o.field) {
				d.entry.Unavailable = append(d.entry.Unavailable, o.field)
			}
		default:
			o.copy(&d.entry, &seen)
			if !o.shown(&seen) {
				d.entry.Unavailable = append(d.entry.Unavailable, o.field)
			}
			delete(d.totals, o.field)
			if total, cut := seen.Totals[o.field]; cut {
				d.totals[o.field] = total
			}
		}
	}
	d.nameCuts()
	if len(d.totals) == 0 {
		d.entry.Truncated, d.entry.Totals = nil, nil
	}
	return d.entry, !sameOverviews(e, &d.entry)
}

func sameOverviews(a, b *v1alpha1.ArtifactEntry) bool {
	same := slices.Equal(a.Unavailable, b.Unavailable) && a.Totals[fieldVulnerabilities] == b.Totals[fieldVulnerabilities] && a.Totals[fieldSBOM] == b.Totals[fieldSBOM]
	return same && equal(a.Vulnerabilities, b.Vulnerabilities) && equal(a.SBOM, b.SBOM)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// Lacks tells whether an entry shows an overview that a looked up artifact has not.
func Lacks(e *v1alpha1.ArtifactEntry, a *harbor.Artifact, asked []v1alpha1.Detail) bool {
	seen := Entry(&harbor.Artifact{Digest: e.Digest, Scan: a.Scan, SBOM: a.SBOM}, NewSet(asked))
	return slices.ContainsFunc(overviews, func(o overview) bool {
		return slices.Contains(asked, o.detail) && o.shown(e) && !o.shown(&seen)
	})
}

// ScanOf is what an entry shows of a scan, as Harbor would tell it.
func ScanOf(v *v1alpha1.Vulnerabilities) *harbor.ScanOverview {
	if v == nil {
		return nil
	}
	scan := &harbor.ScanOverview{Status: v.ScanStatus, Severity: v.Severity, Scanner: v.Scanner, Total: v.Total, Fixable: v.Fixable, BySeverity: map[string]int64{}}
	for severity, n := range map[string]int64{"Critical": v.Critical, "High": v.High, "Medium": v.Medium, "Low": v.Low, "Unknown": v.Other} {
		if n > 0 {
			scan.BySeverity[severity] = n
		}
	}
	return scan
}
