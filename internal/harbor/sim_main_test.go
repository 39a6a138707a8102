// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

const simRobot, simSecret = "robot$inventory", harbortest.RecordedRobotSecret

// simRetry tries as often as the default and hardly waits.
var simRetry = transport.RetryPolicy{Base: time.Microsecond, Max: time.Microsecond, MaxRetryAfter: time.Microsecond}

// everyDetail asks for everything.
var everyDetail = harbor.Details{
	Tags: true, Labels: true, Accessories: true, Immutability: true, Scan: true, SBOM: true, Annotations: true, Platforms: true,
}

// simClient returns a client of url as the robot of the recorded registry.
func simClient(t testing.TB, url string, change ...func(*harbor.Config)) *harbor.Client {
	t.Helper()
	config := harbor.Config{
		URL: url, Username: simRobot, Password: simSecret, UserAgent: "harbor-inventory/test", Retry: simRetry,
	}
	for _, c := range change {
		c(&config)
	}
	c, err := harbor.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// recordedServer serves the recorded registry.
func recordedServer(t testing.TB) *harbortest.Server {
	t.Helper()
	return harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
}
