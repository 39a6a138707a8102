// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// each does n writes side by side and returns the first error. One that fails
// does not end the others: what is written stays right.
func (o *listOutput) each(n int, write func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(o.r.options.Writers)
	for i := range n {
		group.Go(func() error { return write(i) })
	}
	return group.Wait()
}

// inSlot does one write as soon as fewer than Options.Writers of this sync are in flight.
func (o *listOutput) inSlot(ctx context.Context, write func() error) error {
	if err := o.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer o.slots.Release(1)
	return write()
}
