// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// searchable are the texts of an artifact by the name of their field, as --in takes them.
var searchable = map[string]func(*Artifact) iter.Seq[string]{
	"project":    func(a *Artifact) iter.Seq[string] { return texts(a.Project) },
	"repository": func(a *Artifact) iter.Seq[string] { return texts(a.Repository) },
	"tag":        func(a *Artifact) iter.Seq[string] { return slices.Values(a.Tags) },
	"digest":     func(a *Artifact) iter.Seq[string] { return texts(a.Digest) },
	"label":      func(a *Artifact) iter.Seq[string] { return slices.Values(a.Labels) },
	"type":       func(a *Artifact) iter.Seq[string] { return texts(a.Type, a.ArtifactType, a.MediaType) },
	"platform":   func(a *Artifact) iter.Seq[string] { return slices.Values(a.Platforms) },
	"annotation": annotations,
	"accessory":  accessories,
}

var (
	searchableNames = slices.Sorted(maps.Keys(searchable))
	searchedFirst   = []string{"repository", "tag", "digest", "label"}
)

func texts(all ...string) iter.Seq[string] { return slices.Values(all) }

// annotations are searched as key=value.
func annotations(a *Artifact) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key, value := range a.Annotations {
			if !yield(key + "=" + string(value)) {
				return
			}
		}
	}
}

// accessories are searched by type and by digest.
func accessories(a *Artifact) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, accessory := range a.Accessories {
			if !yield(accessory.Type) || !yield(accessory.Digest) {
				return
			}
		}
	}
}

// verdict is what a filter says to an artifact: yes, no, or why that is not known.
type verdict string

// The verdicts. Those that stand for not knowing read on after a number of artifacts.
const (
	no          verdict = "no"
	yes         verdict = "yes"
	cutEntry    verdict = "of which not every tag, label or other text is held (truncated)"
	unscanned   verdict = "not scanned"
	notLookedUp verdict = "not looked up yet"
	noResult    verdict = "whose scan has failed or is under way"
	noReport    verdict = "without a VulnerabilityReport (spec.vulnerabilityReports bounds how many there are)"
	cutReport   verdict = "with a VulnerabilityReport that was cut (spec.vulnerabilityReports.maxBytes)"
)

// and is the verdict on two conditions that must both hold.
func (a verdict) and(b verdict) verdict {
	if b == no || a == yes {
		return b
	}
	return a
}

func verdictOf(is bool) verdict {
	if is {
		return yes
	}
	return no
}

// Filter says which artifacts are wanted. All given conditions must hold; the
// zero Filter wants all.
type Filter struct {
	// terms are found in one of the fields, each.
	terms  []matcher
	fields []string

	// Of these one of the matchers must match a text of the artifact's.
	tags, digests, projects, repositories, types, platforms []matcher
	// Of these each one must.
	labels []matcher

	pushedSince, pushedBefore time.Time // zero: no matter
	severity                  severity
	tagged                    *bool
	scanned                   *bool
	signed                    *bool

	// findings is what is asked of VulnerabilityReports, nil for nothing; reports
	// says what they say to it.
	findings *vulnerability.Matcher
	reports  *reportJoin

	// project is the only one that is wanted, if there is only one.
	project string
	// needs says by which flag a detail is asked about.
	needs map[v1alpha1.Detail]string
}

// judge tells whether an artifact is wanted, or why that is not known. A label, a
// platform or a signature that an inventory does not show (see spec.include) is
// never what is looked for.
func (f *Filter) judge(a *Artifact) verdict {
	if !f.byAge(a) || !f.byState(a) {
		return no
	}
	said := f.byTerms(a)
	if said == no {
		return no
	}
	said = said.and(f.byTexts(a)).and(f.bySeverity(a)).and(f.byScan(a))
	if f.findings != nil && said != no {
		said = said.and(f.reports.of(a))
	}
	return said
}

func (f *Filter) byTerms(a *Artifact) verdict {
	said := yes
	for _, term := range f.terms {
		if slices.ContainsFunc(f.fields, func(field string) bool { return matchesAny(searchable[field](a), term) }) {
			continue
		}
		if !slices.ContainsFunc(f.fields, func(field string) bool { return isCut(a, cutAs[field]) }) {
			return no
		}
		said = cutEntry
	}
	return said
}

