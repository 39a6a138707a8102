// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// checkTries bounds how often the lists are compared with a Harbor that may
// change meanwhile.
const checkTries = 5

// differ is an inventory that is not what Harbor holds.
type differ struct {
	summary     string
	differences []string
}

func (e *differ) Error() string {
	return fmt.Sprintf("%s; %s", e.summary, count(len(e.differences), "difference", "differences"))
}

// none tells whether all is as it should be.
func (e *differ) none() bool { return len(e.differences) == 0 }

func (e *differ) good() string { return e.summary + ": each in exactly one list, with its tags" }

// also keeps the differences that there were before, too.
func (e *differ) also(before *differ) *differ {
	both := slices.DeleteFunc(slices.Clone(e.differences), func(line string) bool { return !slices.Contains(before.differences, line) })
	return &differ{e.summary, both}
}

// check compares the inventory with what Harbor holds.
func (d *demo) check(ctx context.Context) error {
	err := d.step(ctx, step{"Check", "comparing the lists with Harbor", syncLimit, []string{"manager"}, func(ctx context.Context) (string, error) {
		found, err := d.compare(ctx)
		switch {
		case err != nil:
			return "", err
		case found.none():
			return found.good(), nil
		case d.registry.steady():
			return "", found
		default:
			return d.compareAgain(ctx, found)
		}
	}})
	if lasting := (*differ)(nil); errors.As(err, &lasting) {
		for _, line := range lasting.differences {
			d.console.say("    %s", line)
		}
	}
	return err
}

// compareAgain compares after further syncs, because Harbor may have changed
// between the sync and the comparison. What differs for that reason does not
// differ each time.
func (d *demo) compareAgain(ctx context.Context, lasting *differ) (string, error) {
	for range checkTries - 1 {
		d.console.update(fmt.Sprintf("%s, maybe because Harbor has changed: once more after the next sync", count(len(lasting.differences), "difference", "differences")))
		if err := d.nextSync(ctx); err != nil {
			return "", err
		}
		found, err := d.compare(ctx)
		if err != nil {
			return "", err
		}
		if found.none() {
			return found.good(), nil
		}
		lasting = found.also(lasting)
	}
	if lasting.none() {
		return fmt.Sprintf("%s; Harbor changes all the time, and no difference lasted over %d comparisons", lasting.summary, checkTries), nil
	}
	return "", lasting
}

// compare compares once.
func (d *demo) compare(ctx context.Context) (*differ, error) {
	held, err := d.registry.listed(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking Harbor what it holds: %w", err)
	}
	var lists v1alpha1.ArtifactListList
	err = d.kube.List(ctx, &lists, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelInventory: d.inventory.Name})
	if err != nil {
		return nil, err
	}
	inv, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	entries := 0
	for i := range lists.Items {
		entries += len(lists.Items[i].Artifacts)
	}
	return &differ{
		summary: fmt.Sprintf("%s in Harbor, %s in %s", count(len(held), "artifact", "artifacts"),
			count(entries, "entry", "entries"), count(len(lists.Items), "list", "lists")),
		differences: append(testbed.Differences(held, lists.Items), misstated(inv, entries, len(lists.Items))...),
	}, nil
}

// misstated tells what the status says that is not so.
func misstated(inv *v1alpha1.HarborInventory, entries, lists int) []string {
	var found []string
	if lack := incomplete(inv); lack != "" {
		found = append(found, "the inventory is not complete: "+lack)
	}
	if n := inv.Status.Artifacts; n == nil || *n != int64(entries) {
		found = append(found, fmt.Sprintf("status.artifacts is %s, and the lists hold %d", shownNumber(n), entries))
	}
	if n := inv.Status.ArtifactLists; n == nil || int(*n) != lists {
		found = append(found, fmt.Sprintf("status.artifactLists is %s, and there are %d", shownNumber(n), lists))
	}
	return found
}

func shownNumber[T int32 | int64](n *T) string {
	if n == nil {
		return "absent"
	}
	return fmt.Sprint(*n)
}

// nextSync waits until a sync has ended that began after now.
func (d *demo) nextSync(ctx context.Context) error {
	if err := testbed.Pause(ctx, time.Second); err != nil {
		return err
	}
	args, requested := d.annotation()
	if _, err := d.kubectl.run(ctx, nil, args...); err != nil {
		return err
	}
	_, err := d.awaitSync(ctx, requested)
	return err
}
