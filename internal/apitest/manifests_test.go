// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

const samples = "../../config/samples"

// TestSamples applies every sample, as kubectl apply --server-side
// --dry-run=server does, and holds that the kustomization lists them all.
func TestSamples(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(samples, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var kustomization struct{ Resources []string }
	if err := yaml.Unmarshal(b, &kustomization); err != nil {
		t.Fatal(err)
	}
	var files []string
	paths, err := filepath.Glob(filepath.Join(samples, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t)
	for _, path := range paths {
		if filepath.Base(path) == "kustomization.yaml" {
			continue
		}
		files = append(files, filepath.Base(path))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := dryRun(t, namespace, path, b); n == 0 {
			t.Errorf("%s holds no HarborInventory", path)
		}
	}
	slices.Sort(kustomization.Resources)
	if diff := cmp.Diff(files, kustomization.Resources); diff != "" {
		t.Errorf("kustomization.yaml does not list the samples (-files +listed):\n%s", diff)
	}
}

// TestDocumentedManifests applies every block of YAML in the documentation.
func TestDocumentedManifests(t *testing.T) {
	paths := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md", "../../charts/*/README.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, more...)
	}
	namespace := newNamespace(t)
	found := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlocks.FindAllSubmatch(b, -1) {
			found += dryRun(t, namespace, path, bytes.ReplaceAll(block[2], append([]byte("\n"), block[1]...), []byte("\n")))
		}
	}
	if found == 0 {
		t.Error("the documentation shows no HarborInventory")
	}
}

var yamlBlocks = regexp.MustCompile("(?ms)^( *)```yaml(\n.*?)^ *```$")

// dryRun applies the manifests of a file without storing them, and returns how
// many of them are HarborInventories.
func dryRun(t *testing.T, namespace, path string, manifests []byte) (inventories int) {
	t.Helper()
	c := client.WithFieldOwner(client.WithFieldValidation(newClient(t), "Strict"), "apitest")
	documents := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return inventories
		}
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		u.SetNamespace(namespace)
		if err := c.Apply(context.Background(), client.ApplyConfigurationFromUnstructured(u), client.DryRunAll); err != nil {
			t.Errorf("%s: %s %s: %v", path, u.GetKind(), u.GetName(), err)
		}
		if u.GetKind() == "HarborInventory" {
			inventories++
		}
	}
}
