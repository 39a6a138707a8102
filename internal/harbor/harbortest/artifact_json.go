// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// appendArtifact writes an artifact as the v2.0 API does, with the parts that
// the flags ask for. Where an answer is partial, parts are missing.
func (c *call) appendArtifact(w []byte, a *artifact, f flags) []byte {
	e := a.extra
	if e == nil {
		e = &extra{}
	}
	wanted := func(flag bool, part string) bool { return flag && !c.partial.drops(a, part) }
	w = appendRows(append(w, `{"accessories":`...), wanted(f.accessory, "accessories"), e.accessories, appendAccessory)
	w = c.appendLinks(w, a, f.sbom)
	w = appendObject(w, "annotations", e.annotations)
	w = appendMember(w, "artifact_type", a.kind.artifactType)
	w = append(append(w, `,"digest":"`...), a.digest.String()...)
	w = a.appendAttrs(append(w, '"'), `,"extra_attrs":`)
	w = appendMember(w, "icon", a.kind.icon)
	w = appendInt(append(w, `,"id":`...), a.id)
	w = appendRows(append(w, `,"labels":`...), wanted(f.label, "labels"), e.labels, func(w []byte, id int64) []byte {
		return appendLabel(w, c.registry.labels[id])
	})
	w = appendMember(w, "manifest_media_type", a.kind.manifestMediaType)
	w = appendMember(w, "media_type", a.kind.mediaType)
	w = appendInt(append(w, `,"project_id":`...), a.repo.project.id)
	w = appendTime(append(w, `,"pull_time":`...), a.pulled)
	w = appendTime(append(w, `,"push_time":`...), a.pushed)
	w = appendRows(append(w, `,"references":`...), true, e.references, func(w []byte, ref reference) []byte {
		return appendReference(w, a, ref)
	})
	w = appendInt(append(w, `,"repository_id":`...), a.repo.id)
	w = appendMember(w, "repository_name", a.repo.name)
	if wanted(f.sbom, "sbom_overview") {
		w = appendObject(w, "sbom_overview", e.sbom)
	}
	if f.scan && c.overviews != nil {
		*c.overviews++
	}
	if wanted(f.scan, "scan_overview") {
		w = appendObject(w, "scan_overview", a.scan())
	}
	w = appendInt(append(w, `,"size":`...), a.size)
	var rows []tagRow
	if f.tag {
		rows = a.rows()
		tagTable.sort(rows, nil)
	}
	w = appendRows(append(w, `,"tags":`...), wanted(f.tag, "tags"), rows, func(w []byte, t tagRow) []byte { return appendTag(w, t, f.immutable) })
	return append(append(w, `,"type":"`+a.kind.typ...), `"}`...)
}

// appendAttrs writes extra_attrs after name, nothing when there are none.
func (a *artifact) appendAttrs(w []byte, name string) []byte {
	switch {
	case a.extra != nil && a.extra.attrs != nil:
		return append(append(w, name...), a.extra.attrs...)
	case a.kind.derived:
		return a.derivedAttrs(append(w, name...))
	}
	return w
}

// scan is scan_overview, when there is one.
func (a *artifact) scan() []byte {
	switch {
	case a.extra != nil && a.extra.scan != nil:
		return a.extra.scan
	case a.kind.scanned:
		return scanOverview(a.digest, a.digest.scan(), a.pushed)
	}
	return nil
}

func (a *artifact) annotations() []byte {
	if a.extra == nil {
		return nil
	}
	return a.extra.annotations
}

