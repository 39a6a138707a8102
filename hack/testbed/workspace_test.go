// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWorkspaceIsForOne(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, ""); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second one: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWorkspaceStartsEmptyAndKeepsLogs(t *testing.T) {
	dir := t.TempDir()
	for _, old := range []string{"etcd/member", "certs/ca", "kubeconfig", "logs/manager.log"} {
		path := filepath.Join(dir, old)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"etcd/member", "certs/ca", "kubeconfig", "logs/manager.log"} {
		if _, err := os.Stat(w.Path(old)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of an earlier one: %v", old, err)
		}
	}
	log, err := w.OpenLog("manager")
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"etcd": false, "run": false, "logs/manager.log": true} {
		if _, err := os.Stat(w.Path(name)); (err == nil) != want {
			t.Errorf("%s afterwards: %v", name, err)
		}
	}
}
