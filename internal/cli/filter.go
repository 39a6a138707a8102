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
	signed                    *bool
}

// Wants tells whether an artifact is wanted. What an inventory does not show of
// it (see spec.include) is never what is looked for.
func (f *Filter) Wants(a *Artifact) bool {
	return f.byTerms(a) && f.byTexts(a) && f.byLabels(a) && f.byAge(a) && f.byState(a)
}

func (f *Filter) byTerms(a *Artifact) bool {
	for _, term := range f.terms {
		found := slices.ContainsFunc(f.fields, func(field string) bool { return matchesAny(searchable[field](a), term) })
		if !found {
			return false
		}
	}
	return true
}

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

func (f *Filter) byTexts(a *Artifact) bool {
	wants := func(matches []matcher, texts iter.Seq[string]) bool {
		return len(matches) == 0 || matchesAny(texts, matches...)
	}
	_, bare, _ := strings.Cut(a.Repository, "/")
	return wants(f.projects, texts(a.Project)) &&
		wants(f.repositories, texts(a.Repository, bare)) &&
		wants(f.digests, texts(a.Digest)) &&
		wants(f.types, texts(a.Type)) &&
		wants(f.tags, slices.Values(a.Tags)) &&
		wants(f.platforms, slices.Values(a.Platforms))
}

func (f *Filter) byLabels(a *Artifact) bool {
	for _, wanted := range f.labels {
		if !slices.ContainsFunc(a.Labels, wanted) {
			return false
		}
	}
	return true
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
	if f.severity != "" && !f.severity.reached(a.Vulnerabilities) {
		return false
	}
	if f.tagged != nil && *f.tagged != (len(a.Tags) > 0) {
		return false
	}
	return f.signed == nil || a.Signed != nil && *a.Signed == *f.signed
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
	if v == nil {
		return false
	}
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
