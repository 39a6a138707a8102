// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Details says what to read of each artifact besides the basics. Every one but
// Annotations and Platforms costs Harbor queries for each artifact.
type Details struct {
	Tags, Labels, Accessories, Immutability, Scan, SBOM bool
	// Annotations and Platforms come anyway; they are kept on request.
	Annotations, Platforms bool
}

// ArtifactOptions selects a page of artifacts.
type ArtifactOptions struct {
	PageOptions
	// Query holds further conditions in the language of Harbor's q, or is empty.
	Query   string
	Details Details
}

// Artifact is an artifact as Harbor lists it.
type Artifact struct {
	ID, ProjectID, RepositoryID int64
	RepositoryName              string
	Digest                      string
	Type                        string // IMAGE, CHART, ...
	MediaType                   string // of the config, or of the manifest
	ManifestMediaType           string
	ArtifactType                string
	Size                        int64 // bytes
	PushTime                    time.Time

	Tags        []Tag
	Labels      []Label
	Accessories []Accessory
	Platforms   []Platform // of the children of an index, each once; else the image's own
	Children    int        // manifests that an index refers to

	// Annotations holds at most 64 of AnnotationsTotal, values cut at 1 KiB.
	Annotations      map[string]string
	AnnotationsTotal int
	// Cut names the fields that hold less than Harbor does.
	Cut []string

	Scan *ScanOverview
	SBOM *SBOMOverview
}

// Label is a Harbor label on an artifact.
type Label struct {
	ID    int64
	Name  string
	Scope string // g or p: global or of the project
}

// Platform is what an image runs on.
type Platform struct{ OS, Architecture, Variant string }

// ScanOverview is the summary of a vulnerability scan.
type ScanOverview struct {
	Status, Severity string
	Scanner          string // name and version
	Total, Fixable   int64
	BySeverity       map[string]int64
}

// SBOMOverview tells of the SBOM that Harbor generated.
type SBOMOverview struct{ Digest, Status string }

// Bounds of what is kept of one artifact.
const (
	maxAnnotations     = 64
	maxAnnotationBytes = 1024
)

const artifactPageSize = 100

// reportType is asked for by name: Harbor 2.5 and older give no overview without.
const reportType = "application/vnd.security.vulnerability.report; version=1.1"

// ArtifactsPage reads a page of the artifacts of a repository, by its full
// name, sorted by id. Default page size 100. Accessories are never listed, nor
// are children of an index without a tag. A repository that does not exist is
// an empty page.
func (c *Client) ArtifactsPage(ctx context.Context, repository string, o ArtifactOptions) (Page[Artifact], error) {
	path, err := repositoryPath(repository)
	if err != nil {
		return Page[Artifact]{}, err
	}
	query := o.values("id", artifactPageSize, o.Query)
	o.Details.flags(query)
	return readPage(ctx, c, call{
		endpoint: "artifacts.list", path: path + "/artifacts", query: query, header: o.Details.header(),
	}, o.Details.decode)
}

// Artifacts reads all pages.
func (c *Client) Artifacts(ctx context.Context, repository string, o ArtifactOptions) iter.Seq2[*Artifact, error] {
	return all(o.PageOptions, func(a *Artifact) int64 { return a.ID }, func(p PageOptions) (Page[Artifact], error) {
		o.PageOptions = p
		return c.ArtifactsPage(ctx, repository, o)
	})
}

// CountArtifacts returns how many artifacts of a repository the conditions select.
func (c *Client) CountArtifacts(ctx context.Context, repository, query string) (int, error) {
	page, err := c.ArtifactsPage(ctx, repository, ArtifactOptions{PageOptions: PageOptions{PageSize: 1}, Query: query})
	if err == nil && page.Total < 0 {
		err = &ResponseError{Reason: "the answer lacks the header X-Total-Count"}
	}
	return page.Total, err
}

// Artifact reads one artifact by digest or tag.
func (c *Client) Artifact(ctx context.Context, repository, reference string, details Details) (Artifact, error) {
	path, err := repositoryPath(repository)
	if err != nil {
		return Artifact{}, err
	}
	query := url.Values{}
	details.flags(query)
	var artifact Artifact
	_, err = c.do(ctx, call{
		endpoint: "artifacts.get", path: path + "/artifacts/" + url.PathEscape(reference), query: query, header: details.header(),
		decode: func(body io.Reader) (err error) {
			artifact, err = single(body, details.decode)
			return err
		},
	})
	return artifact, err
}

// flags sets each of Harbor's flags: with_tag is on when it is left out.
func (o Details) flags(v url.Values) {
	for name, on := range map[string]bool{
		"with_tag": o.Tags || o.Immutability, "with_label": o.Labels, "with_accessory": o.Accessories,
		"with_immutable_status": o.Immutability, "with_scan_overview": o.Scan, "with_sbom_overview": o.SBOM,
	} {
		v.Set(name, strconv.FormatBool(on))
	}
}

func (o Details) header() http.Header {
	if !o.Scan {
		return nil
	}
	return http.Header{"X-Accept-Vulnerabilities": {reportType}}
}

