// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command image builds the operator's container image without a container
// engine: an OCI image layout for linux/amd64 and linux/arm64, and a software bill
// of materials for each. The same sources with the same Go give the same digest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// options are the flags.
type options struct {
	root    string // of the repository
	out     string
	base    string
	push    string
	check   bool
	version string
	commit  string
	created int64
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "../..", "Root of the repository.")
	flag.StringVar(&o.out, "out", "../../dist", "Directory for image/, an OCI layout, and the SBOMs.")
	flag.StringVar(&o.base, "base", "", "An image to build on, like gcr.io/distroless/static@sha256:...; empty: certificates and /etc/passwd of our own.")
	flag.StringVar(&o.push, "push", "", "Where to push the image, like registry.example.com/harbor-inventory:v1.0.0.")
	flag.BoolVar(&o.check, "check", false, "Build it once more from a copy of the sources in another place, and compare.")
	flag.StringVar(&o.version, "version", "", "Version of the manager.")
	flag.StringVar(&o.commit, "commit", "", "The commit that it is built from.")
	flag.Int64Var(&o.created, "created", 0, "Time of the image, in seconds of Unix time; that of the commit is a good one.")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	index, err := build(ctx, o)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s %s\n", filepath.Join(o.out, "image"), digest)
	if o.check {
		if err := again(ctx, o, digest); err != nil {
			return err
		}
	}
	if o.push == "" {
		return nil
	}
	reference, err := name.ParseReference(o.push)
	if err != nil {
		return fmt.Errorf("-push: %w", err)
	}
	if err := remote.WriteIndex(reference, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	fmt.Printf("pushed %s@%s\n", reference.Context(), digest)
	return nil
}

// build compiles the manager for each architecture, and writes the layout and
// the SBOMs.
func build(ctx context.Context, o options) (v1.ImageIndex, error) {
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return nil, err
	}
	managers := map[string]string{}
	for _, arch := range architectures {
		managers[arch] = filepath.Join(dir, arch)
		if err := compile(ctx, o.root, arch, o.version, managers[arch]); err != nil {
			return nil, err
		}
		text, err := sbom(managers[arch], o.version, o.base == "")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(o.out, "sbom-linux-"+arch+".cdx.json"), text, 0o600); err != nil {
			return nil, err
		}
	}
	base, err := o.bases(ctx)
	if err != nil {
		return nil, err
	}
	return write(filepath.Join(o.out, "image"), base, managers, labels{
		version: o.version, commit: o.commit, created: time.Unix(o.created, 0).UTC(),
	})
}

// again builds from a copy, and fails when its digest is another.
func again(ctx context.Context, o options, want v1.Hash) (err error) {
	dir, err := os.MkdirTemp("", "again")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := copySources(o.root, filepath.Join(dir, "sources")); err != nil {
		return err
	}
	o.root, o.out = filepath.Join(dir, "sources"), filepath.Join(dir, "dist")
	index, err := build(ctx, o)
	if err != nil {
		return err
	}
	got, err := index.Digest()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("built from another directory, the digest is %s, not %s", got, want)
	}
	fmt.Println("built twice, in two directories: the same digest")
	return nil
}

// copySources copies what the manager is built from; see .dockerignore.
func copySources(from, to string) error {
	for _, part := range []string{"api", "cmd", "internal"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(from, part))); err != nil {
			return err
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(from, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, file), text, 0o600); err != nil { //nolint:gosec // a directory of our own
			return err
		}
	}
	return nil
}

// bases returns the image to build on for each architecture.
func (o options) bases(ctx context.Context) (func(arch string) (v1.Image, error), error) {
	if o.base == "" {
		return scratch, nil
	}
	reference, err := name.ParseReference(o.base)
	if err != nil {
		return nil, fmt.Errorf("-base: %w", err)
	}
	if _, ok := reference.(name.Digest); !ok {
		return nil, fmt.Errorf("-base %s has no digest: give it as %s@sha256:..., else two builds are two images", o.base, strings.TrimSuffix(reference.Context().Name(), "/"))
	}
	return func(arch string) (v1.Image, error) {
		return remote.Image(reference, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
			remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
	}, nil
}