// appendLinks writes addition_links. The link to the SBOM has its digest only
// where the overview is asked for; else the path has an empty one.
func (c *call) appendLinks(w []byte, a *artifact, withSBOM bool) []byte {
	names := strings.Fields(a.kind.additions)
	if a.kind.scannable && !c.partial.drops(a, "addition_links") {
		names = append(names, "sboms", vulnerabilities)
	}
	if len(names) == 0 {
		return w
	}
	slices.Sort(names)
	base := apiPrefix + "/projects/" + a.repo.project.name + "/repositories/" +
		strings.ReplaceAll(url.PathEscape(a.repo.rest()), "%", "%25") + "/artifacts/"
	digest := a.digest.String()
	w = append(w, `,"addition_links":{`...)
	for i, name := range names {
		if i > 0 {
			w = append(w, ',')
		}
		target := digest + "/additions/" + name
		if name == "sboms" {
			target = "/additions/sbom"
			if withSBOM && a.extra != nil && !c.partial.drops(a, "sbom_overview") {
				target = a.extra.sbomDigest + target
			}
		}
		w = append(append(append(w, '"'), name...), `":{"absolute":false,"href":"`...)
		w = append(append(append(w, base...), target...), `"}`...)
	}
	return append(w, '}')
}

func appendTag(w []byte, t tagRow, immutable bool) []byte {
	w = append(w, `{"artifact_id":`...)
	w = appendInt(w, t.artifact.id)
	w = append(w, `,"id":`...)
	w = appendInt(w, t.id)
	w = append(w, `,"immutable":`...)
	w = strconv.AppendBool(w, immutable && t.artifact.repo.project.immutableTag(t.name))
	w = append(w, `,"name":`...)
	w = appendString(w, t.name)
	w = append(w, `,"pull_time":`...)
	w = appendTime(w, t.pulled)
	w = append(w, `,"push_time":`...)
	w = appendTime(w, t.pushed)
	w = append(w, `,"repository_id":`...)
	w = appendInt(w, t.artifact.repo.id)
	return append(w, '}')
}

func (p *project) immutableTag(name string) bool {
	return slices.ContainsFunc(p.immutable, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

func appendAccessory(w []byte, a *artifact) []byte {
	link := a.extra.link
	w = append(w, `{"artifact_id":`...)
	w = appendInt(w, a.id)
	w = append(w, `,"creation_time":`...)
	w = appendTime(w, link.created)
	w = append(w, `,"digest":"`+a.digest.String()+`","icon":"`+link.icon+`","id":`...)
	w = appendInt(w, link.id)
	w = append(w, `,"size":`...)
	w = appendInt(w, a.size)
	w = append(w, `,"subject_artifact_digest":"`+link.subjectDigest+`"`...)
	if link.subject != nil {
		w = append(w, `,"subject_artifact_id":`...)
		w = appendInt(w, link.subject.id)
	}
	w = append(w, `,"subject_artifact_repo":`...)
	w = appendString(w, a.repo.name)
	return append(w, `,"type":"`+link.typ+`"}`...)
}

func appendReference(w []byte, parent *artifact, ref reference) []byte {
	w = append(w, '{')
	if len(ref.annotations) > 0 {
		w = append(append(w, `"annotations":`...), ref.annotations...)
		w = append(w, ',')
	}
	w = append(w, `"child_digest":"`+ref.digest+`","child_id":`...)
	w = appendInt(w, ref.child.id)
	w = append(w, `,"parent_id":`...)
	w = appendInt(w, parent.id)
	if len(ref.platform) > 0 {
		w = append(append(w, `,"platform":`...), ref.platform...)
	}
	w = appendRaw(append(w, `,"urls":`...), ref.urls)
	return append(w, '}')
}

// appendRows writes an array, or null where there is nothing to show.
func appendRows[T any](w []byte, wanted bool, rows []T, write func([]byte, T) []byte) []byte {
	if !wanted || len(rows) == 0 {
		return append(w, "null"...)
	}
	w = append(w, '[')
	for i, row := range rows {
		if i > 0 {
			w = append(w, ',')
		}
		w = write(w, row)
	}
	return append(w, ']')
}

// appendMember writes a member of text, unless it is empty.
func appendMember(w []byte, name, value string) []byte {
	if value == "" {
		return w
	}
	w = append(w, `,"`+name+`":`...)
	return appendString(w, value)
}

// appendObject writes a member of JSON, unless it is empty.
func appendObject(w []byte, name string, raw []byte) []byte {
	if len(raw) == 0 {
		return w
	}
	return append(append(w, `,"`+name+`":`...), raw...)
}
