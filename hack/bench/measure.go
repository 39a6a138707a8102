// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// found is what a client saw.
type found struct{ Repositories, Artifacts int }

// result is what one run of a client cost, as its own process counts it.
type result struct {
	found
	Wall time.Duration
	// CPU is user and system time (getrusage).
	CPU time.Duration
	// Mallocs and Allocated are objects and bytes (runtime.MemStats).
	Mallocs, Allocated uint64
	// PeakRSS is VmHWM, in bytes: with the program itself.
	PeakRSS uint64
	// PeakHeap is the greatest sum of the bytes of objects that live or are not
	// swept yet and of the unused room between them (what MemStats calls
	// HeapInuse), PeakObjects that of the objects. 0 where the heap is not sampled.
	PeakHeap, PeakObjects uint64
}

// clients by name.
var clients = map[string]func(context.Context, clientTask) (found, error){
	engine:   fetchWithEngine,
	goClient: fetchWithGoClient,
	bareLoop: fetchWithBareLoop,
}

const (
	engine   = "engine"
	goClient = "go-client"
	bareLoop = "bare loop"
)

// fetchMeasured runs a client in this process.
func fetchMeasured(ctx context.Context, task clientTask) (result, error) {
	run, ok := clients[task.Client]
	if !ok {
		return result{}, fmt.Errorf("there is no client %q", task.Client)
	}
	var r result
	stopSampling := func() {}
	if task.SampleHeap {
		stopSampling = sampleHeap(&r)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	seen, err := run(ctx, task)
	r.Wall, r.CPU = time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	stopSampling()
	if err != nil {
		return r, err
	}
	r.found = seen
	r.Mallocs, r.Allocated = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	r.PeakRSS, err = peakRSS()
	return r, err
}

// cpuTime is the user and system time of this process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // cannot be: the argument is right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakRSS is not getrusage's: that has the peak of the process that forked this
// one, too.
func peakRSS() (uint64, error) { return peakOf("self") }

// peakOf is that of a process, by its number.
func peakOf(pid string) (uint64, error) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%s/status has no VmHWM", pid)
}

// sampleEvery is how often the heap is looked at.
const sampleEvery = time.Millisecond

// sampleHeap looks for the peak of the heap until stop is called.
func sampleHeap(to *result) (stop func()) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			metrics.Read(samples)
			objects, unused := samples[0].Value.Uint64(), samples[1].Value.Uint64()
			to.PeakObjects = max(to.PeakObjects, objects)
			to.PeakHeap = max(to.PeakHeap, objects+unused)
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-over }
}