func (o Details) decode(d *decoder, a *Artifact) error {
	var own Platform
	err := d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&a.ID)
		case "project_id":
			return d.number(&a.ProjectID)
		case "repository_id":
			return d.number(&a.RepositoryID)
		case "repository_name":
			return d.name(&a.RepositoryName)
		case "digest":
			return d.text(&a.Digest)
		case "type":
			return d.name(&a.Type)
		case "media_type":
			return d.name(&a.MediaType)
		case "manifest_media_type":
			return d.name(&a.ManifestMediaType)
		case "artifact_type":
			return d.name(&a.ArtifactType)
		case "size":
			return d.number(&a.Size)
		case "push_time":
			return d.time(&a.PushTime)
		default:
			return o.decodeDetail(d, name, a, &own)
		}
	})
	if o.Platforms && len(a.Platforms) == 0 {
		a.addPlatform(own)
	}
	return err
}

func (o Details) decodeDetail(d *decoder, name string, a *Artifact, own *Platform) error {
	switch {
	case name == "tags":
		return elements(d, &a.Tags, decodeTag)
	case name == "labels":
		return elements(d, &a.Labels, decodeLabel)
	case name == "accessories":
		return elements(d, &a.Accessories, decodeAccessory)
	case name == "references":
		return o.decodeReferences(d, a)
	case name == "extra_attrs" && o.Platforms:
		return decodePlatform(d, own)
	case name == "annotations" && o.Annotations:
		return decodeAnnotations(d, a)
	case name == "scan_overview" && o.Scan:
		return decodeScans(d, a)
	case name == "sbom_overview" && o.SBOM:
		a.SBOM = &SBOMOverview{}
		return decodeSBOM(d, a)
	default:
		return d.skip()
	}
}

// elements decodes an array into a slice.
func elements[T any](d *decoder, to *[]T, element func(*decoder, *T) error) error {
	return d.array(func() error {
		var item T
		if err := element(d, &item); err != nil {
			return err
		}
		*to = append(*to, item)
		return nil
	})
}

func decodeLabel(d *decoder, l *Label) error {
	return d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&l.ID)
		case "name":
			return d.name(&l.Name)
		case "scope":
			return d.name(&l.Scope)
		default:
			return d.skip()
		}
	})
}

// decodeReferences keeps of an index's children their number and platforms:
// there may be thousands.
func (o Details) decodeReferences(d *decoder, a *Artifact) error {
	return d.array(func() error {
		a.Children++
		if !o.Platforms {
			return d.skip()
		}
		return d.object(func(name string) error {
			if name != "platform" {
				return d.skip()
			}
			var p Platform
			err := decodePlatform(d, &p)
			a.addPlatform(p)
			return err
		})
	})
}

func decodePlatform(d *decoder, p *Platform) error {
	return d.object(func(name string) error {
		switch name {
		case "os":
			return d.name(&p.OS)
		case "architecture":
			return d.name(&p.Architecture)
		case "variant":
			return d.name(&p.Variant)
		default:
			return d.skip()
		}
	})
}

// addPlatform leaves out unknown/unknown, which marks attestations.
func (a *Artifact) addPlatform(p Platform) {
	if p.OS == "" || p.OS == "unknown" || slices.Contains(a.Platforms, p) {
		return
	}
	a.Platforms = append(a.Platforms, p)
}

func (a *Artifact) cut(field string) {
	if !slices.Contains(a.Cut, field) {
		a.Cut = append(a.Cut, field)
	}
}

func decodeAnnotations(d *decoder, a *Artifact) error {
	return d.object(func(name string) error {
		a.AnnotationsTotal++
		if len(a.Annotations) >= maxAnnotations || len(name) > maxAnnotationBytes {
			a.cut("annotations")
			return d.skip()
		}
		var value string
		if err := d.text(&value); err != nil {
			return err
		}
		short := cutText(value, maxAnnotationBytes)
		if len(short) < len(value) {
			a.cut("annotations")
		}
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		a.Annotations[name] = short
		return nil
	})
}

// decodeScans keeps the report of the current type, or whichever is there.
func decodeScans(d *decoder, a *Artifact) error {
	return d.object(func(name string) error {
		scan := &ScanOverview{}
		if err := decodeScan(d, scan); err != nil {
			return err
		}
		if a.Scan == nil || name == reportType {
			a.Scan = scan
		}
		return nil
	})
}

func decodeScan(d *decoder, s *ScanOverview) error {
	return d.object(func(name string) error {
		switch name {
		case "scan_status":
			return d.name(&s.Status)
		case "severity":
			return d.name(&s.Severity)
		case "scanner":
			return decodeScanner(d, s)
		case "summary":
			return decodeSummary(d, s)
		default:
			return d.skip()
		}
	})
}

func decodeScanner(d *decoder, s *ScanOverview) error {
	var scanner, version string
	err := d.object(func(name string) error {
		switch name {
		case "name":
			return d.name(&scanner)
		case "version":
			return d.name(&version)
		default:
			return d.skip()
		}
	})
	s.Scanner = scanner
	if version != "" {
		s.Scanner += " " + version
	}
	return err
}

func decodeSummary(d *decoder, s *ScanOverview) error {
	return d.object(func(name string) error {
		switch name {
		case "total":
			return d.number(&s.Total)
		case "fixable":
			return d.number(&s.Fixable)
		case "summary":
			return d.object(func(severity string) error {
				var n int64
				err := d.number(&n)
				if s.BySeverity == nil {
					s.BySeverity = map[string]int64{}
				}
				s.BySeverity[severity] += n
				return err
			})
		default:
			return d.skip()
		}
	})
}

func decodeSBOM(d *decoder, a *Artifact) error {
	return d.object(func(name string) error {
		switch name {
		case "sbom_digest":
			return d.text(&a.SBOM.Digest)
		case "scan_status":
			return d.name(&a.SBOM.Status)
		default:
			return d.skip()
		}
	})
}
