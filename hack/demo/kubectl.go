// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// kubectlLimit bounds one call of kubectl.
const kubectlLimit = 2 * time.Minute

// kubectl runs the kubectl beside the control plane as a user would.
type kubectl struct {
	path        string
	environment []string
}

func newKubectl(assets string, w *testbed.Workspace) kubectl {
	return kubectl{
		path: filepath.Join(assets, "kubectl"),
		// A cache of its own: the user's would hold what another demo served at
		// the same port.
		environment: append(os.Environ(), "KUBECONFIG="+w.Path("kubeconfig"), "KUBECACHEDIR="+w.Path("kubectl-cache")),
	}
}

// run returns what kubectl prints.
func (k kubectl) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, kubectlLimit, fmt.Errorf("it took longer than %s", kubectlLimit))
	defer cancel()
	command := exec.CommandContext(ctx, k.path, args...) //nolint:gosec // the arguments are the demo's own
	command.Env = k.environment
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Stdin = bytes.NewReader(stdin)
	var out, problem bytes.Buffer
	command.Stdout, command.Stderr = &out, &problem
	if err := command.Run(); err != nil {
		return "", because(ctx, fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problem.String())))
	}
	return out.String(), nil
}

// head returns the first lines of a text, and how many more there are.
func head(text string, most int) (string, int) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= most {
		return strings.Join(lines, "\n"), 0
	}
	return strings.Join(lines[:most], "\n"), len(lines) - most
}
