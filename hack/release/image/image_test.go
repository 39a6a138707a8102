// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"crypto/x509"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var told = labels{version: "v1.2.3", commit: "0123abc", created: time.Unix(1_800_000_000, 0).UTC()}

// programs stand in for the manager, for each architecture.
func programs(t *testing.T) map[string]string {
	t.Helper()
	dir, all := t.TempDir(), map[string]string{}
	for _, arch := range architectures {
		all[arch] = filepath.Join(dir, arch)
		if err := os.WriteFile(all[arch], []byte("the manager for "+arch), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func written(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	index, err := write(dir, scratch, programs(t), told)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestTwice holds that the same programs give the same image, wherever and
// whenever it is made, and that another version gives another.
func TestTwice(t *testing.T) {
	var digests []string
	for range 2 {
		digest, err := written(t, filepath.Join(t.TempDir(), "image")).Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("two builds have two digests: %v", digests)
	}
	other := told
	other.version = "v1.2.4"
	index, err := write(t.TempDir(), scratch, programs(t), other)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := index.Digest(); err != nil || digest.String() == digests[0] {
		t.Errorf("another version has the digest %s, %v", digest, err)
	}
}

// TestLayout holds that what is on the disk is sound, and what a registry takes
// and gives back is the same.
func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "image")
	want, err := written(t, dir).Digest()
	if err != nil {
		t.Fatal(err)
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != want {
		t.Fatalf("the layout has %v, want %s alone; %v", manifest, want, err)
	}
	index, err := outer.ImageIndex(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	server := httptest.NewServer(registry.New())
	defer server.Close()
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/harbor-inventory:test")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(reference, index); err != nil {
		t.Fatal(err)
	}
	for _, arch := range architectures {
		image, err := remote.Image(reference, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, arch)
	}
}

// checkImage looks at one image as a container runtime does.
func checkImage(t *testing.T, image v1.Image, arch string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Architecture != arch || config.OS != "linux" || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/manager"}) {
		t.Errorf("%s: the configuration is %+v", arch, config)
	}
	if config.Config.Labels["org.opencontainers.image.version"] != told.version || !config.Created.Equal(told.created) {
		t.Errorf("%s: labels %v, created %s", arch, config.Config.Labels, config.Created)
	}
	got := map[string]string{}
	root := mutate.Extract(image)
	defer root.Close()
	for files := tar.NewReader(root); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = fmt.Sprintf("%o %d:%d %d", header.Mode, header.Uid, header.Gid, header.ModTime.Unix())
		if header.Name == "manager" && string(content) != "the manager for "+arch {
			t.Errorf("%s: another program: %q", arch, content)
		}
		if header.Name == certificates[1:] && !x509.NewCertPool().AppendCertsFromPEM(content) {
			t.Errorf("%s: there are no certificates in %s", arch, header.Name)
		}
	}
	if diff := cmp.Diff(map[string]string{
		"etc/passwd": "644 0:0 0", "etc/group": "644 0:0 0", certificates[1:]: "644 0:0 0", "manager": "755 0:0 0",
	}, got); diff != "" {
		t.Errorf("%s: files (-want +got):\n%s", arch, diff)
	}
}

// TestSBOM holds that the bill of materials of a program, here this test, has
// every module that Go noted in it, and is always the same.
func TestSBOM(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sbom(self, "v1.2.3", true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sbom(self, "v1.2.3", true)
	if err != nil || string(again) != string(text) {
		t.Errorf("the second one is another: %v", err)
	}
	var bom cdx.BOM
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, c := range *bom.Components {
		found[c.PackageURL] = true
	}
	for _, m := range info.Deps {
		if m.Replace == nil && !found["pkg:golang/"+m.Path+"@"+m.Version] {
			t.Errorf("%s %s is missing", m.Path, m.Version)
		}
	}
	if own := slices.ContainsFunc(*bom.Components, func(c cdx.Component) bool { return c.Name == rootsModule }); !own {
		t.Errorf("the module of the certificates is missing")
	}
	if len(info.Deps) == 0 || !found["pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go")] {
		t.Errorf("there is no standard library, or no modules at all: %v", found)
	}
}

// TestBaseNeedsDigest holds that an image which may be another tomorrow is no base.
func TestBaseNeedsDigest(t *testing.T) {
	if _, err := (options{base: "gcr.io/distroless/static:nonroot"}).bases(t.Context()); err == nil || !strings.Contains(err.Error(), "has no digest") {
		t.Errorf("a tag is taken: %v", err)
	}
}
