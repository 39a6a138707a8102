// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// kubectlScript is what kubectl runs to complete a plugin's command line: an
// executable kubectl_complete-harbor_inventory in the PATH.
const kubectlScript = `#!/usr/bin/env sh
# kubectl runs this to complete the command line of 'kubectl harbor-inventory'.
exec kubectl-harbor_inventory __complete "$@"
`

// addCompletion adds the command completion, as cobra has it for several shells,
// and completion kubectl.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Generate what completes command lines, for a shell or for kubectl"
		c.Long = `Generate what completes command lines.

For 'kubectl harbor-inventory', kubectl itself asks a program in the PATH, whatever
the shell: write it with 'completion kubectl'. The scripts for shells are for those
who run the program by its own name, kubectl-harbor_inventory.`
		c.AddCommand(&cobra.Command{
			Use:   "kubectl",
			Short: "Generate the program that kubectl asks to complete a command line",
			Long: `Generate the program that kubectl (1.26 and later) asks to complete the command
line of 'kubectl harbor-inventory'. It has to be in the PATH, executable, under the
name kubectl_complete-harbor_inventory.`,
			Example: `  kubectl harbor-inventory completion kubectl >/usr/local/bin/kubectl_complete-harbor_inventory
  chmod +x /usr/local/bin/kubectl_complete-harbor_inventory`,
			Args: cobra.NoArgs,
			RunE: func(command *cobra.Command, _ []string) error {
				_, err := fmt.Fprint(command.OutOrStdout(), kubectlScript)
				return err
			},
		})
	}
}

// completeWords completes a flag with fixed words.
func completeWords(command *cobra.Command, flag string, words ...string) {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" })
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// completeInventories completes the names of HarborInventories in the namespace.
func (c *cluster) completeInventories(command *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	namespace, err := c.namespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	client, err := c.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	l := listing{resource: inventoriesResource, namespace: namespace, chunk: defaultChunk}
	return completeNames(command.Context(), client, l, begun, given)
}

func (c *cluster) completeNamespaces(command *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	client, err := c.clientFor(schema.GroupVersion{Version: "v1"}, "/api")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return completeNames(command.Context(), client, listing{resource: "namespaces", chunk: defaultChunk}, begun, nil)
}

func (c *cluster) completeContexts(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	config, err := c.config().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := slices.Sorted(maps.Keys(config.Contexts))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, begun) }), cobra.ShellCompDirectiveNoFileComp
}

// completeNames completes names of objects, without those that are given already.
func completeNames(ctx context.Context, client rest.Interface, l listing, begun string, given []string) ([]string, cobra.ShellCompDirective) {
	type named struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	var names []string
	err := stream(ctx, client, l, func(n *named) error {
		if strings.HasPrefix(n.Metadata.Name, begun) && !slices.Contains(given, n.Metadata.Name) {
			names = append(names, n.Metadata.Name)
		}
		return nil
	}, func() error { return nil })
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}
