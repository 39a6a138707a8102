// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Filter selects artifacts of one repository. Harbor's own query, a part of
// v1alpha1.ArtifactFilter, is not its subject: Harbor applies it.
type Filter struct {
	include, exclude []*regexp.Regexp
	versions         *semver.Constraints // nil means any tag
	untagged         v1alpha1.UntaggedPolicy
	types            []v1alpha1.ArtifactType
	labels           []v1alpha1.LabelName
	platforms        []v1alpha1.PlatformName
	since            time.Time // in whole seconds, UTC; zero means ever
	ages             bool      // since moves on with time
	severity         int       // 0 means any, and no scan too
	latest           int       // 0 means all
}

// NewFilter compiles a filter as it is to be applied now. Its error names the
// field, the value and the remedy.
func NewFilter(spec v1alpha1.ArtifactFilter, now time.Time) (*Filter, error) {
	f := &Filter{untagged: spec.Untagged, types: spec.Types, labels: spec.Labels, platforms: spec.Platforms}
	switch spec.Untagged {
	case "", v1alpha1.UntaggedInclude, v1alpha1.UntaggedExclude, v1alpha1.UntaggedOnly:
	default:
		return nil, fmt.Errorf("spec.artifacts.untagged: %q is none of Include, Exclude and Only", spec.Untagged)
	}
	if spec.Latest != nil {
		if *spec.Latest < 1 {
			return nil, fmt.Errorf("spec.artifacts.latest: %d is less than 1; leave it out to list all", *spec.Latest)
		}
		f.latest = int(*spec.Latest)
	}
	var err error
	if f.since, f.ages, err = sinceOf(spec.PushedSince, now); err != nil {
		return nil, err
	}
	if f.severity = severityRank(string(spec.MinSeverity)); spec.MinSeverity != "" && f.severity == 0 {
		return nil, fmt.Errorf("spec.artifacts.minSeverity: %q is none of Low, Medium, High and Critical", spec.MinSeverity)
	}
	if spec.Tags == nil {
		return f, nil
	}
	if f.versions, err = versionsOf(spec.Tags.Semver); err != nil {
		return nil, err
	}
	if f.include, err = compile("spec.artifacts.tags.include", spec.Tags.Include); err != nil {
		return nil, err
	}
	if f.exclude, err = compile("spec.artifacts.tags.exclude", spec.Tags.Exclude); err != nil {
		return nil, err
	}
	return f, nil
}

func compile(field string, expressions []v1alpha1.Expression) ([]*regexp.Regexp, error) {
	var all []*regexp.Regexp
	for i, expression := range expressions {
		compiled, err := regexp.Compile(string(expression))
		if err != nil {
			reason := err
			if known, ok := errors.AsType[*syntax.Error](err); ok {
				reason = errors.New(known.Code.String())
			}
			return nil, fmt.Errorf("%s[%d]: %q is no regular expression in RE2 syntax (%w); correct it or take it out",
				field, i, expression, reason)
		}
		all = append(all, compiled)
	}
	return all, nil
}

// Apply returns the artifacts that stay, in the order given. The conditions apply
// one after the other, and the number of newest ones counts what is left:
//
//	tags         a tagged artifact stays if a tag of it is let through
//	untagged     an artifact without a tag stays unless the policy is Exclude;
//	             one with a tag stays unless it is Only
//	types        its type is one of them
//	labels       it carries all of them
//	platforms    it is for one of them
//	pushedSince  it was pushed then or later
//	minSeverity  its scan found one as severe
//	latest       it is among the newest, by push time, then by id
//
// The given slice is not changed; where all of it stays, it is what is returned.
func (f *Filter) Apply(artifacts []harbor.Artifact) []harbor.Artifact {
	first := 0
	for first < len(artifacts) && f.lets(&artifacts[first]) {
		first++
	}
	if first == len(artifacts) {
		return f.newest(artifacts)
	}
	kept := slices.Clone(artifacts[:first])
	for i := range artifacts[first:] {
		if a := &artifacts[first+i]; f.lets(a) {
			kept = append(kept, *a)
		}
	}
	return f.newest(kept)
}

// lets tells whether an artifact stays, by itself.
func (f *Filter) lets(a *harbor.Artifact) bool {
	return f.letsPlain(a) && f.LetsScan(a.Scan)
}

