// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

func newVersion(e *environment) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of this plugin",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{
				"version": version.String(), "apiVersion": v1alpha1.GroupVersion.String(),
				"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			}
			switch format {
			case "":
				_, err := fmt.Fprintf(e.Out, "%s (reads %s; built with %s for %s)\n", v["version"], v["apiVersion"], v["go"], v["platform"])
				return err
			case formatJSON:
				encoder := json.NewEncoder(e.Out)
				encoder.SetIndent("", "    ")
				return encoder.Encode(v)
			default:
				return usageError("--output=%q: want json", format)
			}
		},
	}
	command.Flags().StringVarP(&format, "output", "o", "", "output format: json")
	completeWords(command, "output", formatJSON)
	return command
}
