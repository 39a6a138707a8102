// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
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

var statusFormats = []string{formatWide, formatName, formatJSON, formatYAML, formatJSONPath, formatColumns}

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
