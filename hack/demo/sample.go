// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// samplePath is the sample that the demo applies, below the root of the repository.
const samplePath = "config/samples/v1alpha1_harborinventory.yaml"

// interval of the demo's inventory: the shortest that the API allows.
const interval = "10s"

// adapt returns a sample with the address and the credentials of a Harbor in
// place of the example's, and the name of its HarborInventory.
func adapt(sample []byte, e *endpoint) (manifest []byte, inventory string, err error) {
	var documents [][]byte
	kinds := map[string]int{}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(sample)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, "", err
		}
		var object unstructured.Unstructured
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return nil, "", err
		}
		if object.Object == nil {
			continue // nothing but comments
		}
		kinds[object.GetKind()]++
		switch object.GetKind() {
		case "Secret":
			err = set(object, map[string]any{"username": e.username, "password": e.password}, "stringData")
		case "HarborInventory":
			inventory = object.GetName()
			err = adaptInventory(object, e)
		}
		if err != nil {
			return nil, "", err
		}
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, "", err
		}
		documents = append(documents, document)
	}
	if kinds["Secret"] != 1 || kinds["HarborInventory"] != 1 {
		return nil, "", fmt.Errorf("the sample must hold one Secret and one HarborInventory, and has %d and %d", kinds["Secret"], kinds["HarborInventory"])
	}
	return bytes.Join(documents, []byte("---\n")), inventory, nil
}

func adaptInventory(object unstructured.Unstructured, e *endpoint) error {
	errs := []error{
		set(object, e.url, "spec", "harbor", "url"),
		set(object, interval, "spec", "interval"),
	}
	if e.plain() {
		errs = append(errs, set(object, true, "spec", "harbor", "plainHTTP"))
	}
	if e.insecure {
		errs = append(errs, set(object, true, "spec", "harbor", "insecureSkipTLSVerify"))
	}
	if len(e.projects) > 0 {
		errs = append(errs, unstructured.SetNestedStringSlice(object.Object, e.projects, "spec", "projects"))
	}
	return errors.Join(errs...)
}

func set(object unstructured.Unstructured, value any, path ...string) error {
	return unstructured.SetNestedField(object.Object, value, path...)
}

// shown is the manifest as it may be seen: without the password.
func shown(sample []byte, e *endpoint) (string, error) {
	masked := *e
	masked.password = "********"
	manifest, _, err := adapt(sample, &masked)
	return string(manifest), err
}
