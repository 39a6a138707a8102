// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
)

// memoryConnections is with how many connections memory is measured.
const memoryConnections = 20

// compareSizes streams registries of the same shape, one ten times the other,
// to a sink that counts, and prints the peaks of the heap. The smaller is
// fetched ten times and the greatest peak taken, so that garbage has as many
// chances to pile up.
func compareSizes(ctx context.Context) error {
	const times = 10
	fmt.Printf("\nthe engine at %d connections, a sink that counts\n\n", memoryConnections)
	row("registry", "artifacts", "requests", "wall s", "CPU s", "peak of the heap in use, MiB", "of it objects, MiB", "peak RSS MiB")
	line(8)
	smaller, err := greatestPeak(ctx, registry{projects: 10, repositories: 100, artifacts: 100}, times)
	if err != nil {
		return err
	}
	larger, err := greatestPeak(ctx, registry{projects: 10, repositories: 100 * times, artifacts: 100}, 1)
	if err != nil {
		return err
	}
	fmt.Printf("\npeak of the heap in use, the larger / the smaller: %.2f\n", float64(larger)/float64(smaller))
	return nil
}

// greatestPeak prints, and returns the peak of, the run with the greatest one.
func greatestPeak(ctx context.Context, r registry, times int) (uint64, error) {
	var greatest measured
	for range times {
		m, err := measureMemory(ctx, r, memoryConnections)
		if err != nil {
			return 0, err
		}
		if m.PeakHeap > greatest.PeakHeap {
			greatest = m
		}
	}
	row(
		r.String(), fmt.Sprint(greatest.Artifacts), fmt.Sprint(greatest.Requests),
		fmt.Sprintf("%.1f", greatest.Wall.Seconds()), fmt.Sprintf("%.1f", greatest.result.CPU.Seconds()),
		mebibytes(greatest.PeakHeap), mebibytes(greatest.PeakObjects), mebibytes(greatest.PeakRSS),
	)
	return greatest.PeakHeap, nil
}

// measureMemory fetches a registry once. The server makes its pages as they are
// asked for.
func measureMemory(ctx context.Context, r registry, connections int) (m measured, err error) {
	server, err := startServer(ctx, serverTask{Dataset: r.dataset()})
	if err != nil {
		return m, err
	}
	defer server.stop()
	return measure(ctx, server, r, clientTask{URL: server.URL, Client: engine, Connections: connections, SampleHeap: true}, 0)
}
