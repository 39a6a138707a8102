// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"cmp"
	"slices"
	"time"
)

// Artifact is an artifact as Harbor lists it. Fields that Harbor does not give,
// or in a form that it never has, are zero.
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
	Platforms   []Platform // of the children of an index, each once, sorted; else the image's own
	Children    int        // manifests that an index refers to

	// Annotations holds the first 64 of AnnotationsTotal, values cut at 1 KiB.
	Annotations      map[string]string
	AnnotationsTotal int
	// Cut names the fields that hold less than Harbor does: annotations, platforms.
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

func (a *Artifact) named() bool { return a.ID > 0 && a.Digest != "" }

// Bounds of what is kept of one artifact.
const (
	maxAnnotations     = 64
	maxAnnotationBytes = 1024     // of a key, of a value
	maxPlatforms       = 16 << 10 // before equal ones are put together; a manifest of 4 MiB has room for fewer
)

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
	if o.Platforms && a.Children == 0 {
		a.addPlatform(own)
	}
	a.settlePlatforms()
	return err
}

// settlePlatforms sorts them and puts equal ones together.
func (a *Artifact) settlePlatforms() {
	slices.SortFunc(a.Platforms, func(a, b Platform) int {
		return cmp.Or(cmp.Compare(a.OS, b.OS), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Variant, b.Variant))
	})
	if distinct := slices.Compact(a.Platforms); len(distinct) < len(a.Platforms) {
		a.Platforms = slices.Clone(distinct)
	}
}

func (o Details) decodeDetail(d *decoder, name string, a *Artifact, own *Platform) error {
	switch {
	case name == "tags":
		return elements(d, &a.Tags, decodeTag, (*Tag).named)
	case name == "labels":
		return elements(d, &a.Labels, decodeLabel, (*Label).named)
	case name == "accessories":
		return elements(d, &a.Accessories, decodeAccessory, (*Accessory).named)
	case name == "references":
		return o.decodeReferences(d, a)
	case name == "extra_attrs" && o.Platforms:
		return decodePlatform(d, own)
	case name == "annotations" && o.Annotations:
		return o.decodeAnnotations(d, a)
	case name == "scan_overview" && o.Scan:
		return decodeScans(d, a)
	case name == "sbom_overview" && o.SBOM:
		return decodeSBOM(d, a)
	default:
		return d.skip()
	}
}

func (l *Label) named() bool { return l.Name != "" }

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
	a.Children, a.Platforms = 0, nil // of equal names the last one counts
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

// addPlatform leaves out unknown/unknown, which marks attestations, and what
// says nothing.
func (a *Artifact) addPlatform(p Platform) {
	if cmp.Or(p.OS, "unknown") == "unknown" && cmp.Or(p.Architecture, "unknown") == "unknown" {
		return
	}
	if len(a.Platforms) >= maxPlatforms {
		a.cut("platforms")
		return
	}
	a.Platforms = append(a.Platforms, p)
}

func (a *Artifact) cut(field string) {
	if !slices.Contains(a.Cut, field) {
		a.Cut = append(a.Cut, field)
	}
}

// decodeAnnotations keeps those asked for, or the first ones; Harbor sends them
// sorted by key.
func (o Details) decodeAnnotations(d *decoder, a *Artifact) error {
	a.Annotations, a.AnnotationsTotal = nil, 0
	return d.object(func(name string) error {
		if len(o.AnnotationKeys) > 0 && !slices.Contains(o.AnnotationKeys, name) {
			return d.skip()
		}
		a.AnnotationsTotal++
		if len(a.Annotations) >= maxAnnotations || len(name) > maxAnnotationBytes {
			a.cut("annotations")
			return d.skip()
		}
		value, err := d.bytes()
		if value == nil { // no text
			a.AnnotationsTotal--
			return err
		}
		short := cutText(string(value[:min(len(value), maxAnnotationBytes+1)]), maxAnnotationBytes)
		if len(short) < len(value) {
			a.cut("annotations")
		}
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		if _, twice := a.Annotations[name]; twice {
			a.AnnotationsTotal--
		}
		a.Annotations[name] = short
		return nil
	})
}
