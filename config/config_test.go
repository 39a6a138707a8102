// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config holds the manifests, and a test of them.
package config

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const manager = "system:serviceaccount:harbor-inventory-system:harbor-inventory-controller-manager"

// TestDefault applies config/default to a real API server, as a user would.
func TestDefault(t *testing.T) {
	readAll(t)
	kubectl := start(t)

	_, warnings := kubectl(t, "apply", "--server-side", "--kustomize", "default")
	if warnings != "" { // among them what the pod security standard would forbid
		t.Errorf("the API server warns:\n%s", warnings)
	}

	for _, tt := range []struct {
		verb, resource, namespace string
		may                       bool
	}{
		{"watch", "harborinventories.harborinventory.io", "", true},
		{"patch", "harborinventories.harborinventory.io/status", "", true},
		{"patch", "artifactlists.harborinventory.io/status", "", false},
		{"delete", "harborinventories.harborinventory.io", "", false},
		{"create", "artifactlists.harborinventory.io", "", true},
		{"update", "vulnerabilityreports.harborinventory.io", "", true},
		{"patch", "vulnerabilityreports.harborinventory.io/status", "", false},
		{"get", "secrets", "", true},
		{"list", "secrets", "", false},
		{"update", "leases.coordination.k8s.io", "harbor-inventory-system", true},
		{"update", "leases.coordination.k8s.io", "default", false},
		{"create", "subjectaccessreviews.authorization.k8s.io", "", true},
	} {
		t.Run("the manager: "+tt.verb+" "+tt.resource+" "+tt.namespace, func(t *testing.T) {
			resource, subresource, _ := strings.Cut(tt.resource, "/")
			where := []string{"--all-namespaces"}
			if tt.namespace != "" {
				where = []string{"--namespace", tt.namespace}
			}
			question := []string{"auth", "can-i", tt.verb, resource, "--subresource", subresource, "--as", manager}
			answer, _ := kubectl(t, append(question, where...)...)
			if got := strings.TrimSpace(answer) == "yes"; got != tt.may {
				t.Errorf("may it? %q, want %v", answer, tt.may)
			}
		})
	}
}

// readAll reads every manifest, for one reason: kubectl is a process of its own,
// and go test repeats a cached result unless a file changed that the test itself
// has read.
func readAll(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			_, err = os.ReadFile(path)
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// start starts a control plane, and returns its administrator's kubectl, which
// returns what was written to standard output and to standard error, and fails
// the test when the command fails.
func start(t *testing.T) func(t *testing.T, args ...string) (out, problems string) {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if !filepath.IsAbs(assets) {
		t.Fatalf("KUBEBUILDER_ASSETS is %q: run make test, or set it to the absolute path of bin/k8s after make controlplane", assets)
	}
	env := &envtest.Environment{}
	if _, err := env.Start(); err != nil {
		t.Fatalf("start the control plane: %v", err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stop the control plane: %v", err)
		}
	})
	admin, err := env.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatalf("add a user: %v", err)
	}
	content, err := admin.KubeConfig()
	if err != nil {
		t.Fatalf("make the kubeconfig: %v", err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}

	return func(t *testing.T, args ...string) (string, string) {
		t.Helper()
		var out, problems bytes.Buffer
		command := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), append(args, "--kubeconfig", kubeconfig)...)
		command.Stdout, command.Stderr = &out, &problems
		// "auth can-i" exits with 1 for no.
		if err := command.Run(); err != nil && strings.TrimSpace(out.String()) != "no" {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, problems.String())
		}

		return out.String(), problems.String()
	}
}
