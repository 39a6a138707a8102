// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package importlaw

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/harbor-inventory/harbor-inventory"

// law binds what is built, not tests: a test may import what it likes.
var law = []rule{{
	why:       "the API types are for everyone to import, so they bring apimachinery alone",
	binds:     []string{module + "/api/..."},
	mayImport: []string{module + "/api/...", "k8s.io/apimachinery/..."},
}, {
	why:          "the Harbor client knows no Kubernetes and no metrics library",
	binds:        []string{module + "/internal/harbor/..."},
	mayImport:    []string{module + "/internal/harbor/...", "github.com/go-json-experiment/json/...", "golang.org/x/..."},
	mustNotReach: []string{"k8s.io/...", "sigs.k8s.io/...", "github.com/prometheus/..."},
}, {
	why:   "the fetch engine knows Harbor and no Kubernetes",
	binds: []string{module + "/internal/fetch/..."},
	mayImport: []string{
		module + "/internal/fetch/...", module + "/internal/harbor/...",
		"github.com/bmatcuk/doublestar/v4", "golang.org/x/...",
	},
	mustNotReach: []string{"k8s.io/...", "sigs.k8s.io/...", "github.com/prometheus/..."},
}, {
	why:   "the receiver of webhooks makes hints of them, and knows no Kubernetes",
	binds: []string{module + "/internal/receiver/..."},
	mayImport: []string{
		module + "/internal/receiver/...", module + "/internal/harbor",
		"github.com/prometheus/client_golang/prometheus", "golang.org/x/...",
	},
	mustNotReach: []string{"k8s.io/...", "sigs.k8s.io/..."},
}, {
	why:          "what keeps an inventory current is decided purely: no client, no metric",
	binds:        []string{module + "/internal/current/..."},
	mayImport:    []string{module + "/internal/current/...", module + "/internal/harbor"},
	mustNotReach: []string{"k8s.io/...", "sigs.k8s.io/...", "github.com/prometheus/..."},
}, {
	why:   "the conversion of Harbor's records is pure: no client, no metric",
	binds: []string{module + "/internal/inventory/..."},
	mayImport: []string{
		module + "/internal/inventory/...", module + "/api/...", module + "/internal/harbor/...",
		"github.com/Masterminds/semver/v3", "github.com/bmatcuk/doublestar/v4", "k8s.io/apimachinery/...",
	},
	mustNotReach: []string{"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/...", "github.com/prometheus/..."},
}, {
	why:          "planning is pure: no Harbor, no client, no metric",
	binds:        []string{module + "/internal/shard/..."},
	mayImport:    []string{module + "/internal/shard/...", module + "/api/...", "k8s.io/apimachinery/..."},
	mustNotReach: []string{"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/...", "github.com/prometheus/..."},
}, {
	why:   "what vulnerability reports hold and answer is pure: no client, no metric",
	binds: []string{module + "/internal/vulnerability/..."},
	mayImport: []string{
		module + "/internal/vulnerability/...", module + "/api/...", module + "/internal/harbor", module + "/internal/shard",
		"k8s.io/apimachinery/...",
	},
	mustNotReach: []string{"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/...", "github.com/prometheus/..."},
}, {
	why:   "only the controller reads and writes Kubernetes objects, and cmd wires it",
	binds: []string{module + "/..."},
	except: []string{
		module + "/cmd", module + "/internal/controller/...",
		module + "/hack/...", // they play the user of a cluster
	},
	mustNotImport: []string{"sigs.k8s.io/controller-runtime", "sigs.k8s.io/controller-runtime/pkg/client/..."},
}, {
	why:          "nobody but cmd imports the controller",
	binds:        []string{module + "/..."},
	except:       []string{module + "/cmd", module + "/internal/controller/..."},
	mustNotReach: []string{module + "/internal/controller/..."},
}, {
	why:   "the simulator is for tests, harborsim, the demo and what measures",
	binds: []string{module + "/..."},
	except: []string{
		module + "/internal/harbor/harbortest/...", module + "/cmd/harborsim",
		module + "/hack/...",
	},
	mustNotReach: []string{module + "/internal/harbor/harbortest/..."},
}}

func TestLaw(t *testing.T) {
	imports := load(t)
	for _, r := range law {
		for _, pattern := range r.binds {
			if !imports.has(pattern) {
				t.Errorf("the law %q binds %s, where there is no package: correct the table", r.why, pattern)
			}
		}
	}
	for _, breach := range imports.breaches(law) {
		t.Error(breach)
	}
}

// load asks the go command for what every package of the module reaches. A
// package that does not compile (-e) is for the compiler to report.
func load(t *testing.T) graph {
	t.Helper()
	look(t, "../..")
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Imports", "./...")
	command.Dir = "../.."
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, problems.String())
	}
	imports := graph{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		imports[p.ImportPath] = p.Imports
	}
}

// look looks at every Go file below root, for one reason: the go command is a
// process of its own, and go test repeats a cached result unless a file changed
// that the test itself has looked at.
func look(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "bin" || entry.Name() == ".git"):
			return fs.SkipDir
		case filepath.Ext(path) == ".go" || entry.Name() == "go.mod":
			_, err = os.Stat(path)
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
