// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command olm makes the bundle for the Operator Lifecycle Manager of config/:
// bundle/manifests and bundle/metadata.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "../..", "Root of the repository.")
	out := flag.String("out", "../../bundle", "Directory of the bundle.")
	version := flag.String("version", "0.0.1", "Version of the operator, without a v; 0.0.0 counts as none.")
	image := flag.String("image", "ghcr.io/harbor-inventory/harbor-inventory:latest", "Image of the manager.")
	flag.Parse()
	if err := run(*root, *out, *version, *image); err != nil {
		fmt.Fprintln(os.Stderr, "olm:", err)
		os.Exit(1)
	}
}

func run(root, out, version, image string) error {
	files, err := bundle(root, version, image)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
