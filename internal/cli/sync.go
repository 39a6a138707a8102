// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// pollEvery is how often a HarborInventory is looked at while it is waited for.
const pollEvery = time.Second

type syncCommand struct {
	*environment
	cluster
	wait    bool
	timeout time.Duration

	mu sync.Mutex // of what is printed
}

func newSync(e *environment) *cobra.Command {
	c := &syncCommand{environment: e}
	command := &cobra.Command{
		Use:   "sync NAME...",
		Short: "Have inventories read in full now, and wait for it",
		Long: `Ask the operator to read these HarborInventories in full now, by their annotation
` + v1alpha1.AnnotationRequestedAt + `, and wait until the status tells that it was done,
showing on standard error how far it has come.

The right to patch HarborInventories is needed. The exit code is 4 when an inventory
was read and is not complete, or not ready, afterwards.

` + exitCodes,
		Example: `  kubectl harbor-inventory sync production
  kubectl harbor-inventory sync staging production --timeout 30m`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: c.completeInventories,
		RunE:              func(command *cobra.Command, names []string) error { return c.run(command.Context(), names) },
	}
	command.Flags().BoolVar(&c.wait, "wait", true, "wait until the sync is done")
	command.Flags().DurationVar(&c.timeout, "timeout", 30*time.Minute, "wait no longer than this")
	c.addFlags(command)
	return command
}

// run asks for all syncs, and then waits for them side by side.
func (c *syncCommand) run(ctx context.Context, names []string) error {
	namespace, err := c.namespace()
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	requests := make([]string, len(names))
	for i, name := range names {
		if requests[i], err = c.request(ctx, client, namespace, name); err != nil {
			return err
		}
	}
	if !c.wait {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("not done within --timeout=%s; the sync goes on", c.timeout))
	defer cancel()
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { errs[i] = c.await(ctx, client, namespace, name, requests[i]) })
	}
	group.Wait()
	return worst(errs)
}

// worst joins errors under the exit code of a plain one, if there is any.
func worst(errs []error) error {
	code := exitIncomplete
	for _, err := range errs {
		var coded *codedError
		if err != nil && !errors.As(err, &coded) {
			code = exitError
		}
	}
	if joined := errors.Join(errs...); joined != nil {
		return &codedError{code: code, err: joined}
	}
	return nil
}

// request annotates an inventory, and returns the annotation's value.
func (c *syncCommand) request(ctx context.Context, client rest.Interface, namespace, name string) (string, error) {
	inv, err := getInventory(ctx, client, namespace, name)
	if err != nil {
		return "", err
	}
	if inv.Spec.Suspend {
		return "", fmt.Errorf("inventory %s/%s is suspended (spec.suspend): it is not synced before that is taken back", namespace, name)
	}
	value := c.now().UTC().Format(time.RFC3339Nano)
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.AnnotationRequestedAt: value}}})
	if err != nil {
		return "", err
	}
	err = client.Patch(types.MergePatchType).Resource(inventoriesResource).Namespace(namespace).Name(name).Body(patch).Do(ctx).Error()
	if err != nil {
		return "", fmt.Errorf("asking for a sync of %s/%s: %w", namespace, name, err)
	}
	c.say("%s/%s: asked for a sync\n", namespace, name)
	return value, nil
}

// await returns when the inventory's status echoes the request.
func (c *syncCommand) await(ctx context.Context, client rest.Interface, namespace, name, request string) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	last := ""
	for {
		inv, err := getInventory(ctx, client, namespace, name)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s/%s: %w", namespace, name, context.Cause(ctx))
		case err != nil:
			return err
		case inv.Status.LastHandledReconcileAt == request:
			return c.outcome(inv)
		case inv.Spec.Suspend, inv.DeletionTimestamp != nil:
			return fmt.Errorf("%s/%s was suspended or deleted meanwhile", namespace, name)
		}
		if now := doing(inv); now != last && now != idle {
			c.say("%s/%s: %s\n", namespace, name, now)
			last = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s/%s: %w", namespace, name, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// outcome says how a sync has ended.
func (c *syncCommand) outcome(inv *v1alpha1.HarborInventory) error {
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionComplete} {
		condition := apimeta.FindStatusCondition(inv.Status.Conditions, kind)
		if condition != nil && condition.Status != metav1.ConditionTrue {
			return &codedError{code: exitIncomplete, err: fmt.Errorf("%s/%s is not %s (%s): %s", inv.Namespace, inv.Name, kind, condition.Reason, condition.Message)}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("%s/%s synced", inv.Namespace, inv.Name)
	if s := &inv.Status; s.Artifacts != nil && s.Repositories != nil {
		text += fmt.Sprintf(": %s in %s", counted(*s.Artifacts, "artifact"), counted(*s.Repositories, "repository"))
	}
	_, err := fmt.Fprintln(c.Out, text)
	return err
}

func (c *syncCommand) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tell(c.ErrOut, format, args...)
}
