// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Manager is a process of the operator.
type Manager struct {
	*testbed.Process
	// Ready asks its probe once, and fails unless the operator is ready.
	Ready func(context.Context) error
}

// StartManager starts the operator with a kubeconfig, flags, and variables added
// to the environment, and waits until it is ready. Simulated Harbors are allowed,
// unless the flags say otherwise.
func (c *Cluster) StartManager(ctx context.Context, kubeconfig string, environment []string, flags ...string) (*Manager, error) {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	m, err := c.launch(ctx, lost, kubeconfig, environment, flags)
	if err != nil {
		return nil, err
	}
	if err := testbed.Await(ctx, m.Ready); err != nil {
		return m, fmt.Errorf("%w\n%s", err, m.Log())
	}
	return m, nil
}

// LaunchManager is StartManager, and waits for nothing.
func (c *Cluster) LaunchManager(ctx context.Context, kubeconfig string, environment []string, flags ...string) (*Manager, error) {
	return c.launch(ctx, nil, kubeconfig, environment, flags)
}

func (c *Cluster) launch(ctx context.Context, lost func(error), kubeconfig string, environment, flags []string) (*Manager, error) {
	probes, err := testbed.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	// Of a flag that is given twice, the last one counts.
	args := append(append(slices.Clone(testbed.AllowSimulator), flags...), "--health-probe-bind-address="+probes)
	name := fmt.Sprintf("manager-%d", len(c.processes))
	p, err := c.work.Launch(name, c.Manager, lost, append([]string{"KUBECONFIG=" + kubeconfig}, environment...), args...)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, p)
	return &Manager{p, testbed.Answers("http://" + probes + "/readyz")}, nil
}
