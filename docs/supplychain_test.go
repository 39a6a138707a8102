// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// permissive licenses ask for no more than that their text goes along.
var permissive = []string{"Apache-2.0", "MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause"}

// TestLicenses: licenses.md lists the modules that are linked, each with a
// license that lets it be.
func TestLicenses(t *testing.T) {
	for _, file := range []string{"../go.mod", "../go.sum"} { // go list is a process of its own: see hack/cluster
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "run", "../hack/licenses", "-root", "..")
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	for line := range strings.Lines(string(out)) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		for name := range strings.SplitSeq(cells[2], " and ") {
			if !slices.Contains(permissive, name) {
				t.Errorf("%s is licensed under %s", cells[0], name)
			}
		}
	}
	table := "| Module | Version | License |\n|---|---|---|\n" + string(out)
	generated(t, "licenses.md", "modules", table)
}

// TestWorkflows: every action is pinned by the hash of a commit, nothing may write
// unless a job says so, and the make targets are there.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`^\s*(?:- )?uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var workflow struct{ Permissions map[string]string }
		if err := yaml.Unmarshal(content, &workflow); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(map[string]string{"contents": "read"}, workflow.Permissions); diff != "" {
			t.Errorf("%s: permissions of the workflow (-want +have):\n%s", file, diff)
		}
		for line := range strings.Lines(string(content)) {
			line = strings.TrimRight(line, "\n")
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned by a commit, with its version behind: %s", file, line)
			}
		}
		for _, m := range regexp.MustCompile(`\bmake ([a-z-]+(?: [a-z-]+)*)`).FindAllStringSubmatch(string(content), -1) {
			for target := range strings.FieldsSeq(m[1]) {
				if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
					t.Errorf("%s: the Makefile has no target %s", file, target)
				}
			}
		}
	}
}

// TestToolchain: every module names the Go that releases are built with, the one
// that make vulncheck looks at, so that nothing is built with another.
func TestToolchain(t *testing.T) {
	nested, err := filepath.Glob("../hack/*/go.mod")
	if err != nil || len(nested) == 0 {
		t.Fatal(err, nested)
	}
	named := map[string][]string{}
	for _, file := range append(nested, "../go.mod") {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		toolchain := regexp.MustCompile(`(?m)^toolchain go[\d.]+$`).FindString(string(content))
		named[toolchain] = append(named[toolchain], file)
	}
	if len(named) > 1 || named[""] != nil {
		t.Errorf("toolchains and who names them: %v; make tidy copies that of go.mod, but for hack/prometheus", named)
	}
}

// TestUpdates: every module, and the actions and the image's base, are looked at
// for updates.
func TestUpdates(t *testing.T) {
	content, err := os.ReadFile("../.github/dependabot.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Updates []struct {
			Ecosystem   string `json:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, u := range config.Updates {
		listed[u.Ecosystem] = append(listed[u.Ecosystem], u.Directories...)
	}
	nested, err := filepath.Glob("../hack/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/"}
	for _, file := range nested {
		want = append(want, strings.TrimPrefix(filepath.Dir(file), ".."))
	}
	slices.Sort(listed["gomod"])
	if diff := cmp.Diff(want, listed["gomod"]); diff != "" {
		t.Errorf("modules (-there +listed):\n%s", diff)
	}
	for _, ecosystem := range []string{"github-actions", "docker"} {
		if !slices.Contains(listed[ecosystem], "/") {
			t.Errorf("nobody looks for updates of %s", ecosystem)
		}
	}
}
