// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// Artifact is one artifact with where it is, as all commands print it. Fields of
// the cluster are empty for what fetch reads.
type Artifact struct {
	// Namespace and Inventory name the HarborInventory.
	Namespace string `json:"namespace,omitempty"`
	Inventory string `json:"inventory,omitempty"`
	// Harbor is the URL of the registry.
	Harbor  string `json:"harbor"`
	Project string `json:"project"`
	// Repository is the full name, with the project.
	Repository string `json:"repository"`

	v1alpha1.ArtifactEntry `json:",inline"`
}

// registry is the host and port of the Harbor, as image references begin.
func (a *Artifact) registry() string {
	if u, err := url.Parse(a.Harbor); err == nil && u.Host != "" {
		return u.Host
	}
	return a.Harbor
}

// reference is what a container runtime pulls the artifact by.
func (a *Artifact) reference() string {
	return fmt.Sprintf("%s/%s@%s", a.registry(), a.Repository, a.Digest)
}

// shortDigest is the beginning of a digest, long enough to be the only one.
func shortDigest(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}
