// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// artifactsCommand is what list and search have in common.
type artifactsCommand struct {
	*environment
	source source
	filter filterFlags
	output outputFlags
}

func (c *artifactsCommand) addFlags(command *cobra.Command, mode string) {
	c.filter.addFlags(command, mode)
	c.output.addFlags(command, artifactFormats...)
	c.output.addSortFlag(command)
	c.source.addFlags(command)
}

func newList(e *environment) *cobra.Command {
	c := &artifactsCommand{environment: e}
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the artifacts of inventories, all or those that filters let through",
		Long: "List the artifacts that the inventories in the current namespace hold.\n\n" +
			filterHelp + "\n\n" + outputHelp + "\n\n" + exitCodes,
		Example: `  # everything in the current namespace
  kubectl harbor-inventory list

  # images of one project that nobody has tagged, older than 30 days, as references
  kubectl harbor-inventory list -p library --untagged --older-than 30d -o name

  # what was pushed today anywhere in the cluster, newest last
  kubectl harbor-inventory list -A --pushed-since 24h --sort-by .pushTime

  # images for arm64 with critical vulnerabilities
  kubectl harbor-inventory list --platform linux/arm64 --severity critical -o wide

  # references of all images that have this vulnerability, as far as reports tell
  kubectl harbor-inventory list -A --cve CVE-2021-44228 -o name`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			filter, err := c.filter.filter(c.now())
			if err != nil {
				return err
			}
			return c.run(command.Context(), filter)
		},
	}
	c.addFlags(command, matchExact)
	return command
}

// run prints what the filter wants.
func (c *artifactsCommand) run(ctx context.Context, filter *Filter) error {
	if err := c.source.check(); err != nil {
		return err
	}
	p, err := c.output.printer(look{out: c.Out, now: c.now(), namespaces: c.source.all, cluster: true})
	if err != nil {
		return err
	}
	if p, err = newSorter(c.output.sortBy, p); err != nil {
		return err
	}
	found := 0
	err = c.source.read(ctx, c.ErrOut, filter, sink{
		take: func(a *Artifact) error {
			found++
			return p.print(a)
		},
		between: p.flush,
	})
	if err != nil {
		_ = p.flush() // what was found is of use; the error says that it is not all
		return err
	}
	if err := p.close(); err != nil {
		return err
	}
	if found == 0 {
		namespace, _ := c.source.namespace() // it was there before
		tell(c.ErrOut, "No artifacts found %s.\n", inNamespace(namespace))
	}
	return nil
}
