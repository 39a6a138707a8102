// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cloneOf makes a directory that looks like the root of the repository.
func cloneOf(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	sample := filepath.Join(root, samplePath)
	if err := os.MkdirAll(filepath.Dir(sample), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sample, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestWorkspaceIsForOneDemo(t *testing.T) {
	root := cloneOf(t)
	first, err := openWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openWorkspace(root); err == nil || !strings.Contains(err.Error(), "another demo") {
		t.Errorf("a second demo: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second, err := openWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.close(); err != nil {
		t.Fatal(err)
	}
}

func TestWorkspaceStartsEmptyAndKeepsLogs(t *testing.T) {
	root := cloneOf(t)
	for _, old := range []string{"etcd/member", "certs/ca", "kubeconfig", "logs/manager.log"} {
		path := filepath.Join(root, ".demo", old)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := openWorkspace(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"etcd/member", "certs/ca", "kubeconfig", "logs/manager.log"} {
		if _, err := os.Stat(w.path(old)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of an earlier demo: %v", old, err)
		}
	}
	log, err := w.openLog("manager")
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"etcd": false, "run": false, "logs/manager.log": true} {
		if _, err := os.Stat(w.path(name)); (err == nil) != want {
			t.Errorf("%s afterwards: %v", name, err)
		}
	}
}

func TestWorkspaceIsInTheRepository(t *testing.T) {
	if _, err := openWorkspace(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("error %v", err)
	}
}

func TestTail(t *testing.T) {
	var log strings.Builder
	for i := range 100 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	got := strings.Split(tail(log.String()), "\n")
	if len(got) != tailLines || got[0] != "line 85" || got[tailLines-1] != "line 99" {
		t.Errorf("tail: %q", got)
	}
	if got := tail(strings.Repeat("x", 1000)); len([]rune(got)) != tailWidth {
		t.Errorf("a long line has %d characters", len(got))
	}
}
