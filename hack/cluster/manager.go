// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Manager is a process of the operator.
type Manager struct {
	command *exec.Cmd
	probes  string
	ended   chan struct{} // closed after the end
	log     buffer
}

// simulators allows Harbors that are simulated on this machine, over plain HTTP or not.
var simulators = []string{"--allowed-harbor-cidrs=127.0.0.0/8", "--allow-plain-http"}

// StartManager starts the operator with a kubeconfig, flags, and variables added
// to the environment, and waits until it is ready. Simulated Harbors are allowed,
// unless the flags say otherwise.
func (c *Cluster) StartManager(ctx context.Context, kubeconfig string, environment []string, flags ...string) (*Manager, error) {
	probes, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	m := &Manager{probes: "http://" + probes + "/readyz", ended: make(chan struct{})}
	// Of a flag that is given twice, the last one counts.
	m.command = exec.CommandContext(context.WithoutCancel(ctx), c.Manager, append(append(slices.Clone(simulators), flags...), "--health-probe-bind-address="+probes)...) //nolint:gosec // it was built here
	m.command.Env = append(append(os.Environ(), "KUBECONFIG="+kubeconfig), environment...)
	m.command.Stdout, m.command.Stderr = &m.log, &m.log
	if err := m.command.Start(); err != nil {
		return nil, err
	}
	c.managers = append(c.managers, m)
	go func() {
		_ = m.command.Wait() // ProcessState tells the same
		close(m.ended)
	}()
	return m, m.ready(ctx)
}

func (m *Manager) ready(ctx context.Context) error {
	return Await(ctx, func(ctx context.Context) error {
		select {
		case <-m.ended:
			return fmt.Errorf("the manager ended (%s):\n%s", m.command.ProcessState, m.Log())
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.probes, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", m.probes, response.Status)
		}
		return nil
	})
}

// Terminate asks the process to end, as Kubernetes does, and waits for its end.
func (m *Manager) Terminate(ctx context.Context) error {
	_ = m.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Kill ends the process without giving it a say (SIGKILL), and waits for its end.
func (m *Manager) Kill() {
	_ = m.command.Process.Kill() // it may have ended
	<-m.ended
}

// Ended is closed once the process has ended, for whatever reason.
func (m *Manager) Ended() <-chan struct{} { return m.ended }

// Log returns what the process has written so far.
func (m *Manager) Log() string { return m.log.String() }

// RSS returns the memory that the process has resident now, in bytes, as Linux
// tells it (proc_pid_status(5), VmRSS).
func (m *Manager) RSS() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in the status of process %d", m.command.Process.Pid)
}

// FreeAddress returns a port of the loopback interface that nobody listens on. It
// is none of those that Linux chooses itself, from 32768 on (ip(7),
// ip_local_port_range): a connection or another listener could be given it before
// its user listens.
func FreeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	for tries := 1; ; tries++ {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)) //nolint:gosec // needs no secrecy
		listener, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
		if tries == 100 {
			return "", err
		}
	}
}

// Await asks until there is no error, and returns the last one when the context ends.
func Await(ctx context.Context, ask func(context.Context) error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case <-ticker.C:
		}
	}
}

// buffer keeps what a process writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
