// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

// Kind is a sort of artifact: its type, media types, icon and addition links
// as Harbor 2.16 gives them. Use the values below.
type Kind kind

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociEmpty    = "application/vnd.oci.empty.v1+json"

	iconImage   = "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06"
	iconChart   = "sha256:61cf3a178ff0f75bf08a25d96b75cf7355dc197749a9f128ed3ef34b0df05518"
	iconUnknown = "sha256:da834479c923584f4cbcdecc0dac61f32bef1d51e8aae598cf16bd154efab49f"
	iconCosign  = "sha256:20401d5b3a0f6dbc607c8d732eb08471af4ae6b19811a4efce8c6a724aed2882"
	iconNotary  = "sha256:3ac706e102bbe9362b400aa162df58135d35e66b9c3bee2165de92022d25fe34"
	iconSBOM    = "sha256:c19f80c357cd7e90d2a01b9ae3e2eb62ce447a2662bb590a19177d72d550bdae"

	sbomAccessory   = "sbom.harbor"
	vulnerabilities = "vulnerabilities"
)

// Sorts of artifacts.
var (
	OCIImage = Kind{
		typ: "IMAGE", mediaType: ociConfig, manifestMediaType: ociManifest, artifactType: ociConfig,
		icon: iconImage, additions: "build_history", scannable: true, derived: true,
	}
	DockerImage = Kind{
		typ: "IMAGE", mediaType: "application/vnd.docker.container.image.v1+json",
		manifestMediaType: "application/vnd.docker.distribution.manifest.v2+json",
		artifactType:      "application/vnd.docker.container.image.v1+json",
		icon:              iconImage, additions: "build_history", scannable: true, derived: true,
	}
	OCIIndex = Kind{typ: "IMAGE", mediaType: ociIndex, manifestMediaType: ociIndex, icon: iconImage, scannable: true}
	// Attestation is a child of an index that tells about another child.
	Attestation = Kind{
		typ: "IMAGE", mediaType: ociConfig, manifestMediaType: ociManifest, artifactType: ociConfig,
		icon: iconImage, additions: "build_history",
	}
	HelmChart = Kind{
		typ: "CHART", mediaType: "application/vnd.cncf.helm.config.v1+json", manifestMediaType: ociManifest,
		artifactType: "application/vnd.cncf.helm.config.v1+json", icon: iconChart,
		additions: "dependencies readme.md values.yaml", derived: true,
	}
	// Custom is an OCI artifact of a type that Harbor does not know.
	Custom = Kind{
		typ: "UNKNOWN", mediaType: ociEmpty, manifestMediaType: ociManifest,
		artifactType: "application/vnd.acme.rocket.config.v1", icon: iconUnknown,
	}

	cosignTagged = Kind{
		typ: "IMAGE", mediaType: ociConfig, manifestMediaType: ociManifest, artifactType: ociConfig,
		icon: iconImage, additions: "build_history",
	}
	notation = Kind{
		typ: "UNKNOWN", mediaType: ociEmpty, manifestMediaType: ociManifest,
		artifactType: "application/vnd.cncf.notary.signature", icon: iconUnknown,
	}
	referrer = Kind{
		typ: "UNKNOWN", mediaType: ociEmpty, manifestMediaType: ociManifest,
		artifactType: "application/spdx+json", icon: iconUnknown,
	}
	harborSBOM = Kind{
		typ: "SBOM", mediaType: "application/vnd.goharbor.harbor.sbom.v1", manifestMediaType: ociManifest,
		artifactType: "application/vnd.goharbor.harbor.sbom.v1", icon: iconSBOM,
	}
)

// accessoryKind is the sort of artifact that an accessory of the type usually is.
func accessoryKind(typ string) Kind {
	switch typ {
	case "signature.cosign":
		return cosignTagged
	case "signature.notation":
		return notation
	case sbomAccessory:
		return harborSBOM
	}
	return referrer
}

// accessoryIcon is the icon in the record of an accessory of the type.
func accessoryIcon(typ string) string {
	switch typ {
	case "signature.cosign":
		return iconCosign
	case "signature.notation":
		return iconNotary
	case sbomAccessory:
		return iconSBOM
	}
	return ""
}
