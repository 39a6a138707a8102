// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// account is what every client logs in with.
const (
	username = "robot$inventory"
	password = harbortest.GeneratedRobotSecret
)

// fetchWithEngine reads everything as the operator does.
func fetchWithEngine(ctx context.Context, task clientTask) (found, error) {
	client, err := harbor.New(harbor.Config{
		URL: task.URL, Username: username, Password: password, UserAgent: "harbor-inventory/bench",
		MaxConnections: task.Connections, Limiters: []*transport.Limiter{transport.NewLimiter(task.Connections)},
	})
	if err != nil {
		return found{}, err
	}
	defer client.Close()
	everything, err := fetch.NewSelection(nil, nil, nil)
	if err != nil {
		return found{}, err
	}
	var sink countingSink
	report, err := fetch.Run(ctx, client, fetch.Request{
		Selection: everything, Details: harbor.Details{Tags: true}, Workers: 2 * task.Connections, Writers: 2,
	}, &sink)
	switch {
	case err != nil:
		return found{}, err
	case len(report.Failures) > 0:
		return found{}, fmt.Errorf("%d failures, the first one: %w", len(report.Failures), report.Failures[0].Err)
	case report.Unverified > 0:
		return found{}, fmt.Errorf("%d repositories are unverified, though nothing changes", report.Unverified)
	}
	return found{Repositories: int(sink.repositories.Load()), Artifacts: int(sink.artifacts.Load())}, nil
}

// countingSink counts and forgets.
type countingSink struct{ repositories, artifacts atomic.Int64 }

func (*countingSink) Found(int) {}

func (s *countingSink) Repository(_ context.Context, r fetch.Repository) error {
	s.repositories.Add(1)
	s.artifacts.Add(int64(len(r.Artifacts)))
	return nil
}