// cutAs is how an entry names a field that it holds less of than Harbor.
var cutAs = map[string]string{"accessory": "accessories", "annotation": "annotations", "label": "labels", "platform": "platforms", "tag": "tags"}

func isCut(a *Artifact, field string) bool { return field != "" && slices.Contains(a.Truncated, field) }

func matchesAny(texts iter.Seq[string], matches ...matcher) bool {
	for text := range texts {
		for _, match := range matches {
			if match(text) {
				return true
			}
		}
	}
	return false
}

func (f *Filter) byTexts(a *Artifact) verdict {
	wants := func(matches []matcher, texts iter.Seq[string], field string) verdict {
		switch {
		case len(matches) == 0 || matchesAny(texts, matches...):
			return yes
		case isCut(a, field):
			return cutEntry
		default:
			return no
		}
	}
	_, bare, _ := strings.Cut(a.Repository, "/")
	said := wants(f.projects, texts(a.Project), "").
		and(wants(f.repositories, texts(a.Repository, bare), "")).
		and(wants(f.digests, texts(a.Digest), "")).
		and(wants(f.types, texts(a.Type), "")).
		and(wants(f.tags, slices.Values(a.Tags), "tags")).
		and(wants(f.platforms, slices.Values(a.Platforms), "platforms"))
	for _, label := range f.labels { // each of them
		said = said.and(wants([]matcher{label}, slices.Values(a.Labels), "labels"))
	}
	return said
}

// byAge: what has no push time is of no age.
func (f *Filter) byAge(a *Artifact) bool {
	if f.pushedSince.IsZero() && f.pushedBefore.IsZero() {
		return true
	}
	return a.PushTime != nil &&
		(f.pushedSince.IsZero() || !a.PushTime.Time.Before(f.pushedSince)) &&
		(f.pushedBefore.IsZero() || a.PushTime.Time.Before(f.pushedBefore))
}

func (f *Filter) byState(a *Artifact) bool {
	if f.tagged != nil && *f.tagged != (len(a.Tags) > 0) {
		return false
	}
	return f.signed == nil || a.Signed != nil && *a.Signed == *f.signed
}

// scanSucceeded is Harbor's status of a scan that has a result.
const scanSucceeded = "Success"

var scans = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities}

// scanOf tells what is known of an artifact's scan: yes, where there is a result.
func scanOf(a *Artifact) verdict {
	switch {
	case inventory.Pending(&a.ArtifactEntry, scans):
		return notLookedUp
	case a.Vulnerabilities == nil:
		return unscanned
	case a.Vulnerabilities.ScanStatus == scanSucceeded || a.Vulnerabilities.Total > 0:
		return yes
	default:
		return noResult
	}
}

func (f *Filter) bySeverity(a *Artifact) verdict {
	if f.severity == "" {
		return yes
	}
	if scan := scanOf(a); scan != yes {
		return scan
	}
	return verdictOf(f.severity.reached(a.Vulnerabilities))
}

func (f *Filter) byScan(a *Artifact) verdict {
	if f.scanned == nil {
		return yes
	}
	scan := scanOf(a)
	if scan == notLookedUp {
		return scan
	}
	return verdictOf(*f.scanned == (scan == yes))
}

// severity is one of the severities, in lower case.
type severity string

var severities = []severity{"critical", "high", "medium", "low", "any"}

func newSeverity(text string) (severity, error) {
	s := severity(strings.ToLower(text))
	if !slices.Contains(severities, s) {
		return "", fmt.Errorf("--severity=%q: want critical, high, medium, low or any", text)
	}
	return s, nil
}

// reached tells whether something so severe, or worse, was found.
func (s severity) reached(v *v1alpha1.Vulnerabilities) bool {
	count := v.Total
	switch s {
	case "critical":
		count = v.Critical
	case "high":
		count = v.Critical + v.High
	case "medium":
		count = v.Critical + v.High + v.Medium
	case "low":
		count = v.Critical + v.High + v.Medium + v.Low
	}
	return count > 0
}
