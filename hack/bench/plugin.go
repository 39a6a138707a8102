// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Bounds of kubectl harbor-inventory fetch, on the small registry: a tenth of
// the CPU time that harborapi 0.26.2, in Python, takes for it at its default page
// size on such a machine, and so much memory at the height.
const (
	harborapiCPU  = 12800 * time.Millisecond
	pluginCPU     = harborapiCPU / 10
	pluginPeakMiB = 64
)

// comparePlugin fetches the small registry with the plugin, in several formats,
// and with the other clients, in turns.
func comparePlugin(ctx context.Context, runs int) error {
	server, err := startServer(ctx, serverTask{Dataset: small.dataset(), Record: true})
	if err != nil {
		return err
	}
	defer server.stop()
	contenders, err := contendersWith(ctx, server, small, 5)
	if err != nil {
		return err
	}
	official, bare := contenders[1], contenders[2]
	var plugins []*contender
	for _, format := range []string{"jsonl", "csv", "json", "table"} {
		plugins = append(plugins, &contender{name: "fetch -o " + format, task: clientTask{URL: server.URL, Connections: 5, Client: format}})
	}
	var broken []error
	for range runs {
		for _, c := range append([]*contender{contenders[0], official, bare}, plugins...) {
			run := measure
			if c.task.Client != engine && c.task.Client != goClient && c.task.Client != bareLoop {
				run = measurePlugin
			}
			m, err := run(ctx, server, small, c.task, 0)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.runs = append(c.runs, m)
		}
	}
	fmt.Printf("\n%s, 5 connections, medians of %d runs\n\n", small, runs)
	row("client", "requests", "wall s", "CPU s", "peak RSS MiB", "CPU / harborapi's 12.8 s", "CPU / go-client's", "CPU / bare loop's, the engine's requests")
	line(8)
	for _, c := range append([]*contender{contenders[0], official, bare}, plugins...) {
		peak := median(c.runs, func(m measured) uint64 { return m.PeakRSS })
		row(
			c.name, fmt.Sprint(median(c.runs, func(m measured) int64 { return m.Requests })),
			fmt.Sprintf("%.3f", median(c.runs, wall)), fmt.Sprintf("%.3f", median(c.runs, cpu)), mebibytes(peak),
			fmt.Sprintf("1/%.0f", harborapiCPU.Seconds()/median(c.runs, cpu)),
			fmt.Sprintf("1/%.1f", medianRatio(official.runs, c.runs, cpu)),
			fmt.Sprintf("%.1f", medianRatio(c.runs, bare.runs, cpu)),
		)
	}
	for _, c := range plugins {
		for _, m := range c.runs {
			if m.result.CPU > pluginCPU || m.PeakRSS > pluginPeakMiB<<20 {
				broken = append(broken, fmt.Errorf("%s: %s of CPU time and %s MiB: the bounds are %s and %d MiB",
					c.name, m.result.CPU, mebibytes(m.PeakRSS), pluginCPU, pluginPeakMiB))
			}
		}
	}
	return errors.Join(broken...)
}

// measurePlugin runs the plugin once; task.Client is its output format.
func measurePlugin(ctx context.Context, server *serverProcess, r registry, task clientTask, latency time.Duration) (m measured, err error) {
	if err := server.openWindow(ctx, latency); err != nil {
		return m, err
	}
	if m.result, err = runPlugin(ctx, task); err != nil {
		return m, err
	}
	if m.window, err = server.window(ctx); err != nil {
		return m, err
	}
	if want := r.found(); m.found != want {
		return m, fmt.Errorf("it printed %+v, want %+v", m.found, want)
	}
	return m, nil
}

// runPlugin starts bin/kubectl-harbor_inventory beside this program, and counts
// what it prints: the artifacts by their digests, the repositories by its last words.
func runPlugin(ctx context.Context, task clientTask) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	command := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), "kubectl-harbor_inventory"), //nolint:gosec // what is measured
		"fetch", "--url", task.URL, "--plain-http", "--max-connections", fmt.Sprint(task.Connections), "-o", task.Client)
	command.Env = append(os.Environ(), "HARBOR_USERNAME="+username, "HARBOR_PASSWORD="+password)
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.StdoutPipe()
	if err != nil {
		return r, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return r, err
	}
	ended, sampled := make(chan struct{}), make(chan uint64)
	go func() { sampled <- samplePeak(command.Process.Pid, ended) }()
	counter := &digestCounter{}
	_, copyErr := io.Copy(counter, output)
	err = command.Wait()
	r.Wall = time.Since(start)
	close(ended)
	r.PeakRSS = <-sampled
	if err = errors.Join(err, copyErr); err != nil {
		return r, fmt.Errorf("%w\n%s", err, said.String())
	}
	r.CPU = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	r.Artifacts = counter.digests
	_, err = fmt.Sscanf(said.String(), "%d of", &r.Repositories)
	return r, err
}

// digestCounter counts digests in what is written to it, wherever it is cut.
type digestCounter struct {
	digests int
	rest    []byte
}

var digestPrefix = []byte("sha256:")

func (c *digestCounter) Write(p []byte) (int, error) {
	text := append(c.rest, p...)
	c.digests += bytes.Count(text, digestPrefix)
	keep := min(len(text), len(digestPrefix)-1)
	c.rest = bytes.Clone(text[len(text)-keep:])
	return len(p), nil
}

// samplePeak looks at the peak of a process until it has ended.
func samplePeak(pid int, ended <-chan struct{}) (peak uint64) {
	for {
		if now, err := peakOf(fmt.Sprint(pid)); err == nil {
			peak = max(peak, now)
		}
		select {
		case <-ended:
			return peak
		case <-time.After(sampleEvery):
		}
	}
}
