// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	humanduration "k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/rest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

type statusCommand struct {
	*environment
	cluster
	format string
}

var statusFormats = []string{formatWide, formatName, formatJSON, formatYAML, formatJSONPath}

func newStatus(e *environment) *cobra.Command {
	c := &statusCommand{environment: e}
	command := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Show what inventories are doing: how fresh, how complete, what failed",
		Long: `Show the HarborInventories of the current namespace, one a line; or, of those that
are named, everything: conditions, how each is kept current, freshness, a sync under
way, and what could not be read.

With -o json, yaml, name and jsonpath= the objects themselves are printed, as kubectl
get does.

` + exitCodes,
		Example: `  kubectl harbor-inventory status -A
  kubectl harbor-inventory status production`,
		ValidArgsFunction: c.completeInventories,
		RunE:              func(command *cobra.Command, names []string) error { return c.run(command.Context(), names) },
	}
	command.Flags().StringVarP(&c.format, "output", "o", "", "output format: "+strings.Join(statusFormats, ", ")+"; a table if not given")
	completeWords(command, "output", statusFormats...)
	c.addListFlags(command)
	return command
}

func (c *statusCommand) run(ctx context.Context, names []string) error {
	if err := c.check(); err != nil {
		return err
	}
	objects, err := objectPrinter(c.format, len(names) == 1)
	if err != nil {
		return err
	}
	if c.all && len(names) > 0 {
		return usageError("--all-namespaces is for all inventories: give -n with a name")
	}
	namespace, err := c.namespace()
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	all, err := c.inventories(ctx, client, namespace, names)
	if err != nil {
		return err
	}
	if objects != nil {
		return objects(all, c.Out)
	}
	return c.show(all, namespace, len(names) > 0)
}

// show prints a table, or everything about those that were named.
func (c *statusCommand) show(all []v1alpha1.HarborInventory, namespace string, named bool) error {
	switch {
	case len(all) == 0:
		tell(c.ErrOut, "No HarborInventories found %s.\n", inNamespace(namespace))
		return nil
	case named && c.format != formatWide:
		for i := range all {
			if err := c.describe(&all[i], i > 0); err != nil {
				return err
			}
		}
		return nil
	default:
		return c.table(all)
	}
}

// inventories reads those that are named, or all.
func (c *statusCommand) inventories(ctx context.Context, client rest.Interface, namespace string, names []string) ([]v1alpha1.HarborInventory, error) {
	var all []v1alpha1.HarborInventory
	if len(names) == 0 {
		l := listing{resource: inventoriesResource, namespace: namespace, chunk: c.chunk}
		err := stream(ctx, client, l, func(inv *v1alpha1.HarborInventory) error {
			all = append(all, *inv)
			return nil
		}, func() error { return nil })
		return all, err
	}
	for _, name := range names {
		inv, err := getInventory(ctx, client, namespace, name)
		if err != nil {
			return nil, err
		}
		all = append(all, *inv)
	}
	return all, nil
}

func getInventory(ctx context.Context, client rest.Interface, namespace, name string) (*v1alpha1.HarborInventory, error) {
	inv := &v1alpha1.HarborInventory{}
	err := client.Get().Resource(inventoriesResource).Namespace(namespace).Name(name).Do(ctx).Into(inv)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no HarborInventory %q %s", name, inNamespace(namespace))
	}
	return inv, err
}

// table prints one line an inventory.
func (c *statusCommand) table(all []v1alpha1.HarborInventory) error {
	columns := []metav1.TableColumnDefinition{
		{Name: "Name"},
		{Name: "Ready"},
		{Name: "Complete"},
		{Name: "Doing"},
		{Name: "Repositories"},
		{Name: "Artifacts"},
		{Name: "Size"},
		{Name: "Last Sync"},
		{Name: "Next Sync"},
		{Name: "Failures", Priority: 1},
		{Name: "Harbor", Priority: 1},
		{Name: "Version", Priority: 1},
		{Name: "Last Full Sync", Priority: 1},
	}
	if c.all {
		columns = append([]metav1.TableColumnDefinition{{Name: "Namespace"}}, columns...)
	}
	table := &metav1.Table{ColumnDefinitions: columns}
	for i := range all {
		inv := &all[i]
		s := &inv.Status
		cells := []any{
			inv.Name, conditionWord(s.Conditions, v1alpha1.ConditionReady), conditionWord(s.Conditions, v1alpha1.ConditionComplete), doing(inv),
			number(s.Repositories), number(s.Artifacts), sizeOrNone(s.SizeBytes), ago(s.LastSyncTime, c.now()), until(s.NextSyncTime, c.now()),
			s.FailuresTotal, inv.Spec.Harbor.URL, orNone(s.HarborVersion), ago(s.LastFullSyncTime, c.now()),
		}
		if c.all {
			cells = append([]any{inv.Namespace}, cells...)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: cells})
	}
	return printers.NewTablePrinter(printers.PrintOptions{Wide: c.format == formatWide}).PrintObj(table, c.Out)
}

