// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// column is a column of a table that q and sort can name. Exactly one of its
// functions is set.
type column[T any] struct {
	text   func(T) string
	number func(T) int64
	when   func(T) instant // never is NULL
}

// table maps keys to columns. Harbor takes a column by its name in the database
// and by the name of its Go field: id and ID (src/lib/orm/metadata.go).
type table[T any] struct {
	columns map[string]column[T]
	sorting []order // the default
}

// predicate decides whether a row belongs in the answer.
type predicate[T any] func(T) bool

// filter compiles the conditions. A key that is no column is ignored, and so
// is an AND list. A value that PostgreSQL could not compare with the column is
// Harbor's 500.
func (t *table[T]) filter(words keywords) ([]predicate[T], *apiError) {
	var all []predicate[T]
	for key, value := range words {
		name, operator, _ := strings.Cut(key, "__")
		c, ok := t.columns[name]
		if !ok {
			continue
		}
		if _, ignored := value.(allOf); ignored {
			continue
		}
		p, ok := c.compile(operator, value)
		if !ok {
			return nil, internalError()
		}
		all = append(all, p)
	}
	return all, nil
}

// compile makes a predicate of one condition; false where PostgreSQL fails.
func (c column[T]) compile(operator string, value any) (predicate[T], bool) {
	if operator != "" {
		v, plain := value.(exact)
		if !plain {
			return nil, false
		}
		return c.operator(operator, string(v))
	}
	switch v := value.(type) {
	case exact:
		return c.compare(string(v), func(order int) bool { return order == 0 })
	case fuzzy:
		return c.contains(string(v), strings.ToUpper), true
	case span:
		return c.between(v)
	case anyOf:
		return c.oneOf(v)
	}
	return nil, false
}

// operator is a lookup of Harbor's ORM, as in id__gt=5.
func (c column[T]) operator(name, value string) (predicate[T], bool) {
	same := func(s string) string { return s }
	switch name {
	case "exact", "eq", "strictexact":
		return c.compare(value, func(order int) bool { return order == 0 })
	case "ne", "nq":
		return c.compare(value, func(order int) bool { return order != 0 })
	case "gt":
		return c.compare(value, func(order int) bool { return order > 0 })
	case "gte":
		return c.compare(value, func(order int) bool { return order >= 0 })
	case "lt":
		return c.compare(value, func(order int) bool { return order < 0 })
	case "lte":
		return c.compare(value, func(order int) bool { return order <= 0 })
	case "contains":
		return c.contains(value, same), true
	case "icontains":
		return c.contains(value, strings.ToUpper), true
	case "in":
		return c.oneOf(anyOf{value})
	}
	return nil, false
}

func (c column[T]) between(s span) (predicate[T], bool) {
	var ends []predicate[T]
	if s.min != nil {
		p, ok := c.compare(s.min, func(order int) bool { return order >= 0 })
		if !ok {
			return nil, false
		}
		ends = append(ends, p)
	}
	if s.max != nil {
		p, ok := c.compare(s.max, func(order int) bool { return order <= 0 })
		if !ok {
			return nil, false
		}
		ends = append(ends, p)
	}
	return func(row T) bool {
		for _, p := range ends {
			if !p(row) {
				return false
			}
		}
		return true
	}, true
}

func (c column[T]) oneOf(values anyOf) (predicate[T], bool) {
	if c.text != nil {
		wanted := make(map[string]bool, len(values))
		for _, v := range values {
			wanted[asText(v)] = true
		}
		return func(row T) bool { return wanted[c.text(row)] }, true
	}
	equal := make([]predicate[T], 0, len(values))
	for _, v := range values {
		p, ok := c.compare(v, func(order int) bool { return order == 0 })
		if !ok {
			return nil, false
		}
		equal = append(equal, p)
	}
	return func(row T) bool {
		return slices.ContainsFunc(equal, func(p predicate[T]) bool { return p(row) })
	}, true
}

// compare makes a predicate of the order between the column and value. NULL
// compares with nothing.
func (c column[T]) compare(value any, wanted func(order int) bool) (predicate[T], bool) {
	switch {
	case c.number != nil:
		n, ok := asNumber(value)
		return func(row T) bool { return wanted(cmp.Compare(c.number(row), n)) }, ok
	case c.when != nil:
		i, ok := asInstant(value)
		return func(row T) bool {
			at := c.when(row)
			return at != never && wanted(cmp.Compare(at, i))
		}, ok
	}
	s := asText(value)
	return func(row T) bool { return wanted(strings.Compare(c.text(row), s)) }, true
}

func (c column[T]) contains(value string, fold func(string) string) predicate[T] {
	value = fold(value)
	return func(row T) bool { return strings.Contains(fold(c.string(row)), value) }
}

// string is the column as PostgreSQL casts it to text.
func (c column[T]) string(row T) string {
	switch {
	case c.number != nil:
		return strconv.FormatInt(c.number(row), 10)
	case c.when != nil:
		if at := c.when(row); at != never {
			return at.time().Format("2006-01-02 15:04:05.999999")
		}
		return ""
	}
	return c.text(row)
}

// order compares two rows by the column, NULL after everything.
func (c column[T]) order(a, b T) int {
	switch {
	case c.number != nil:
		return cmp.Compare(c.number(a), c.number(b))
	case c.when != nil:
		x, y := c.when(a), c.when(b)
		if (x == never) != (y == never) {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	}
	return strings.Compare(c.text(a), c.text(b))
}

// sort orders rows, which come in order of id, by the keys that name columns,
// or by the table's default when none does. Rows that the keys leave equal stay
// in order of id; PostgreSQL promises nothing about them.
func (t *table[T]) sort(rows []T, orders []order) {
	known := slices.DeleteFunc(slices.Clone(orders), func(o order) bool { _, ok := t.columns[o.key]; return !ok })
	if len(known) == 0 {
		known = t.sorting
	}
	if len(known) == 1 && !known[0].desc && (known[0].key == "id" || known[0].key == "ID") {
		return
	}
	slices.SortStableFunc(rows, func(a, b T) int {
		for _, o := range known {
			if order := t.columns[o.key].order(a, b); order != 0 {
				if o.desc {
					return -order
				}
				return order
			}
		}
		return 0
	})
}

func asNumber(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func asText(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.Format(time.RFC3339)
	case string:
		return v
	}
	return ""
}

// asInstant reads the times that PostgreSQL understands, as far as a client may
// send them.
func asInstant(value any) (instant, bool) {
	switch v := value.(type) {
	case time.Time:
		return instant(v.UnixMicro()), true
	case string:
		today := time.Now().UTC().Truncate(24 * time.Hour)
		switch strings.ToLower(v) {
		case "today":
			return instant(today.UnixMicro()), true
		case "yesterday":
			return instant(today.AddDate(0, 0, -1).UnixMicro()), true
		case "tomorrow":
			return instant(today.AddDate(0, 0, 1).UnixMicro()), true
		case "now":
			return instant(time.Now().UnixMicro()), true
		case "epoch":
			return 0, true
		}
		for _, layout := range []string{
			time.DateOnly, "2006-01-02T15:04:05", time.DateTime, time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
		} {
			if t, err := time.Parse(layout, v); err == nil {
				return instant(t.UnixMicro()), true
			}
		}
	}
	return 0, false
}
