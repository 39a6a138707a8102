// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// registry is the Harbor of the demo.
type registry interface {
	// access is how the operator gets at it.
	access() *endpoint
	// listed returns every artifact that it lists now.
	listed(ctx context.Context) ([]testbed.Artifact, error)
	// steady: nobody but the demo changes it.
	steady() bool
}

// simulator is a running harborsim.
type simulator struct{ testbed.Simulator }

func (s *simulator) access() *endpoint {
	return &endpoint{url: s.Base, username: testbed.SimulatorAccount, password: testbed.SimulatorSecret}
}

func (*simulator) steady() bool { return true }

func (s *simulator) listed(ctx context.Context) ([]testbed.Artifact, error) { return s.Listed(ctx) }
