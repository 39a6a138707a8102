// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// A block of commands in the documentation has a comment above its fence, which a
// reader does not see: "run", and TestCommands runs it; or "not run" with one of
// these reasons, which is accepted only where the block has what the reason says.
var notRun = map[string]*regexp.Regexp{
	"needs a cluster":     regexp.MustCompile(`IMG=|kubectl apply|kubectl delete|helm |--namespace (harbor-inventory-system|argocd|monitoring)`),
	"needs a real Harbor": regexp.MustCompile(`https://harbor\.example\.com`),
	"needs the network":   regexp.MustCompile(`git clone|kubectl krew install`),
	"needs the plugin":    regexp.MustCompile(`kubectl harbor-inventory`), // TestTranscripts runs it
	"needs the demo":      regexp.MustCompile(`\.demo/`),
	"needs jq":            regexp.MustCompile(`\bjq\b`),
	"needs openssl":       regexp.MustCompile(`\bopenssl\b`),
	"takes minutes":       regexp.MustCompile(`(?m)^(make|bin/scale|KUBEBUILDER_ASSETS=\S+ go) `),
}

// block is a fenced block of a page.
type block struct {
	page, language, marker, text string
	line                         int
}

var fence = regexp.MustCompile("^( *)```(\\w*)$")

// blocks reads the fenced blocks of a page, without their indentation.
func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	for i := 0; i < len(lines); i++ {
		m := fence.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		b := block{page: page, language: m[2], line: i + 1}
		if i > 0 {
			b.marker = strings.TrimSpace(lines[i-1])
		}
		for i++; i < len(lines) && lines[i] != m[1]+"```"; i++ {
			b.text += strings.TrimPrefix(lines[i], m[1]) + "\n"
		}
		if i == len(lines) {
			t.Errorf("%s:%d: the block does not end", page, b.line)
		}
		all = append(all, b)
	}
	return all
}

// pages are all that users and contributors read.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"../README.md", "../CONTRIBUTING.md", "../SECURITY.md"}
	for _, pattern := range []string{"*.md", "*/*.md", "../charts/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// TestCommandsAreMarked: each block of commands says whether it is run, and if
// not, why; it is right in its syntax, and the make targets in it are there.
func TestCommandsAreMarked(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`(?m)^make ((?:[a-z-]+ ?)+)`)
	found := map[string]int{}
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.language != "sh" {
				continue
			}
			at := fmt.Sprintf("%s:%d", b.page, b.line)
			reason, no := strings.CutPrefix(strings.TrimSuffix(b.marker, " -->"), "<!-- not run: ")
			needs := notRun[reason]
			switch {
			case b.marker == "<!-- run -->":
				reason = "run"
			case !no || needs == nil:
				t.Errorf("%s: say above the block <!-- run -->, or <!-- not run: REASON --> with one of %q", at, slices.Sorted(maps.Keys(notRun)))
			case !needs.MatchString(b.text):
				t.Errorf("%s: nothing in the block %s", at, reason)
			}
			found[reason]++
			check := exec.CommandContext(t.Context(), "bash", "-n")
			check.Stdin = strings.NewReader(b.text)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", at, err, out)
			}
			for _, m := range target.FindAllStringSubmatch(b.text, -1) {
				for name := range strings.FieldsSeq(m[1]) {
					if !regexp.MustCompile(`(?m)^` + name + `:`).Match(makefile) {
						t.Errorf("%s: the Makefile has no target %s", at, name)
					}
				}
			}
		}
	}
	t.Log(found)
	if found["run"] == 0 {
		t.Error("nothing is run")
	}
}

// TestCommands runs every block that is to be run, page by page and in order: as
// a user of a cluster whose operator keeps an inventory named production of a
// simulated Harbor with the demo's content. Each page has a namespace of its own.
func TestCommands(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel) // the pages are run in parallel, after this function has returned
	running, err := cluster.Start(ctx, "..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	operator, err := running.Kubeconfig("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running.StartManager(ctx, operator, nil); err != nil {
		t.Fatal(err)
	}
	harbor := harbortest.NewServer(t, harbortest.Believable(), harbortest.Options{})
	for _, page := range pages(t) {
		var run []block
		for _, b := range blocks(t, page) {
			if b.language == "sh" && b.marker == "<!-- run -->" {
				run = append(run, b)
			}
		}
		if len(run) > 0 {
			t.Run(filepath.Base(page), func(t *testing.T) {
				t.Parallel()
				runPage(ctx, t, running, harbor.URL, run)
			})
		}
	}
}

func runPage(ctx context.Context, t *testing.T, running *cluster.Cluster, url string, run []block) {
	t.Helper()
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(run[0].page)), ".md")
	kubeconfig, err := running.Kubeconfig("")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // where blocks may write
	for _, name := range []string{"config", "charts"} {
		target, err := filepath.Abs(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// What a runbook leaves to its reader.
	fill := strings.NewReplacer("NAMESPACE", name, "NAME", "production", "SECRET", "harbor-robot")
	shell := func(commands string) (string, error) {
		command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", commands)
		command.Dir = dir
		command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+os.Getenv("PATH"))
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		err := command.Run()
		return out.String(), err
	}
	prepare := fmt.Sprintf(`kubectl create namespace %[1]s
kubectl config set-context --current --namespace=%[1]s
kubectl create secret generic harbor-robot --type=kubernetes.io/basic-auth --from-literal=username='robot$inventory' --from-literal=password=%[2]s
kubectl apply -f - <<EOF
apiVersion: harborinventory.io/v1alpha1
kind: HarborInventory
metadata: {name: production}
spec:
  harbor: {url: "%[3]s", plainHTTP: true, credentialsSecretRef: {name: harbor-robot}}
  include: [Vulnerabilities]
  detailRequestsPerMinute: 6000
EOF
kubectl wait --for=condition=Ready --timeout=2m harborinventory/production`, name, harbortest.GeneratedRobotSecret, url)
	if out, err := shell(prepare); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, b := range run {
		out, err := shell(fill.Replace(b.text))
		if err != nil {
			t.Errorf("%s:%d: %v\n%s", b.page, b.line, err, out)
		}
		t.Logf("%s:%d\n%s", b.page, b.line, out)
	}
}
