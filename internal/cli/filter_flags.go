// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// filterFlags are the flags that make a Filter.
type filterFlags struct {
	mode                                                            string
	tags, digests, projects, repositories, labels, types, platforms []string
	pushedSince, olderThan                                          string
	severity                                                        string
	untagged, scanned, signed                                       bool
	findings                                                        findingFlags

	flags *pflag.FlagSet // all of these
}

const filterHelp = `Of one filter that is given several times, one has to match; of --label, each.
Different filters must all match. --match says how texts match: contains (upper
and lower case are the same), exact, or regex (RE2, unanchored). An inventory
knows labels, platforms, vulnerabilities and signatures only where its
spec.include names them.

--cve, --package, --min-version, --max-version and --description ask the
VulnerabilityReports: one vulnerability of the artifact has to meet them all.
--description looks for a part of the text where --match is not given. There are
reports only where spec.vulnerabilityReports of an inventory asks for them, of its
worst artifacts, up to a bound, and a large one is cut. So these filters, and
--severity, cannot always tell: of how many artifacts that match otherwise they
could not, and why, is said on standard error. 'vuln' lists the vulnerabilities
themselves.`

func (f *filterFlags) addFlags(command *cobra.Command, mode string) {
	f.addPlaceFlags(command, mode)
	flags := f.flags
	flags.StringArrayVarP(&f.tags, "tag", "t", nil, "with such a tag")
	flags.StringArrayVar(&f.digests, "digest", nil, "with such a digest")
	flags.StringArrayVarP(&f.labels, "label", "l", nil, "with such a Harbor label")
	flags.StringArrayVar(&f.platforms, "platform", nil, "for such a platform: linux/amd64, ...")
	flags.StringVar(&f.pushedSince, "pushed-since", "", "pushed within this time (36h, 7d, 2w), or since this day (2026-01-31)")
	flags.StringVar(&f.olderThan, "older-than", "", "pushed longer ago than this (36h, 7d, 2w), or before this day (2026-01-31)")
	flags.StringVar(&f.severity, "severity", "", "with a vulnerability at least so severe: critical, high, medium, low, any")
	flags.BoolVar(&f.untagged, "untagged", false, "without a tag; =false: with one")
	flags.BoolVar(&f.scanned, "scanned", false, "with the result of a scan; =false: known to have none")
	flags.BoolVar(&f.signed, "signed", false, "with a signature; =false: known to have none")
	f.findings.addFlags(flags)
	command.Flags().AddFlagSet(flags)
	completeWords(command, "severity", "critical", "high", "medium", "low", "any")
}

// addPlaceFlags adds those filters alone that ask for nothing that may change
// about an artifact.
func (f *filterFlags) addPlaceFlags(command *cobra.Command, mode string) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.flags = flags
	flags.StringVarP(&f.mode, "match", "m", mode, "how texts match: "+strings.Join(matchModes, ", "))
	// No StringSlice: a regular expression may hold commas.
	flags.StringArrayVarP(&f.projects, "project", "p", nil, "in such a project")
	flags.StringArrayVarP(&f.repositories, "repository", "r", nil, "in such a repository, with or without its project")
	flags.StringArrayVar(&f.types, "type", nil, "of such a type, as Harbor names it: IMAGE, CHART, ...")
	command.Flags().AddFlagSet(flags)
	completeWords(command, "match", matchModes...)
	completeWords(command, "type", "IMAGE", "CHART", "CNAB", "WASM", "SBOM")
}

// filter makes the Filter. An error is a wrong usage.
func (f *filterFlags) filter(now time.Time) (*Filter, error) {
	filter := &Filter{project: f.onlyProject(), needs: map[v1alpha1.Detail]string{}}
	if !slices.Contains(matchModes, f.mode) {
		return nil, usageError("--match=%q: want %s", f.mode, strings.Join(matchModes, ", "))
	}
	for _, texts := range []struct {
		flag  string
		given []string
		into  *[]matcher
	}{
		{"tag", f.tags, &filter.tags},
		{"digest", f.digests, &filter.digests},
		{"project", f.projects, &filter.projects},
		{"repository", f.repositories, &filter.repositories},
		{"label", f.labels, &filter.labels},
		{"type", f.types, &filter.types},
		{"platform", f.platforms, &filter.platforms},
	} {
		var err error
		if *texts.into, err = newMatchers(f.mode, texts.given); err != nil {
			return nil, usageError("--%s: %w", texts.flag, err)
		}
	}
	var err error
	if filter.pushedSince, err = moment("pushed-since", f.pushedSince, now); err != nil {
		return nil, err
	}
	if filter.pushedBefore, err = moment("older-than", f.olderThan, now); err != nil {
		return nil, err
	}
	if f.severity != "" {
		if filter.severity, err = newSeverity(f.severity); err != nil {
			return nil, usageError("%w", err)
		}
	}
	f.states(filter)
	return filter, f.ask(filter)
}

// states sets what is yes, no or no matter, and what the flags need to know.
func (f *filterFlags) states(filter *Filter) {
	given := f.flags.Changed
	if given("untagged") {
		tagged := !f.untagged
		filter.tagged = &tagged
	}
	if given("scanned") {
		filter.scanned = &f.scanned
	}
	if given("signed") {
		filter.signed = &f.signed
	}
	for _, need := range []struct {
		flag   string
		detail v1alpha1.Detail
	}{
		{"label", v1alpha1.DetailLabels},
		{"platform", v1alpha1.DetailPlatforms},
		{"scanned", v1alpha1.DetailVulnerabilities},
		{"severity", v1alpha1.DetailVulnerabilities},
		{"signed", v1alpha1.DetailAccessories},
	} {
		if given(need.flag) {
			filter.needs[need.detail] = "--" + need.flag
		}
	}
}

// ask sets what is asked of VulnerabilityReports.
func (f *filterFlags) ask(filter *Filter) error {
	if !f.findings.given() {
		return nil
	}
	descriptionMode := f.mode
	if !f.flags.Changed("match") {
		descriptionMode = matchContains // nobody gives a whole description
	}
	query, err := f.findings.query(f.mode, descriptionMode)
	if err != nil {
		return err
	}
	filter.findings, err = compile(query)
	return err
}

// given tells whether any filter is.
func (f *filterFlags) given() bool {
	some := false
	f.flags.VisitAll(func(flag *pflag.Flag) { some = some || flag.Changed && flag.Name != "match" })
	return some
}

// onlyProject is the one project that the filter wants, by its exact name; the
// API server can select that. A repository it cannot: team/app is that of the
// project team, and one of any project.
func (f *filterFlags) onlyProject() string {
	if f.mode == matchExact && len(f.projects) == 1 {
		return f.projects[0]
	}
	return ""
}

// moment reads a time, given as a time ago or as a day or time of UTC.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := duration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError("--%s=%q: want a time like 36h, 7d or 2w, or a day or time like 2026-01-31 or 2026-01-31T18:00:00Z", flag, text)
}

// duration reads Go's durations, and days and weeks of 24 and 168 hours.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, fmt.Errorf("no time at all")
	}
	for unit, hours := range map[string]int{"d": 24, "w": 168} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n > 36500 {
				return 0, fmt.Errorf("%q is no number of days or weeks", number)
			}
			return time.Duration(n*hours) * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%q is in the future", text)
	}
	return d, err
}
