// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// keywords are the conditions of a q parameter by key. A value is an exact,
// fuzzy, span, anyOf or allOf.
type keywords map[string]any

type (
	exact string
	fuzzy string
	// span is [min~max]; an end that is left out is nil. Ends are time.Time,
	// int64 or string, as in the lists.
	span  struct{ min, max any }
	anyOf []any
	allOf []any
)

// parseQuery reads a q parameter, which the URL's decoding has already decoded
// once, and decodes it again, as Harbor does (src/lib/q/builder.go). A key given
// twice counts once, with the last value. Text that cannot be decoded is taken
// as it is.
func parseQuery(text string) (keywords, *apiError) {
	words := keywords{}
	if text == "" {
		return words, nil
	}
	if decoded, err := url.QueryUnescape(text); err == nil {
		text = decoded
	}
	for condition := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(condition, "=")
		if !ok || key == "" || value == "" {
			return nil, badRequest(`the query string must contain "=" and the key/value cannot be empty`)
		}
		parsed, ok := parsePattern(value)
		if !ok {
			return nil, badRequest("invalid query string value: " + value)
		}
		words[key] = parsed
	}
	return words, nil
}

// parsePattern reads the part after "=".
//
//	~v        contains, in any case
//	[a~b]     from a to b, both included; one may be left out
//	{a b}     one of
//	(a b)     all of
//	v         equal; a leading backslash is dropped
func parsePattern(value string) (any, bool) {
	inner := func(closing string) (string, bool) {
		if len(value) < 2 {
			return "", false
		}
		return strings.CutSuffix(value[1:], closing)
	}
	switch value[0] {
	case '~':
		return fuzzy(value[1:]), len(value) > 1
	case '[':
		text, ok := inner("]")
		low, high, found := strings.Cut(text, "~")
		low, high = strings.TrimSpace(low), strings.TrimSpace(high)
		if !ok || !found || strings.Contains(high, "~") || low == "" && high == "" {
			return nil, false
		}
		return span{parseEnd(low), parseEnd(high)}, true
	case '{':
		text, ok := inner("}")
		return anyOf(parseList(text)), ok
	case '(':
		text, ok := inner(")")
		return allOf(parseList(text)), ok
	}
	return exact(strings.TrimPrefix(value, `\`)), true
}

func parseEnd(text string) any {
	if text == "" {
		return nil
	}
	return parseValue(text)
}

func parseList(text string) []any {
	var values []any
	for item := range strings.SplitSeq(text, " ") {
		if v := parseValue(item); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// parseValue reads a value of a list or range: a time, else a number, else text
// without quotes around it.
func parseValue(text string) any {
	text = strings.TrimSpace(text)
	if t, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		return t
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return strings.Trim(text, `"'`)
}

// order is one key of a sort parameter.
type order struct {
	key  string
	desc bool
}

// parseSort reads a sort parameter: keys divided by commas, "-" for descending.
func parseSort(text string) []order {
	if text == "" {
		return nil
	}
	var orders []order
	for key := range strings.SplitSeq(text, ",") {
		name, desc := strings.CutPrefix(key, "-")
		orders = append(orders, order{key: name, desc: desc})
	}
	return orders
}