// NeedsScans tells whether the filter looks at the results of scans.
func (f *Filter) NeedsScans() bool { return f.severity > 0 }

// LetsScan tells whether the result of a scan, nil if there is none, lets an
// artifact stay.
func (f *Filter) LetsScan(scan *harbor.ScanOverview) bool {
	return f.severity == 0 || scan != nil && severityRank(scan.Severity) >= f.severity
}

// Candidates returns the artifacts that are not among the kept ones, which Apply
// returned, and that only their scan or newer ones keep out.
func (f *Filter) Candidates(artifacts, kept []harbor.Artifact) (some []harbor.Artifact) {
	stays := make(map[int64]bool, len(kept))
	for i := range kept {
		stays[kept[i].ID] = true
	}
	for i := range artifacts {
		if a := &artifacts[i]; !stays[a.ID] && f.letsPlain(a) {
			some = append(some, *a)
		}
	}
	return some
}

// letsPlain is lets without the condition on the scan.
func (f *Filter) letsPlain(a *harbor.Artifact) bool {
	return f.byTags(a) && f.byUntagged(a) && f.byType(a) && f.byLabels(a) && f.byPlatform(a) && f.byTime(a)
}

func (f *Filter) byTags(a *harbor.Artifact) bool {
	return len(a.Tags) == 0 || slices.ContainsFunc(a.Tags, func(tag harbor.Tag) bool { return f.letsThrough(tag.Name) })
}

func (f *Filter) letsThrough(tag string) bool {
	matches := func(e *regexp.Regexp) bool { return e.MatchString(tag) }
	return (len(f.include) == 0 || slices.ContainsFunc(f.include, matches)) && !slices.ContainsFunc(f.exclude, matches) &&
		(f.versions == nil || isWithin(tag, f.versions))
}

func (f *Filter) byUntagged(a *harbor.Artifact) bool {
	switch f.untagged {
	case v1alpha1.UntaggedExclude:
		return len(a.Tags) > 0
	case v1alpha1.UntaggedOnly:
		return len(a.Tags) == 0
	default:
		return true
	}
}

func (f *Filter) byType(a *harbor.Artifact) bool {
	return len(f.types) == 0 || slices.Contains(f.types, v1alpha1.ArtifactType(a.Type))
}

func (f *Filter) byLabels(a *harbor.Artifact) bool {
	for _, wanted := range f.labels {
		if !slices.ContainsFunc(a.Labels, func(l harbor.Label) bool { return l.Name == string(wanted) }) {
			return false
		}
	}
	return true
}

func (f *Filter) byPlatform(a *harbor.Artifact) bool {
	return len(f.platforms) == 0 || slices.ContainsFunc(a.Platforms, func(p harbor.Platform) bool {
		return slices.ContainsFunc(f.platforms, func(wanted v1alpha1.PlatformName) bool { return isFor(p, string(wanted)) })
	})
}

// isFor tells whether a platform is the wanted one, written os/architecture or
// os/architecture/variant.
func isFor(p harbor.Platform, wanted string) bool {
	system, rest, _ := strings.Cut(wanted, "/")
	architecture, variant, _ := strings.Cut(rest, "/")
	return p.OS == system && p.Architecture == architecture && (variant == "" || p.Variant == variant)
}

// byTime leaves out a push time that Harbor does not know.
func (f *Filter) byTime(a *harbor.Artifact) bool {
	return f.since.IsZero() || !a.PushTime.Before(f.since)
}

// newest keeps the newest ones. A push time that Harbor does not know is the
// oldest of all.
func (f *Filter) newest(artifacts []harbor.Artifact) []harbor.Artifact {
	if f.latest == 0 || len(artifacts) <= f.latest {
		return artifacts
	}
	order := make([]int, len(artifacts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := &artifacts[i], &artifacts[j]
		return cmp.Or(b.PushTime.Compare(a.PushTime), cmp.Compare(b.ID, a.ID))
	})
	order = order[:f.latest]
	slices.Sort(order)
	kept := make([]harbor.Artifact, 0, len(order))
	for _, i := range order {
		kept = append(kept, artifacts[i])
	}
	return kept
}
