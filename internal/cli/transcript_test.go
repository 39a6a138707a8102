// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

// page is the documentation whose transcripts are held to be true.
const page = "../../docs/kubectl-plugin.md"

// prompt begins a command line in a transcript.
const shellPrompt = "$ kubectl harbor-inventory "

// TestTranscripts runs each command line in a console block of the documentation
// and compares its answer with what stands there; -update writes it there. What
// is written to a file with > is there for those that follow. An exit code other
// than 0 is the last line of an answer: "(exit code 3)".
func TestTranscripts(t *testing.T) {
	fill(t)
	reported(t)
	operate(t, mainNamespace, "production", func(*v1alpha1.HarborInventory) {})
	registry := harbortest.Recorded()
	server := harbortest.NewServer(t, registry, harbortest.Options{})
	remove := server.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "scan-fail/artifacts", Fault: harbortest.InternalError()})
	defer remove()

	path, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var renewed strings.Builder
	commands := 0
	rest := string(text)
	for {
		before, block, found := strings.Cut(rest, "\n```console\n")
		renewed.WriteString(before)
		if !found {
			break
		}
		block, rest, _ = strings.Cut(block, "\n```\n")
		renewed.WriteString("\n```console\n")
		for line := range strings.SplitSeq(block, "\n") {
			if !strings.HasPrefix(line, shellPrompt) {
				continue
			}
			commands++
			fmt.Fprintf(&renewed, "%s\n%s", line, transcript(t, server.URL, strings.TrimPrefix(line, shellPrompt)))
		}
		renewed.WriteString("```\n")
	}
	if commands < 15 {
		t.Errorf("%d command lines in %s: too few, the parsing is wrong", commands, page)
	}
	if *update {
		if err := os.WriteFile(path, []byte(renewed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), renewed.String()); diff != "" {
		t.Errorf("%s differs from what the commands print; run with -update when that is meant (-page +commands):\n%s", page, diff)
	}
}

// pace is what differs from run to run in the last line of a fetch.
var pace = regexp.MustCompile(`\d+/s, in \d+(\.\d+)?m?s`)

// transcript runs a command line and returns its answer. harbor.example.com:8080
// is the simulated Harbor.
func transcript(t *testing.T, harborURL, line string) string {
	t.Helper()
	const shown = "http://harbor.example.com:8080"
	args, file := split(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], shown, harborURL)
	}
	got := invokeIn(t, func(e *environment) {
		e.retry = transport.RetryPolicy{Base: time.Millisecond}
		e.getenv = func(name string) string {
			return map[string]string{usernameVariable: harbortest.AdminName, passwordVariable: harbortest.AdminSecret}[name]
		}
	}, args...)
	text := got.all
	if file != "" {
		text = got.err
		if err := os.WriteFile(file, []byte(got.out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got.code != exitOK {
		text += fmt.Sprintf("(exit code %d)\n", got.code)
	}
	text = strings.ReplaceAll(text, harborURL, shown)
	text = strings.ReplaceAll(text, hostOf(t, harborURL), hostOf(t, shown))
	text = pace.ReplaceAllString(text, "3180/s, in 2s")
	text = strings.ReplaceAll(text, version.String(), "dev")
	var trimmed []string // of what aligns the last column
	for line := range strings.SplitSeq(text, "\n") {
		trimmed = append(trimmed, strings.TrimRight(line, " "))
	}
	return strings.Join(trimmed, "\n")
}

var (
	shellWord  = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)
	shellQuote = regexp.MustCompile(`'([^']*)'|"([^"]*)"`)
)

// split splits a command line as a shell does, as far as the documentation needs it.
func split(line string) (args []string, file string) {
	for _, word := range shellWord.FindAllString(line, -1) {
		if name, ok := strings.CutPrefix(word, ">"); ok {
			file = name
			continue
		}
		args = append(args, shellQuote.ReplaceAllString(word, "$1$2"))
	}
	return args, file
}
