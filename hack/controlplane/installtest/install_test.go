// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package installtest tests install.sh, with programs of its own in the places
// of go and curl.
package installtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo writes down what it is asked for. "go build" leaves its -o file, and
// "go install" leaves a setup-envtest that prints where its assets are.
const fakeGo = `#!/bin/sh
echo "go $1" "$(eval echo \${$#})" >>"$LOG"
case $1 in
build) while [ "$1" != -o ]; do shift; done; echo built >"$2"; chmod +x "$2" ;;
install) mkdir -p "$GOBIN"; printf '#!/bin/sh\necho setup-envtest "$2" >>"$LOG"\n%s\n' "$SETUP_ENVTEST" >"$GOBIN/setup-envtest"; chmod +x "$GOBIN/setup-envtest" ;;
esac
`

// A tree is a copy of what install.sh needs, and a directory of assets.
type tree struct{ root, dest, assets, log string }

func newTree(t *testing.T) *tree {
	t.Helper()
	root := t.TempDir()
	tr := &tree{root, filepath.Join(root, "bin", "k8s"), filepath.Join(root, "assets"), filepath.Join(root, "log")}
	for _, name := range []string{"install.sh", "go.mod", "go.sum", "main.go", "gc/gc.go", "cmd/gc/main.go", "multicall/multicall.go"} {
		content, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "hack", "controlplane", name), string(content))
	}
	write(t, filepath.Join(root, "path", "go"), fakeGo)
	write(t, filepath.Join(root, "path", "curl"), "#!/bin/sh\necho curl >>\"$LOG\"\nexec ${CURL:-false}\n")
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		write(t, filepath.Join(tr.assets, name), "#!/bin/sh\n")
	}

	return tr
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// install runs install.sh, and returns what it printed and what it ran.
func (tr *tree) install(t *testing.T, env ...string) (printed, ran string, err error) {
	t.Helper()
	_ = os.Remove(tr.log)
	command := exec.CommandContext(t.Context(), "bash", filepath.Join(tr.root, "hack", "controlplane", "install.sh"))
	command.Env = append([]string{
		"LOG=" + tr.log, "HOME=" + tr.root,
		"PATH=" + filepath.Join(tr.root, "path") + ":" + os.Getenv("PATH"),
		"SETUP_ENVTEST=echo " + tr.assets,
	}, env...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	log, readErr := os.ReadFile(tr.log)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}

	return out.String(), strings.ReplaceAll(strings.TrimSpace(string(log)), "\n", ", "), err
}

// links says what each component in the destination is.
func (tr *tree) links(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl", "gc"} {
		path := filepath.Join(tr.dest, name)
		target, err := os.Readlink(path)
		if err != nil {
			target = "file"
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
			target = fmt.Sprintf("no executable (%v)", err)
		}
		all = append(all, strings.Replace(target, tr.assets, "assets", 1))
	}

	return strings.Join(all, " ")
}

func TestInstall(t *testing.T) {
	multicall := strings.TrimSpace(strings.Repeat("controlplane ", 4))
	const (
		linked = "assets/etcd assets/kube-apiserver assets/kubectl file"
		tool   = "go install sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1, setup-envtest 1.37.x"
	)
	for _, tt := range []struct {
		about string
		env   func(tr *tree) []string
		ran   string
		links string
	}{
		{
			"from the assets given",
			func(tr *tree) []string { return []string{"KUBEBUILDER_ASSETS=" + tr.assets} },
			"go build ./cmd/gc", linked,
		},
		{
			"from the download",
			func(*tree) []string { return []string{"CURL=true"} },
			"curl, " + tool + ", go build ./cmd/gc", linked,
		},
		{
			"from modules, where the download fails",
			func(*tree) []string { return []string{"CURL=true", "SETUP_ENVTEST=exit 2"} },
			"curl, " + tool + ", go build .", multicall,
		},
		{
			"from modules, where no index answers",
			func(*tree) []string { return nil },
			"curl, go build .", multicall,
		},
		{
			"from modules, where they are asked for",
			func(tr *tree) []string {
				return []string{"CONTROLPLANE_FROM=modules", "CURL=true", "KUBEBUILDER_ASSETS=" + tr.assets}
			},
			"go build .", multicall,
		},
		{
			"from modules, where the assets are its own",
			func(tr *tree) []string {
				write(t, filepath.Join(tr.dest, "etcd"), "#!/bin/sh\n")

				return []string{"KUBEBUILDER_ASSETS=" + tr.dest}
			},
			"curl, go build .", multicall,
		},
	} {
		t.Run(tt.about, func(t *testing.T) {
			tr := newTree(t)
			env := tt.env(tr)
			printed, ran, err := tr.install(t, env...)
			if err != nil || ran != tt.ran || !strings.Contains(printed, "ready in "+tr.dest+" after ") {
				t.Fatalf("ran %q, want %q; error %v; printed:\n%s", ran, tt.ran, err, printed)
			}
			if links := tr.links(t); links != tt.links {
				t.Errorf("the components are %q, want %q", links, tt.links)
			}
			if printed, ran, err := tr.install(t, env...); err != nil || printed != "" || ran != "" {
				t.Errorf("the second time: ran %q, error %v, printed:\n%s", ran, err, printed)
			}
		})
	}
}

func TestInstallAnew(t *testing.T) {
	tr := newTree(t)
	if printed, _, err := tr.install(t); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, tt := range []struct {
		about  string
		change func() error
		env    []string
		ran    string
	}{
		{"changed sources", func() error { return os.Truncate(filepath.Join(tr.root, "hack/controlplane/go.sum"), 0) }, nil, "curl, go build ."},
		{"a component is gone", func() error { return os.Remove(filepath.Join(tr.dest, "kubectl")) }, nil, "curl, go build ."},
		{"assets given since", func() error { return nil }, []string{"KUBEBUILDER_ASSETS=" + tr.assets}, "go build ./cmd/gc"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			if err := tt.change(); err != nil {
				t.Fatal(err)
			}
			if printed, ran, err := tr.install(t, tt.env...); err != nil || ran != tt.ran {
				t.Errorf("ran %q, want %q; error %v; printed:\n%s", ran, tt.ran, err, printed)
			}
		})
	}
}

func TestInstallRefuses(t *testing.T) {
	for _, tt := range []struct {
		about  string
		assets func(tr *tree) (dir string, err error)
		want   string
	}{
		{"assets that are no directory", func(tr *tree) (string, error) { return tr.root + "/nowhere", nil }, "which is no directory"},
		{"assets without kubectl", func(tr *tree) (string, error) { return tr.assets, os.Remove(filepath.Join(tr.assets, "kubectl")) }, "holds no executable kubectl"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			tr := newTree(t)
			dir, err := tt.assets(tr)
			if err != nil {
				t.Fatal(err)
			}
			printed, ran, err := tr.install(t, "KUBEBUILDER_ASSETS="+dir)
			if err == nil || ran != "" || !strings.Contains(printed, tt.want) || !strings.Contains(printed, "unset it to build from Go modules") {
				t.Errorf("ran %q, error %v, printed:\n%s", ran, err, printed)
			}
		})
	}
}
