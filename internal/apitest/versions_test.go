// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// TestVersions holds that every kind is served and stored as v1alpha1 alone, and
// that no field is kept which the schema does not know. Whoever adds a version
// finds what else it takes in docs/decisions/0009.
func TestVersions(t *testing.T) {
	c := newClient(t)
	for _, plural := range []string{"harborinventories", "artifactlists", "vulnerabilityreports"} {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
		if err := c.Get(t.Context(), client.ObjectKey{Name: plural + "." + v1alpha1.GroupVersion.Group}, u); err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Spec struct {
				PreserveUnknownFields bool
				Conversion            struct{ Strategy string }
				Versions              []struct {
					Name            string
					Served, Storage bool
				}
			}
			Status struct{ StoredVersions []string }
		}
		text, err := u.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &crd); err != nil {
			t.Fatal(err)
		}
		var served, stored []string
		for _, v := range crd.Spec.Versions {
			if v.Served {
				served = append(served, v.Name)
			}
			if v.Storage {
				stored = append(stored, v.Name)
			}
		}
		want := []string{v1alpha1.GroupVersion.Version}
		if diff := cmp.Diff(want, served); diff != "" {
			t.Errorf("%s: served versions (-want +got):\n%s", plural, diff)
		}
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("%s: storage version (-want +got):\n%s", plural, diff)
		}
		if diff := cmp.Diff(want, crd.Status.StoredVersions); diff != "" {
			t.Errorf("%s: stored versions (-want +got):\n%s", plural, diff)
		}
		if crd.Spec.PreserveUnknownFields || crd.Spec.Conversion.Strategy != "None" {
			t.Errorf("%s keeps unknown fields: %t; is converted by %s", plural, crd.Spec.PreserveUnknownFields, crd.Spec.Conversion.Strategy)
		}
	}
}
