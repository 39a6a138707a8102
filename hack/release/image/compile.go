// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// architectures of Linux that the image is for.
var architectures = []string{"amd64", "arm64"}

// versionVariable is what the manager tells as its version.
const versionVariable = "github.com/harbor-inventory/harbor-inventory/internal/version.version"

// compile builds the manager: static, as the image has no C library, and without
// a trace of the directory that it is built in.
func compile(ctx context.Context, root, arch, version, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", //nolint:gosec // no input of anybody
		"-ldflags", "-s -w -X "+versionVariable+"="+version, "-o", to, "./cmd")
	command.Dir = root
	// What the environment says about the target must not get into the image.
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building the manager for %s: %w\n%s", arch, err, out)
	}
	return nil
}
