// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

// toolName is who made a bill of materials.
const toolName = "kubectl-harbor-inventory"

// packageURL is the purl of an artifact: pkg:oci/nginx@sha256%3A...?repository_url=...
// (package-url/purl-spec, types/oci). The tag is any one of its tags: the first.
func packageURL(a *Artifact) string {
	text := "pkg:oci/" + strings.ToLower(path.Base(a.Repository)) + "@" + url.QueryEscape(a.Digest) +
		"?repository_url=" + strings.ReplaceAll(url.QueryEscape(a.registry()+"/"+a.Repository), "%2F", "/")
	if len(a.Tags) > 0 {
		text += "&tag=" + url.QueryEscape(a.Tags[0])
	}
	return text
}

// images are distinct artifacts: one that two inventories hold is one image.
type images struct {
	seen map[string]bool
	all  []*Artifact
}

func (i *images) print(a *Artifact) error { //nolint:unparam // a printer's
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	if name := a.reference(); !i.seen[name] {
		i.seen[name] = true
		i.all = append(i.all, a)
	}
	return nil
}

func (*images) flush() error { return nil }

// cycloneDXPrinter writes a bill of materials with a component for each image.
type cycloneDXPrinter struct {
	images
	out io.Writer
	now time.Time
}

func newCycloneDXPrinter(out io.Writer, now time.Time) *cycloneDXPrinter {
	return &cycloneDXPrinter{out: out, now: now}
}

func (p *cycloneDXPrinter) close() error {
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{
		Timestamp: p.now.UTC().Format(time.RFC3339),
		Tools: &cyclonedx.ToolsChoice{Components: &[]cyclonedx.Component{{
			Type: cyclonedx.ComponentTypeApplication, Name: toolName, Version: version.String(),
		}}},
	}
	components := make([]cyclonedx.Component, len(p.all))
	for i, a := range p.all {
		components[i] = component(a)
	}
	bom.Components = &components
	return cyclonedx.NewBOMEncoder(p.out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).
		EncodeVersion(bom, cyclonedx.SpecVersion1_6)
}

func component(a *Artifact) cyclonedx.Component {
	c := cyclonedx.Component{
		BOMRef: a.reference(), Type: cyclonedx.ComponentTypeContainer,
		Name: a.registry() + "/" + a.Repository, Version: a.Digest, PackageURL: packageURL(a),
	}
	if hex, ok := strings.CutPrefix(a.Digest, "sha256:"); ok {
		c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex}}
	}
	properties := []cyclonedx.Property{{Name: "harborinventory:type", Value: a.Type}, {Name: "harborinventory:sizeBytes", Value: fmt.Sprint(a.SizeBytes)}}
	for _, tag := range a.Tags {
		properties = append(properties, cyclonedx.Property{Name: "harborinventory:tag", Value: tag})
	}
	if a.PushTime != nil {
		properties = append(properties, cyclonedx.Property{Name: "harborinventory:pushTime", Value: pushTime(a)})
	}
	c.Properties = &properties
	return c
}

// spdxPrinter writes a document with a package for each image.
type spdxPrinter struct {
	images
	out io.Writer
	now time.Time
}

func newSPDXPrinter(out io.Writer, now time.Time) *spdxPrinter {
	return &spdxPrinter{out: out, now: now}
}

const noAssertion = "NOASSERTION"

func (p *spdxPrinter) close() error {
	document := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: "harbor-inventory", DocumentNamespace: p.namespace(),
		CreationInfo: &v2_3.CreationInfo{
			Created:  p.now.UTC().Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: toolName + "-" + version.String()}},
		},
	}
	for i, a := range p.all {
		id := common.ElementID(fmt.Sprintf("Package-%d", i+1))
		document.Packages = append(document.Packages, spdxPackage(id, a))
		document.Relationships = append(document.Relationships, &v2_3.Relationship{
			RefA:         common.MakeDocElementID("", "DOCUMENT"),
			RefB:         common.MakeDocElementID("", string(id)),
			Relationship: common.TypeRelationshipDescribe,
		})
	}
	return spdxjson.Write(document, p.out, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
}

// namespace is a URI that no other document has (SPDX 2.3, 6.5).
func (p *spdxPrinter) namespace() string {
	sum := sha256.New()
	sum.Write([]byte(p.now.UTC().Format(time.RFC3339Nano)))
	for _, a := range p.all {
		sum.Write([]byte(a.reference() + "\n"))
	}
	return "https://harborinventory.io/spdx/" + hex.EncodeToString(sum.Sum(nil))
}

func spdxPackage(id common.ElementID, a *Artifact) *v2_3.Package {
	p := &v2_3.Package{
		PackageName: a.registry() + "/" + a.Repository, PackageSPDXIdentifier: id, PackageVersion: a.Digest,
		PackageDownloadLocation: noAssertion, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion,
		PackageCopyrightText: noAssertion, PrimaryPackagePurpose: "CONTAINER",
		PackageExternalReferences: []*v2_3.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: packageURL(a),
		}},
	}
	if hex, ok := strings.CutPrefix(a.Digest, "sha256:"); ok {
		p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: hex}}
	}
	if len(a.Tags) > 0 {
		p.PackageComment = "tags: " + strings.Join(a.Tags, ", ")
	}
	return p
}
