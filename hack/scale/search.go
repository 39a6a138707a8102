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

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Bounds of a search.
const (
	firstRowLimit  = time.Second
	searchPeakMiB  = 150
	searchRounds   = 3
	samplePause    = 2 * time.Millisecond
	searchTerm     = "v1" // a part of many tags
	searchNowhere  = "there-is-no-such-tag"
	searchSettling = 3 * time.Second
)

// search measures how the kubectl plugin answers, and beside it what kubectl takes
// to get the same lists. Each is a process of its own, and asks by way of a proxy
// that notes when which chunk was asked for. The bounds hold for the table and the
// JSON lines of each round.
//
// The manager is stopped when all has been written, and the largest set of
// VulnerabilityReports is added that a spec can ask for with reports of the default
// size: it would remove what it has not written itself.
func search(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	b, err := newBed(ctx, p, "search")
	if err != nil {
		return err
	}
	defer b.closing(&err)
	inv, err := b.syncOnce(ctx, s)
	if err != nil {
		return err
	}
	reports, bytes, err := b.writeReports(ctx, inv)
	if err != nil {
		return err
	}
	proxy, err := startProxy(ctx, b)
	if err != nil {
		return err
	}
	defer proxy.stop()
	time.Sleep(searchSettling) // of the API server's caches, after thousands of writes
	plugin, kubectl := filepath.Join(p.root, "bin", "kubectl-harbor_inventory"), filepath.Join(p.assets, "kubectl")
	asked := []asking{
		{name: "search " + searchTerm, path: plugin, args: []string{"search", "-A", searchTerm}, bound: true, rows: true},
		{name: "search " + searchTerm + " -o jsonl", path: plugin, args: []string{"search", "-A", searchTerm, "-o", "jsonl"}, bound: true, rows: true},
		{name: "search, nothing there", path: plugin, args: []string{"search", "-A", searchNowhere}, bound: true},
		{name: "search " + searchTerm + " --sort-by .pushTime", path: plugin, args: []string{"search", "-A", searchTerm, "--sort-by", ".pushTime"}},
		{name: "search --cve " + wantedCVE, path: plugin, args: []string{"search", "-A", "--cve", wantedCVE}, bound: true, rows: true},
		{name: "search --cve, nothing there", path: plugin, args: []string{"search", "-A", "--cve", "CVE-1999-0001"}, bound: true},
		{name: "list -o jsonl", path: plugin, args: []string{"list", "-A", "-o", "jsonl"}, bound: true, rows: true},
		{name: "kubectl get artifactlists -o json", path: kubectl, args: []string{"get", "artifactlists", "-A", "-o", "json"}},
	}
	t := newTable("Round", "Command", "Rows", "First row", "All", "CPU time", "Peak memory", "Chunks", "Chunks asked for before the first row", "Peak memory / kubectl's")
	var broken []error
	for round := range searchRounds {
		results := make([]heard, len(asked))
		for i, a := range asked {
			if results[i], err = proxy.ask(ctx, b, a); err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
		}
		baseline := results[len(results)-1]
		for i, a := range asked {
			h := results[i]
			first := "none"
			if h.rows > 0 {
				first = fmt.Sprintf("%.2f s", h.first.Seconds())
			}
			t.row(round+1, a.name, h.rows, first, h.all, fmt.Sprintf("%.2f s", h.cpu.Seconds()), mebibytes(h.peak), len(h.chunks), h.before(), float64(h.peak)/float64(baseline.peak))
			broken = append(broken, a.judge(h))
		}
	}
	_, err = fmt.Fprintf(out, "%s artifacts in %s lists, asked for 500 at once; %s VulnerabilityReports of %s together.\n\n",
		grouped(*inv.Status.Artifacts), grouped(int64(*inv.Status.ArtifactLists)), grouped(int64(reports)), mebibytes(bytes))
	return errors.Join(append([]error{err, t.write(out)}, broken...)...)
}

