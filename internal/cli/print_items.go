// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// itemsPrinter returns what prints values that are not artifacts, in a format that
// takes nothing but their fields: as {"items": [...]} or one by one. It is nil for
// tables and names. An error is a wrong usage.
func itemsPrinter[T any](format string, formats []string, out io.Writer) (func([]T) error, error) {
	name, template, templated := strings.Cut(format, "=")
	if templated {
		name += "="
	}
	if name != formatTable && name != "table" && !slices.Contains(formats, name) {
		return nil, usageError("--output=%q: want %s", format, strings.Join(formats, ", "))
	}
	switch name {
	case formatJSON:
		return func(items []T) error { return printJSON(out, itemsOf(items)) }, nil
	case formatYAML:
		return func(items []T) error { return printYAML(out, itemsOf(items)) }, nil
	case formatLines:
		p := newLinesPrinter(out)
		return func(items []T) error { return printEach(items, p.encoder.Encode, p.flush) }, nil
	case formatJSONPath:
		p, err := newJSONPathPrinter(out, template)
		return func(items []T) error { return printEach(items, p.add, p.close) }, err
	case formatColumns:
		p, err := newColumnsPrinter(out, template, true)
		return func(items []T) error { return printEach(items, p.row, p.close) }, err
	}
	return nil, nil
}

// itemsOf is a list as kubectl's users know it.
func itemsOf[T any](items []T) any {
	return map[string][]T{"items": append([]T{}, items...)}
}

func printEach[T any](items []T, one func(any) error, end func() error) error {
	for i := range items {
		if err := one(&items[i]); err != nil {
			return err
		}
	}
	return end()
}

func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	return e.Encode(value)
}

func printYAML(out io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
