// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// severityRank orders the severities that Harbor names; those below Low, such as
// Negligible, None and Unknown, and what is none are 0.
func severityRank(severity string) int {
	switch v1alpha1.Severity(severity) {
	case v1alpha1.SeverityLow:
		return 1
	case v1alpha1.SeverityMedium:
		return 2
	case v1alpha1.SeverityHigh:
		return 3
	case v1alpha1.SeverityCritical:
		return 4
	default:
		return 0
	}
}

// sinceOf reads pushedSince: a time, or a duration before now. It is cut to whole
// seconds, as Harbor's q takes times, so that both ways to apply it agree.
func sinceOf(text string, now time.Time) (since time.Time, ages bool, err error) {
	if text == "" {
		return time.Time{}, false, nil
	}
	if age, err := time.ParseDuration(text); err == nil && age > 0 {
		return now.UTC().Add(-age).Truncate(time.Second), true, nil
	}
	if since, err = time.Parse(time.RFC3339, text); err == nil {
		return since.UTC().Truncate(time.Second), false, nil
	}
	return time.Time{}, false, fmt.Errorf(
		"spec.artifacts.pushedSince: %q is neither a time like 2026-01-31T00:00:00Z nor a duration like 720h; correct it or take it out", text)
}

// versionsOf compiles a range of versions; "" means none.
func versionsOf(text string) (*semver.Constraints, error) {
	if text == "" {
		return nil, nil
	}
	versions, err := semver.NewConstraint(text)
	if err != nil { // its text repeats the value
		return nil, fmt.Errorf(
			"spec.artifacts.tags.semver: %q is no range of semantic versions; write one like ^1.4, \">=1.2 <3\" or \"1.x || 2.x\", or take it out", text)
	}
	return versions, nil
}

// isWithin tells whether a tag is a version within the range. A tag cannot hold
// the + that begins build metadata; Helm writes _ in its place.
func isWithin(tag string, versions *semver.Constraints) bool {
	version, err := semver.NewVersion(strings.Replace(tag, "_", "+", 1))
	return err == nil && versions.Check(version)
}

// Aged tells whether an artifact that was pushed then has grown too old for the
// filter, by the passing of time alone.
// The zero time has not.
func (f *Filter) Aged(pushed time.Time) bool {
	return f.ages && !pushed.IsZero() && pushed.Before(f.since)
}

// Query returns conditions for the q of Harbor's artifact listing that leave out
// none which Apply lets stay: those of the filter that Harbor applies in exactly
// the same way. They are an addition to the conditions of query, which the user
// has given, and repeat none of its keys: of two conditions on one key Harbor
// keeps one (lib/q/builder.go). The rest is for Apply alone:
//
//	| condition   | in q                   | because                                               |
//	|-------------|------------------------|-------------------------------------------------------|
//	| untagged    | tags=nil, tags=*       | the same table as the tags come from                  |
//	| types       | type=T, if one         | a column; lists were seen to work for ids and digests |
//	| pushedSince | push_time=[T~]         | a column; NULL, a time not known, is in no range      |
//	| tags        | no                     | q knows no regular expressions, and no versions       |
//	| labels      | no                     | q takes ids; names cost requests and another right    |
//	| platforms   | no                     | they are no column                                    |
//	| minSeverity | no                     | scans are no column                                   |
//	| latest      | no                     | it counts what the others leave                       |
func (f *Filter) Query(query string) string {
	var conditions []string
	add := func(key, value string) {
		for given := range strings.SplitSeq(query, ",") {
			if name, _, _ := strings.Cut(given, "="); strings.TrimSpace(name) == key {
				return
			}
		}
		conditions = append(conditions, key+"="+value)
	}
	switch f.untagged {
	case v1alpha1.UntaggedOnly:
		add("tags", "nil")
	case v1alpha1.UntaggedExclude:
		add("tags", "*")
	default:
	}
	if len(f.types) == 1 {
		add("type", string(f.types[0]))
	}
	if !f.since.IsZero() {
		add("push_time", "["+f.since.Format("2006-01-02T15:04:05")+"~]")
	}
	return strings.Join(conditions, ",")
}
