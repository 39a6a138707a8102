// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// silent is a demo that has started nothing.
func silent() (*demo, *strings.Builder) {
	var out strings.Builder
	return &demo{console: newConsole(&out, false)}, &out
}

func TestStepTellsWhyItFailed(t *testing.T) {
	obstacle := errors.New("connection refused")
	lost := &testbed.ExitError{Name: "manager", State: "exit status 2"}
	for _, tt := range []struct {
		about string
		cause error // of the end of the demo during the step
		limit time.Duration
		want  string
	}{
		{"an obstacle", nil, time.Hour, "connection refused"},
		{"no time left", nil, time.Nanosecond, "it took longer than 1ns: connection refused"},
		{"interrupted", errInterrupted, time.Hour, "interrupted"},
		{"a program ended", lost, time.Hour, "manager ended by itself: exit status 2"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			d, out := silent()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			err := d.step(ctx, step{"Step", "working", tt.limit, nil, func(ctx context.Context) (string, error) {
				if tt.cause != nil {
					cancel(tt.cause)
				}
				if tt.limit < time.Second {
					<-ctx.Done()
				}
				return "", obstacle
			}})
			if err == nil || err.Error() != tt.want || !strings.Contains(out.String(), "✗ Step: "+tt.want) {
				t.Errorf("error %v, shown %q; want %q", err, out, tt.want)
			}
		})
	}
}

func TestNoStepAfterTheEnd(t *testing.T) {
	d, out := silent()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	err := d.step(ctx, step{"Step", "working", time.Hour, nil, func(context.Context) (string, error) {
		t.Error("the step was taken")
		return "", nil
	}})
	if !errors.Is(err, errInterrupted) || out.String() != "" {
		t.Errorf("error %v, shown %q", err, out)
	}
}

func TestStopTheLastFirst(t *testing.T) {
	d, out := silent()
	var stopped []string
	for _, name := range []string{"a", "b", "c"} {
		d.runs(name, func() error {
			stopped = append(stopped, name)
			if name == "b" {
				return errors.New("b is stubborn")
			}
			return nil
		})
	}
	if err := d.stop(); err == nil || !strings.Contains(out.String(), "✗ Stop: b is stubborn") {
		t.Errorf("error %v, shown %q", err, out)
	}
	if got := strings.Join(stopped, " "); got != "c b a" {
		t.Errorf("stopped %s", got)
	}
}
