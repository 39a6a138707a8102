// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The ways in which texts match.
const (
	matchContains = "contains" // upper and lower case are the same
	matchExact    = "exact"
	matchRegex    = "regex" // RE2, unanchored
)

var matchModes = []string{matchContains, matchExact, matchRegex}

// matcher tells whether a text is what is looked for.
type matcher func(string) bool

// newMatcher returns the matcher of a pattern. The error names the pattern.
func newMatcher(mode, pattern string) (matcher, error) {
	if pattern == "" {
		return nil, errors.New("an empty text is found everywhere: give one, or leave it out")
	}
	switch mode {
	case matchContains:
		part := strings.ToLower(pattern)
		return func(text string) bool { return containsFold(text, part) }, nil
	case matchExact:
		return func(text string) bool { return text == pattern }, nil
	case matchRegex:
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%q is no regular expression in RE2 syntax: %w", pattern, err)
		}
		return expression.MatchString, nil
	default:
		return nil, fmt.Errorf("--match=%q: want %s", mode, strings.Join(matchModes, ", "))
	}
}

// containsFold is strings.Contains that takes letters of both cases for the same;
// part is in lower case. What is stored in a Harbor is nearly always in lower
// case: then nothing is copied.
func containsFold(text, part string) bool {
	return strings.Contains(text, part) || strings.Contains(strings.ToLower(text), part)
}

// newMatchers returns one for each pattern.
func newMatchers(mode string, patterns []string) ([]matcher, error) {
	var all []matcher
	for _, pattern := range patterns {
		m, err := newMatcher(mode, pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// expression returns a regular expression that finds what one of the patterns
// finds. It is empty of none.
func expression(mode string, patterns []string) (string, error) {
	var all []string
	for _, pattern := range patterns {
		if _, err := newMatcher(mode, pattern); err != nil {
			return "", err
		}
		switch mode {
		case matchContains:
			pattern = "(?i:" + regexp.QuoteMeta(pattern) + ")"
		case matchExact:
			pattern = "^" + regexp.QuoteMeta(pattern) + "$"
		case matchRegex:
			pattern = "(?:" + pattern + ")"
		}
		all = append(all, pattern)
	}
	return strings.Join(all, "|"), nil
}
