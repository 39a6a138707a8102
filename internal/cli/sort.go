// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// sorter keeps artifacts and hands them on sorted by a field. Numbers are sorted
// by value, anything else as text, which suits times, too; artifacts without the
// field come first. Those that are equal stay in their order.
type sorter struct {
	path *jsonpath.JSONPath
	to   printer
	rows []sortRow
}

type sortRow struct {
	artifact *Artifact
	there    bool
	number   int64
	text     string
}

// newSorter wraps a printer, unless nothing is to be sorted.
func newSorter(sortBy string, to printer) (printer, error) {
	if sortBy == "" {
		return to, nil
	}
	path, err := relaxed(sortBy)
	if err != nil {
		return nil, usageError("--sort-by: %w", err)
	}
	return &sorter{path: path, to: to}, nil
}

func (s *sorter) print(a *Artifact) error {
	o, err := object(a)
	if err != nil {
		return err
	}
	found, err := values(s.path, o)
	if err != nil {
		return fmt.Errorf("--sort-by: %w", err)
	}
	row := sortRow{artifact: a, there: len(found) > 0}
	if row.there {
		if number, ok := found[0].(int64); ok {
			row.number = number
		} else {
			row.text = fmt.Sprint(found...)
		}
	}
	s.rows = append(s.rows, row)
	return nil
}

func (*sorter) flush() error { return nil }

func (s *sorter) close() error {
	slices.SortStableFunc(s.rows, func(a, b sortRow) int {
		return cmp.Or(compareBool(a.there, b.there), cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
	})
	for _, row := range s.rows {
		if err := s.to.print(row.artifact); err != nil {
			return err
		}
	}
	return s.to.close()
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
