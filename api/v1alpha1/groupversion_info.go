// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the types of the API group harborinventory.io.
//
// A [HarborInventory] asks for an inventory of a Harbor registry; an
// [ArtifactList] holds the artifacts of one of its repositories.
//
// +kubebuilder:object:generate=true
// +groupName=harborinventory.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of the types in this package.
	GroupVersion = schema.GroupVersion{Group: "harborinventory.io", Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package's types to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds this package's types to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&HarborInventory{}, &HarborInventoryList{},
		&ArtifactList{}, &ArtifactListList{},
		&VulnerabilityReport{}, &VulnerabilityReportList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