// describe prints everything about one inventory, apart from another one before it.
func (c *statusCommand) describe(inv *v1alpha1.HarborInventory, another bool) error {
	s := &inv.Status
	var text strings.Builder
	line := func(name, format string, args ...any) {
		text.WriteString(name + ":\t" + fmt.Sprintf(format, args...) + "\n")
	}
	if another {
		text.WriteString("\n")
	}
	line("Inventory", "%s/%s", inv.Namespace, inv.Name)
	line("Harbor", "%s (%s)", inv.Spec.Harbor.URL, cmp.Or(s.HarborVersion, "version not known"))
	line("Doing", "%s", doing(inv))
	for _, condition := range s.Conditions {
		line(condition.Type, "%s for %s, %s: %s", condition.Status, humanduration.HumanDuration(c.now().Sub(condition.LastTransitionTime.Time)), condition.Reason, condition.Message)
	}
	if s.Artifacts != nil && s.Repositories != nil && s.Projects != nil {
		line("Holds", "%s in %s of %s, %s", counted(*s.Artifacts, "artifact"), counted(*s.Repositories, "repository"),
			counted(*s.Projects, "project"), sizeOrNone(s.SizeBytes))
	}
	if v := s.Vulnerabilities; v != nil {
		line("Vulnerabilities", "%s; %d of %d fixable", bySeverity(v), v.Fixable, v.Total)
	}
	line("Last sync", "%s ago", ago(s.LastSyncTime, c.now()))
	line("Read in full", "%s ago", ago(s.LastFullSyncTime, c.now()))
	line("Next sync", "in %s", until(s.NextSyncTime, c.now()))
	line("Kept current by", "%s", orNone(strings.ReplaceAll(s.Layers, "; ", "\n\t")))
	if len(s.NotFound) > 0 {
		line("Not found", "%s", strings.Join(s.NotFound, ", "))
	}
	if s.FailuresTotal > 0 {
		line("Failures", "%d", s.FailuresTotal)
		for _, f := range s.Failures {
			line("  "+cmp.Or(f.Repository, f.Project, "the registry"), "%s for %s: %s", f.Reason, humanduration.HumanDuration(c.now().Sub(f.Since.Time)), f.Message)
		}
		if more := int(s.FailuresTotal) - len(s.Failures); more > 0 {
			line("  more", "%d, which the status does not name", more)
		}
	}
	tabs := printers.GetNewTabWriter(c.Out)
	if err := printers.WriteEscaped(tabs, text.String()); err != nil {
		return err
	}
	return tabs.Flush()
}

// idle is what an inventory does between syncs.
const idle = "Waiting"

// doing says in a word what an inventory is doing.
func doing(inv *v1alpha1.HarborInventory) string {
	s := &inv.Status
	switch progress := s.Progress; {
	case inv.DeletionTimestamp != nil:
		return "Deleting"
	case inv.Spec.Suspend:
		return "Suspended"
	case apimeta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled):
		return "Stalled"
	case progress != nil && progress.RepositoriesTotal > 0:
		return fmt.Sprintf("Syncing %d/%d", progress.RepositoriesDone, progress.RepositoriesTotal)
	case progress != nil, apimeta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReconciling):
		return "Syncing"
	case len(s.Conditions) == 0:
		return "NotStarted"
	default:
		return idle
	}
}

func conditionWord(conditions []metav1.Condition, kind string) string {
	i := slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return string(metav1.ConditionUnknown)
	}
	return string(conditions[i].Status)
}

func number[N int32 | int64](n *N) string {
	if n == nil {
		return none
	}
	return fmt.Sprint(*n)
}

func sizeOrNone(bytes *int64) string {
	if bytes == nil {
		return none
	}
	return size(*bytes)
}

func ago(t *metav1.Time, now time.Time) string {
	if t == nil {
		return none
	}
	return humanduration.HumanDuration(max(0, now.Sub(t.Time)))
}

func until(t *metav1.Time, now time.Time) string {
	switch {
	case t == nil:
		return none
	case t.Time.Before(now):
		return "now"
	default:
		return humanduration.HumanDuration(t.Sub(now))
	}
}
