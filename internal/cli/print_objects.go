// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// objectPrinter prints HarborInventories as kubectl get does. It is nil for the
// formats that are a table. A single one that was asked for is no list.
func objectPrinter(format string, single bool) (func([]v1alpha1.HarborInventory, io.Writer) error, error) {
	name, template, templated := strings.Cut(format, "=")
	if templated {
		name += "="
	}
	var p printers.ResourcePrinter
	switch name {
	case formatTable, formatWide:
		return nil, nil
	case formatJSON:
		p = &printers.JSONPrinter{}
	case formatYAML:
		p = &printers.YAMLPrinter{}
	case formatName:
		p = &printers.NamePrinter{}
	case formatJSONPath:
		path, err := printers.NewJSONPathPrinter(template)
		if err != nil || template == "" {
			return nil, usageError("--output=%q: want a template like {.items[*].metadata.name}", format)
		}
		path.AllowMissingKeys(true)
		p = path
	case formatColumns:
		columns, err := newColumnsPrinter(io.Discard, template, true)
		return func(all []v1alpha1.HarborInventory, out io.Writer) error {
			columns.tabs = printers.GetNewTabWriter(out)
			return printEach(all, columns.row, columns.close)
		}, err
	default:
		return nil, usageError("--output=%q: want %s", format, strings.Join(statusFormats, ", "))
	}
	return func(all []v1alpha1.HarborInventory, out io.Writer) error {
		return printObjects(all, p, out, single, name == formatName)
	}, nil
}

func printObjects(all []v1alpha1.HarborInventory, p printers.ResourcePrinter, out io.Writer, single, each bool) error {
	for i := range all {
		all[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HarborInventory"))
		all[i].ManagedFields = nil
	}
	if each || single && len(all) == 1 {
		for i := range all {
			if err := p.PrintObj(&all[i], out); err != nil {
				return err
			}
		}
		return nil
	}
	list := &v1alpha1.HarborInventoryList{Items: append([]v1alpha1.HarborInventory{}, all...)}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HarborInventoryList"))
	return p.PrintObj(list, out)
}
