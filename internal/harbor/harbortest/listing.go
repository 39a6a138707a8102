// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"slices"
	"strings"
)

// find runs a listing: the rows that fit the conditions, sorted, and of them the
// page. rows must be in order of id and is not changed.
func find[T any](c *call, t *table[T], rows []T, words keywords, p paging) (page []T, total int64, failure *apiError) {
	return findWhere(c, t, rows, words, nil, p)
}

// findWhere is find with further predicates.
func findWhere[T any](c *call, t *table[T], rows []T, words keywords, also []predicate[T], p paging) ([]T, int64, *apiError) {
	predicates, failure := t.filter(words)
	if failure != nil {
		return nil, 0, failure
	}
	predicates = append(also, predicates...)
	kept := make([]T, 0, min(len(rows), 128))
next:
	for _, row := range rows {
		for _, fits := range predicates {
			if !fits(row) {
				continue next
			}
		}
		kept = append(kept, row)
	}
	sorting, _ := last(c.query, "sort")
	t.sort(kept, parseSort(sorting))
	from, to := p.cut(len(kept))
	return kept[from:to], int64(len(kept)), nil
}

// words reads the request's q.
func (c *call) words() (keywords, *apiError) {
	text, _ := last(c.query, "q")
	return parseQuery(text)
}

// listing reads what most listings take, in this order, by which one that has two
// faults is refused.
func (c *call) listing() (paging, keywords, *apiError) {
	p, failure := parsePaging(c.query)
	if failure != nil {
		return paging{}, nil, failure
	}
	words, failure := c.words()
	return p, words, failure
}

// listOf makes the answer of a listing from its rows.
func listOf[T any](c *call, rows []T, total int64, p paging, write func([]byte, T) []byte) *answer {
	body := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = write(body, row)
		if i == 0 { // the others are about as long
			body = slices.Grow(body, len(body)*len(rows)*9/8)
		}
	}
	return list(append(body, ']'), total, p.link(c.path, c.query, total))
}

// artifactConditions takes the keys that are no columns out of words: tags,
// labels, base, and adds what hides accessories and untagged children of
// indexes (src/pkg/artifact/dao/dao.go).
func artifactConditions(words keywords) ([]predicate[*artifact], *apiError) {
	conditions := []predicate[*artifact]{func(a *artifact) bool { return !a.accessory }}
	base, hasBase := words["base"]
	if hasBase {
		if base != exact("*") {
			return nil, badRequest(`the value of "base" query can only be exact match value with "*"`)
		}
	} else {
		conditions = append(conditions, (*artifact).listed)
	}
	if value, ok := words["tags"]; ok {
		condition, ok := tagCondition(value)
		if !ok {
			return nil, badRequest(`the value of "tags" query can only be fuzzy match value or exact match value`)
		}
		conditions = append(conditions, condition)
	}
	if value, ok := words["labels"]; ok {
		condition, ok := labelCondition(value)
		if !ok {
			return nil, badRequest(`the value of "labels" query can only be integer list with intersetion relationship`)
		}
		conditions = append(conditions, condition)
	}
	return conditions, nil
}

func tagCondition(value any) (predicate[*artifact], bool) {
	switch v := value.(type) {
	case exact:
		switch v {
		case "*":
			return func(a *artifact) bool { return len(a.tags) > 0 }, true
		case "nil":
			return func(a *artifact) bool { return len(a.tags) == 0 }, true
		}
		return func(a *artifact) bool { return a.tag(string(v)) != nil }, true
	case fuzzy:
		part := strings.ToUpper(string(v))
		return func(a *artifact) bool {
			for _, t := range a.tags {
				if strings.Contains(strings.ToUpper(t.name), part) {
					return true
				}
			}
			return false
		}, true
	}
	return nil, false
}

func labelCondition(value any) (predicate[*artifact], bool) {
	list, ok := value.(allOf)
	if !ok {
		return nil, false
	}
	var wanted []int64
	for _, v := range list {
		id, ok := v.(int64)
		if !ok {
			return nil, false
		}
		wanted = append(wanted, id)
	}
	return func(a *artifact) bool {
		for _, id := range wanted {
			if !slices.Contains(a.labelIDs(), id) {
				return false
			}
		}
		return true
	}, true
}
