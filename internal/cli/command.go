// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// displayName is what a user types.
const displayName = "kubectl harbor-inventory"

// environment is what commands know of the process that they run in.
type environment struct {
	genericiooptions.IOStreams
	now     func() time.Time
	getenv  func(string) string
	columns func(file any) (width int, terminal bool) // of standard output, error or input
	secret  func() ([]byte, error)                    // reads a line from the terminal, unseen
	retry   transport.RetryPolicy                     // of requests to a Harbor
}

// process is the environment of a real process.
func process(streams genericiooptions.IOStreams) *environment {
	return &environment{
		IOStreams: streams, now: time.Now, getenv: os.Getenv, columns: terminal,
		secret: func() ([]byte, error) { return term.ReadPassword(int(os.Stdin.Fd())) },
	}
}

// defaultWidth is of a terminal that does not say how wide it is.
const defaultWidth = 80

func terminal(file any) (width int, is bool) {
	f, ok := file.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width, true
	}
	return defaultWidth, true
}

// commands are all subcommands, in the order of the help.
var commands = []func(*environment) *cobra.Command{
	newList, newSearch, newTree, newDiff, newExport,
	newStatus, newSync,
	newVuln,
	newFetch,
	newVersion,
}

// Main runs the plugin and returns its exit code.
func Main(ctx context.Context, streams genericiooptions.IOStreams, args []string) int {
	return run(ctx, process(streams), args)
}

func run(ctx context.Context, e *environment, args []string) int {
	root := newCommand(e)
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	return finish(ran.CommandPath(), err, e.ErrOut)
}

// newCommand returns the plugin's command with all subcommands.
func newCommand(e *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-harbor_inventory",
		Short: "Ask the inventories of Harbor registries in a cluster, or a Harbor itself",
		Long: `Ask the inventories of Harbor registries that the harbor-inventory operator keeps
in a cluster: what is there, where, since when, and what differs between two.
Nothing here changes anything in Harbor; of the cluster, only sync does, by one
annotation of a HarborInventory.

` + exitCodes,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: displayName},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	strict(root)
	root.SetIn(e.In)
	root.SetOut(e.Out)
	root.SetErr(e.ErrOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError("%w", err) })
	for _, add := range commands {
		root.AddCommand(strict(add(e)))
	}
	addCompletion(root)
	return root
}

// strict makes wrong arguments a wrong usage.
func strict(c *cobra.Command) *cobra.Command {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError("%w", err)
			}
			return nil
		}
	}
	return c
}
