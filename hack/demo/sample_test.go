// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdaptTheSample(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", samplePath))
	if err != nil {
		t.Fatal(err)
	}
	got, name, err := adapt(sample, &endpoint{url: "http://127.0.0.1:8080", username: "robot$inventory", password: "it's: secret"})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
kind: Secret
metadata:
  name: harbor-robot
stringData:
  password: 'it''s: secret'
  username: robot$inventory
type: kubernetes.io/basic-auth
---
apiVersion: harborinventory.io/v1alpha1
kind: HarborInventory
metadata:
  name: production
spec:
  harbor:
    credentialsSecretRef:
      name: harbor-robot
    plainHTTP: true
    url: http://127.0.0.1:8080
  interval: 10s
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
	if name != "production" {
		t.Errorf("the inventory is named %q", name)
	}
}

func TestAdaptToARealHarbor(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", samplePath))
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{url: "https://harbor.test", username: "u", password: "hidden", projects: []string{"a", "b"}, insecure: true}
	got, err := shown(sample, e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "hidden") || strings.Contains(got, "plainHTTP") {
		t.Errorf("shown:\n%s", got)
	}
	for _, part := range []string{"insecureSkipTLSVerify: true", "  projects:\n  - a\n  - b\n", "url: https://harbor.test"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
}

func TestAdaptRefusesOtherSamples(t *testing.T) {
	for _, sample := range []string{"", "kind: Secret", "kind: Secret\n---\nkind: Secret\n---\nkind: HarborInventory", "kind: ["} {
		if _, _, err := adapt([]byte(sample), &endpoint{}); err == nil {
			t.Errorf("%q was taken", sample)
		}
	}
}
