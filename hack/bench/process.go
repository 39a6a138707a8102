// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// roleVariable in the environment makes this program a server or a client that
// reads its task from the standard input.
const roleVariable = "HARBOR_INVENTORY_BENCH_ROLE"

const (
	roleServer = "server"
	roleClient = "client"
)

// serverTask is what a server is told.
type serverTask struct {
	// Dataset as harborsim's flag.
	Dataset string
	// Record makes each answer once and gives it again from memory.
	Record bool
}

// serverReady is what a server says when it listens.
type serverReady struct{ URL, Control string }

// clientTask is what a client is told.
type clientTask struct {
	URL         string
	Client      string
	Connections int
	// Requests are what the bare loop asks for, in this order.
	Requests []string
	// SampleHeap measures the peak of the heap; it takes some CPU time.
	SampleHeap bool
}

// play does what the standard input says.
func play(ctx context.Context, role string) error {
	input := json.NewDecoder(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	switch role {
	case roleServer:
		var task serverTask
		if err := input.Decode(&task); err != nil {
			return err
		}
		return serve(ctx, task, os.Stdin, func(ready serverReady) error { return output.Encode(ready) })
	case roleClient:
		var task clientTask
		if err := input.Decode(&task); err != nil {
			return err
		}
		result, err := fetchMeasured(ctx, task)
		if err != nil {
			return err
		}
		return output.Encode(result)
	default:
		return fmt.Errorf("%s: unknown role %q", roleVariable, role)
	}
}

func program(ctx context.Context, role string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// runClient runs a client to its end.
func runClient(ctx context.Context, task clientTask) (result, error) {
	cmd, err := program(ctx, roleClient)
	if err != nil {
		return result{}, err
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return result{}, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	var r result
	err = json.NewEncoder(input).Encode(task)
	if err == nil {
		err = json.NewDecoder(output).Decode(&r)
	}
	_ = input.Close()
	if waitErr := cmd.Wait(); waitErr != nil {
		err = waitErr // its standard error says more
	}
	if err != nil {
		return r, fmt.Errorf("client %s: %w", task.Client, err)
	}
	return r, nil
}

// serverProcess is a server in a process of its own.
type serverProcess struct {
	serverReady
	cmd   *exec.Cmd
	input io.Closer
}

func startServer(ctx context.Context, task serverTask) (*serverProcess, error) {
	cmd, err := program(ctx, roleServer)
	if err != nil {
		return nil, err
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &serverProcess{cmd: cmd, input: input}
	if err := json.NewEncoder(input).Encode(task); err != nil {
		s.stop()
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := json.NewDecoder(output).Decode(&s.serverReady); err != nil {
		s.stop()
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// stop ends the server: it serves until its standard input does.
func (s *serverProcess) stop() {
	_ = s.input.Close()
	_ = s.cmd.Wait() // whatever it says, it is over
}