// syncOnce has the manager write an inventory, and stops it.
func (b *bed) syncOnce(ctx context.Context, s settings) (*v1alpha1.HarborInventory, error) {
	if err := errors.Join(b.startHarbor(ctx, s.dataset), b.prepareManager(ctx, s)); err != nil {
		return nil, err
	}
	manager, err := b.startManager()
	if err != nil {
		return nil, err
	}
	inv, err := b.firstSync(ctx, s)
	return inv, errors.Join(err, manager.Stop())
}

func (b *bed) firstSync(ctx context.Context, s settings) (*v1alpha1.HarborInventory, error) {
	if err := errors.Join(b.await(ctx, b.probes), b.createInventory(ctx, "search", s)); err != nil {
		return nil, err
	}
	return b.awaitInventory(ctx, "search", complete)
}

// asking is a command that is measured.
type asking struct {
	name, path string
	args       []string
	bound      bool // whether the bounds hold for it
	rows       bool // whether it has to find some
}

// heard is what became of a command. Times count from its start.
type heard struct {
	rows       int
	first, all time.Duration
	cpu        time.Duration
	peak       int64
	chunks     []time.Duration // when each was asked for
}

// before counts the chunks that were asked for before the first row came.
func (h *heard) before() int {
	n := 0
	for _, at := range h.chunks {
		if h.rows == 0 || at < h.first {
			n++
		}
	}
	return n
}

// judge holds a command to the bounds.
func (a *asking) judge(h heard) error {
	var errs []error
	if a.rows && h.rows == 0 {
		errs = append(errs, fmt.Errorf("%s: nothing was found", a.name))
	}
	if !a.bound {
		return errors.Join(errs...)
	}
	if h.rows > 0 && h.first > firstRowLimit {
		errs = append(errs, fmt.Errorf("%s: the first row came after %s, the bound is %s", a.name, h.first, firstRowLimit))
	}
	if h.rows > 0 && h.before() >= len(h.chunks) {
		errs = append(errs, fmt.Errorf("%s: all %d chunks had been asked for when the first row came", a.name, len(h.chunks)))
	}
	if h.peak > searchPeakMiB<<20 {
		errs = append(errs, fmt.Errorf("%s: took %s of memory, the bound is %d MiB", a.name, mebibytes(h.peak), searchPeakMiB))
	}
	return errors.Join(errs...)
}

// ask runs a command by way of the proxy.
func (p *proxy) ask(ctx context.Context, b *bed, a asking) (h heard, err error) {
	p.reset()
	command := exec.CommandContext(ctx, a.path, append(a.args, "--kubeconfig", b.work.Path("proxy.kubeconfig"))...) //nolint:gosec // what is measured
	var problems bytes.Buffer
	command.Stderr = &problems
	stdout, err := command.StdoutPipe()
	if err != nil {
		return h, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return h, err
	}
	ended, sampled := make(chan struct{}), make(chan int64)
	go func() { sampled <- samplePeak(command.Process.Pid, ended) }()
	buffer := make([]byte, 64<<10)
	for {
		n, readErr := stdout.Read(buffer)
		if n > 0 && h.rows == 0 {
			h.first = time.Since(start)
		}
		h.rows += bytes.Count(buffer[:n], []byte("\n"))
		if readErr != nil {
			break // the process says why
		}
	}
	err = command.Wait()
	h.all = time.Since(start)
	close(ended)
	h.peak = <-sampled
	if err != nil {
		return h, fmt.Errorf("%w\n%s", err, problems.String())
	}
	h.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	h.chunks = p.chunks(start)
	return h, nil
}

// samplePeak looks at the peak of a process until it has ended. (What the kernel
// tells its parent afterwards has the parent's own peak in it.)
func samplePeak(pid int, ended <-chan struct{}) (peak int64) {
	for {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if usage, err := testbed.ParseStatus(string(text)); err == nil {
				peak = max(peak, usage.Peak)
			}
		}
		select {
		case <-ended:
			return peak
		case <-time.After(samplePause):
		}
	}
}
