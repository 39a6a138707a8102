// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Formats of bills of materials.
const (
	formatCycloneDX = "cyclonedx"
	formatSPDX      = "spdx"
)

var exportFormats = []string{formatCSV, formatLines, formatCycloneDX, formatSPDX}

func newExport(e *environment) *cobra.Command {
	var src source
	var filter filterFlags
	var format string
	command := &cobra.Command{
		Use:   "export",
		Short: "Export inventories as CSV, JSON lines, or a CycloneDX or SPDX list of images",
		Long: `Export the artifacts that the inventories in the current namespace hold, to standard
output:

  csv        with a heading; several tags in one cell, a blank between them. A cell
             that a spreadsheet would take for a formula begins with an apostrophe.
  jsonl      one JSON object a line, with everything that is known; diff reads it
  cyclonedx  a CycloneDX 1.6 bill of materials in JSON, one component an artifact
  spdx       an SPDX 2.3 document in JSON, one package an artifact

CSV and JSON lines are written as they are read; a bill of materials is kept in memory.

` + filterHelp + "\n\n" + exitCodes,
		Example: `  kubectl harbor-inventory export -i production >artifacts.csv
  kubectl harbor-inventory export -A -o cyclonedx --untagged=false >images.cdx.json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := src.check(); err != nil {
				return err
			}
			if !slices.Contains(exportFormats, format) {
				return usageError("--output=%q: want %s", format, strings.Join(exportFormats, ", "))
			}
			wanted, err := filter.filter(e.now())
			if err != nil {
				return err
			}
			p := exporter(e, format)
			exported := 0
			err = src.read(command.Context(), e.ErrOut, wanted, sink{
				take: func(a *Artifact) error {
					exported++
					return p.print(a)
				},
				between: p.flush,
			})
			if err != nil {
				return err
			}
			if err := p.close(); err != nil {
				return err
			}
			tell(e.ErrOut, "%s exported.\n", counted(exported, "artifact"))
			return nil
		},
	}
	command.Flags().StringVarP(&format, "output", "o", formatCSV, "output format: "+strings.Join(exportFormats, ", "))
	completeWords(command, "output", exportFormats...)
	filter.addFlags(command, matchExact)
	src.addFlags(command)
	return command
}

func exporter(e *environment, format string) printer {
	switch format {
	case formatLines:
		return newLinesPrinter(e.Out)
	case formatCycloneDX:
		return newCycloneDXPrinter(e.Out, e.now())
	case formatSPDX:
		return newSPDXPrinter(e.Out, e.now())
	default:
		return newCSVPrinter(e.Out, true)
	}
}
