// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// depths of a tree, by the name of the last level that is shown.
var depths = []string{"project", "repository", "artifact", "accessory"}

func newTree(e *environment) *cobra.Command {
	var src source
	var filter filterFlags
	var depth string
	command := &cobra.Command{
		Use:   "tree",
		Short: "Show inventories as trees: projects, repositories, artifacts, accessories, with sizes",
		Long: `Show the inventories in the current namespace as trees: projects, repositories,
artifacts and their accessories (signatures, attestations, SBOMs; where spec.include
names Accessories), with the number of artifacts and the sum of their sizes, each as
Harbor gives it: layers that artifacts share count for each of them.

Projects, repositories and artifacts (by push time) are sorted, so nothing is printed
before all has been read.

` + filterHelp + "\n\n" + exitCodes,
		Example: `  # what takes the room?
  kubectl harbor-inventory tree --depth project

  # one repository, with signatures and SBOMs
  kubectl harbor-inventory tree -r library/nginx`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			level := slices.Index(depths, depth)
			if level < 0 {
				return usageError("--depth=%q: want %s", depth, strings.Join(depths, ", "))
			}
			wanted, err := filter.filter(e.now())
			if err != nil {
				return err
			}
			if err := src.check(); err != nil {
				return err
			}
			forest := forest{}
			err = src.read(command.Context(), e.ErrOut, wanted, sink{take: func(a *Artifact) error {
				forest.add(a, level >= slices.Index(depths, "artifact"))
				return nil
			}})
			if err != nil {
				return err
			}
			if len(forest) == 0 {
				namespace, _ := src.namespace() // it was there before
				tell(e.ErrOut, "No artifacts found %s.\n", inNamespace(namespace))
			}
			return forest.write(e.Out, level)
		},
	}
	command.Flags().StringVar(&depth, "depth", "accessory", "the last level that is shown: "+strings.Join(depths, ", "))
	completeWords(command, "depth", depths...)
	filter.addFlags(command, matchExact)
	src.addFlags(command)
	return command
}

// forest has a tree for each inventory.
type forest map[inventoryKey]*branch

type inventoryKey struct{ namespace, name, harbor string }

// branch is an inventory, a project or a repository.
type branch struct {
	artifacts, bytes int64
	branches         map[string]*branch
	leaves           []*Artifact // of a repository
}

func (b *branch) branch(name string) *branch {
	if b.branches == nil {
		b.branches = map[string]*branch{}
	}
	if b.branches[name] == nil {
		b.branches[name] = &branch{}
	}
	return b.branches[name]
}

// add counts an artifact on each level, and keeps it if it will be shown.
func (f forest) add(a *Artifact, keep bool) {
	key := inventoryKey{a.Namespace, a.Inventory, a.Harbor}
	if f[key] == nil {
		f[key] = &branch{}
	}
	project := f[key].branch(a.Project)
	repository := project.branch(a.Repository)
	for _, b := range []*branch{f[key], project, repository} {
		b.artifacts++
		b.bytes += a.SizeBytes
	}
	if keep {
		repository.leaves = append(repository.leaves, a)
	}
}

func (b *branch) String() string {
	return fmt.Sprintf("%s, %s", counted(b.artifacts, "artifact"), size(b.bytes))
}

// write writes the trees, down to a level.
func (f forest) write(w io.Writer, level int) error {
	var text strings.Builder
	keys := slices.SortedFunc(maps.Keys(f), func(a, b inventoryKey) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name), cmp.Compare(a.harbor, b.harbor))
	})
	for _, key := range keys {
		fmt.Fprintf(&text, "%s/%s %s (%v)\n", key.namespace, key.name, key.harbor, f[key])
		f[key].write(&text, "", level)
		if _, err := io.WriteString(w, text.String()); err != nil {
			return err
		}
		text.Reset()
	}
	return nil
}

// write writes what is below a branch; so many levels more, 0 for the next alone.
func (b *branch) write(text *strings.Builder, indent string, levels int) {
	names := slices.Sorted(maps.Keys(b.branches))
	for i, name := range names {
		stem, next := twig(indent, i == len(names)-1)
		fmt.Fprintf(text, "%s%s (%v)\n", stem, name, b.branches[name])
		if levels > 0 {
			b.branches[name].write(text, next, levels-1)
		}
	}
	slices.SortStableFunc(b.leaves, func(a, c *Artifact) int {
		return cmp.Or(cmp.Compare(pushTime(a), pushTime(c)), cmp.Compare(a.Digest, c.Digest))
	})
	for i, a := range b.leaves {
		stem, next := twig(indent, i == len(b.leaves)-1)
		fmt.Fprintf(text, "%s%s %s (%s, %s)\n", stem, shortDigest(a.Digest), someOf(a.Tags, 5, full(a, "tags", len(a.Tags))), orNone(a.Type), size(a.SizeBytes))
		if levels > 0 {
			writeAccessories(text, a, next)
		}
	}
}

func writeAccessories(text *strings.Builder, a *Artifact, indent string) {
	more := full(a, "accessories", len(a.Accessories)) - len(a.Accessories)
	for i, accessory := range a.Accessories {
		stem, _ := twig(indent, i == len(a.Accessories)-1 && more == 0)
		fmt.Fprintf(text, "%s%s %s (%s)\n", stem, accessory.Type, shortDigest(accessory.Digest), size(accessory.SizeBytes))
	}
	if more > 0 {
		stem, _ := twig(indent, true)
		fmt.Fprintf(text, "%s%d more\n", stem, more)
	}
}

// twig is what stands before a line, and before those below it.
func twig(indent string, last bool) (stem, next string) {
	if last {
		return indent + "└── ", indent + "    "
	}
	return indent + "├── ", indent + "│   "
}

// counted is a number of things, like "1 artifact" or "2 repositories".
func counted[N int | int32 | int64](n N, what string) string {
	many := what + "s"
	if stem, ok := strings.CutSuffix(what, "y"); ok {
		many = stem + "ies"
	}
	if n == 1 {
		many = what
	}
	return fmt.Sprintf("%d %s", n, many)
}
