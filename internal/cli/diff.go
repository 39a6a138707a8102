// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"
)

// maxLine bounds one artifact of a saved export: an entry is at most 64 KiB.
const maxLine = 1 << 20

type diffCommand struct {
	*environment
	cluster
	filter   filterFlags
	format   string
	promoted bool
}

var diffFormats = []string{formatWide, formatJSON, formatLines, formatYAML, formatJSONPath, formatColumns}

func newDiff(e *environment) *cobra.Command {
	c := &diffCommand{environment: e}
	command := &cobra.Command{
		Use:   "diff LEFT RIGHT",
		Short: "Compare two inventories, or an inventory with one that was saved",
		Long: `Compare two inventories: what was promoted from LEFT to RIGHT, and what was not.
LEFT and RIGHT are each an inventory, NAME or NAMESPACE/NAME, or @FILE: what
'export -o jsonl' or 'fetch -o jsonl' has written (@- for standard input).
Repositories of the same name are compared, whatever the Harbor.

  Missing     the artifact is not in RIGHT
  Added       the artifact is not in LEFT
  Different   the tag stands for another digest
  TagMissing  RIGHT has the artifact, without this tag
  TagAdded    LEFT has the artifact, without this tag
  Promoted    both have the artifact (only shown with --promoted)

Of --project, --repository and --type, one value of each has to match, as --match
says. Both sides are kept in memory: digests and tags.

` + exitCodes,
		Example: `  # what is in staging, and not in production?
  kubectl harbor-inventory diff staging production -p payment

  # what has changed since yesterday?
  kubectl harbor-inventory export -i production -o jsonl >monday.jsonl
  kubectl harbor-inventory diff @monday.jsonl production`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: c.completeInventories,
		RunE:              func(command *cobra.Command, args []string) error { return c.run(command.Context(), args[0], args[1]) },
	}
	flags := command.Flags()
	flags.StringVarP(&c.format, "output", "o", "", "output format: "+strings.Join(diffFormats, ", ")+"; a table if not given, wide with whole digests")
	flags.BoolVar(&c.promoted, "promoted", false, "show what both sides have, too; it is no difference")
	completeWords(command, "output", diffFormats...)
	c.filter.addPlaceFlags(command, matchExact)
	c.addFlags(command)
	flags.Int64Var(&c.chunk, "chunk-size", defaultChunk, "so many objects are asked for at once; 0 asks for all")
	return command
}

func (c *diffCommand) run(ctx context.Context, left, right string) error {
	if err := c.check(); err != nil {
		return err
	}
	items, err := itemsPrinter[difference](c.format, diffFormats, c.Out)
	if err != nil {
		return err
	}
	filter, err := c.filter.filter(c.now())
	if err != nil {
		return err
	}
	l, err := c.load(ctx, left, filter)
	if err != nil {
		return err
	}
	r, err := c.load(ctx, right, filter)
	if err != nil {
		return err
	}
	all := compare(l, r)
	counts := map[change]int{}
	for _, d := range all {
		counts[d.Change]++
	}
	shown := slices.DeleteFunc(all, func(d difference) bool { return d.Change == changePromoted && !c.promoted })
	if items == nil {
		items = c.table
	}
	if err := items(shown); err != nil {
		return err
	}
	c.summarize(l, r, counts)
	if len(all) > 0 && len(counts) > min(1, counts[changePromoted]) {
		return &codedError{code: exitDifferences}
	}
	return nil
}

// load reads one side.
func (c *diffCommand) load(ctx context.Context, name string, filter *Filter) (side, error) {
	s := side{}
	take := func(a *Artifact) error {
		s.add(a)
		return nil
	}
	if file, ok := strings.CutPrefix(name, "@"); ok {
		return s, c.loadFile(ctx, file, newDoubts(filter, c.ErrOut).sift(take))
	}
	src := source{cluster: c.cluster, inventories: []string{name}}
	if namespace, inventory, ok := strings.Cut(name, "/"); ok {
		src.overrides.Context.Namespace, src.inventories = namespace, []string{inventory}
	}
	if src.inventories[0] == "" {
		return nil, usageError("%q: want the name of an inventory, NAMESPACE/NAME, or @FILE", name)
	}
	return s, src.read(ctx, c.ErrOut, filter, sink{take: take})
}

func (c *diffCommand) loadFile(ctx context.Context, name string, take func(*Artifact) error) error {
	from := c.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usageError("%w", err)
		}
		defer file.Close()
		from = file
	}
	return readLines(ctx, name, from, take)
}

// readLines reads artifacts, one JSON object a line.
func readLines(ctx context.Context, name string, from io.Reader, take func(*Artifact) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	number := 0
	for lines.Scan() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		number++
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		var a Artifact
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil || a.Repository == "" || a.Digest == "" {
			return fmt.Errorf("@%s: line %d is no artifact as 'export -o jsonl' writes it", name, number)
		}
		if err := take(&a); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("@%s: line %d is longer than %d bytes: it is none that 'export -o jsonl' writes", name, number+1, maxLine)
	}
	return lines.Err()
}

func (c *diffCommand) table(all []difference) error {
	if len(all) == 0 {
		return nil
	}
	shown := shortDigest
	if c.format == formatWide {
		shown = func(digest string) string { return digest }
	}
	tabs := printers.GetNewTabWriter(c.Out)
	var text strings.Builder
	text.WriteString("CHANGE\tREPOSITORY\tTAG\tLEFT\tRIGHT\n")
	for _, d := range all {
		cells := []string{string(d.Change), d.Repository, orNone(d.Tag), orNone(shown(d.Left)), orNone(shown(d.Right))}
		text.WriteString(strings.Join(cells, "\t") + "\n")
	}
	if err := printers.WriteEscaped(tabs, text.String()); err != nil {
		return err
	}
	return tabs.Flush()
}

// summarize counts on standard error, and says what makes the answer doubtful.
func (c *diffCommand) summarize(l, r side, counts map[change]int) {
	var parts []string
	for _, name := range []change{changePromoted, changeMissing, changeAdded, changeMoved, changeTagMissing, changeTagAdded} {
		if counts[name] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to compare"}
	}
	tell(c.ErrOut, "%s\n", strings.Join(parts, ", "))
	for _, s := range []side{l, r} {
		for name, repository := range s {
			if repository.cut {
				tell(c.ErrOut, "Warning: an artifact of %s has more tags than an inventory holds: of the others nothing is known\n", name)
			}
		}
	}
}
