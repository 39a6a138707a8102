// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// fieldDetails are what spec.include has to name for a field to be searched.
var fieldDetails = map[string]v1alpha1.Detail{
	"accessory": v1alpha1.DetailAccessories, "annotation": v1alpha1.DetailAnnotations, "label": v1alpha1.DetailLabels, "platform": v1alpha1.DetailPlatforms,
}

// needFields notes which details the fields that were asked for need.
func (f *Filter) needFields() {
	for _, field := range f.fields {
		if detail, is := fieldDetails[field]; is {
			f.needs[detail] = "--in " + field
		}
	}
}

// identifier is of a vulnerability, and of nothing that a TERM is compared with.
var identifier = regexp.MustCompile(`(?i)^(CVE-[0-9]{4}-|GHSA-)`)

func newSearch(e *environment) *cobra.Command {
	c := &artifactsCommand{environment: e}
	var in []string
	command := &cobra.Command{
		Use:   "search [TERM...]",
		Short: "Search the artifacts of inventories for words, expressions or exact texts",
		Long: "Search the artifacts that the inventories in the current namespace hold. An\n" +
			"artifact is found when each TERM matches one of the fields that --in names:\n" +
			strings.Join(searchableNames, ", ") + ".\n" +
			"Vulnerabilities are searched by --cve, --package and --description instead. Give a\n" +
			"TERM or a filter, or both.\n\n" +
			filterHelp + "\n\n" + outputHelp + "\n\n" + exitCodes,
		Example: `  # where is this digest?
  kubectl harbor-inventory search -A sha256:3f5a

  # nginx of any 1.27
  kubectl harbor-inventory search nginx 1.27

  # tags that are release candidates
  kubectl harbor-inventory search --in tag --match regex -- '-rc\.?[0-9]+$'

  # which images have this vulnerability, or this version of a package?
  kubectl harbor-inventory search -A --cve CVE-2021-44228
  kubectl harbor-inventory search --package log4j --max-version 2.14.1 -p library

  # what carries the label production and has high or critical vulnerabilities
  kubectl harbor-inventory search --in label --match exact production --severity high`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, terms []string) error {
			if len(terms) == 0 && !c.filter.given() {
				return usageError("nothing to search for: give a TERM, or a filter like --tag or --cve")
			}
			filter, err := c.filter.filter(c.now())
			if err != nil {
				return err
			}
			for _, field := range in {
				if !slices.Contains(searchableNames, field) {
					return usageError("--in=%q: want %s; vulnerabilities are searched by --cve, --package, --description", field, strings.Join(searchableNames, ", "))
				}
			}
			filter.fields = in
			if command.Flags().Changed("in") {
				filter.needFields()
			}
			if filter.terms, err = newMatchers(c.filter.mode, terms); err != nil {
				return usageError("TERM: %w", err)
			}
			if err := c.run(command.Context(), filter); err != nil {
				return err
			}
			if i := slices.IndexFunc(terms, identifier.MatchString); i >= 0 {
				tell(c.ErrOut, "Vulnerabilities are searched by --cve %s instead.\n", terms[i])
			}
			return nil
		},
	}
	command.Flags().StringSliceVar(&in, "in", searchedFirst, "the fields to search")
	completeWords(command, "in", searchableNames...)
	c.addFlags(command, matchContains)
	return command
}
