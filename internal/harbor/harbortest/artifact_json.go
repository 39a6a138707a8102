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
	w = append(w, `{"accessories":`...)
	if f.accessory && len(e.accessories) > 0 && !c.partial.drops(a, "accessories") {
		w = appendAll(w, e.accessories, appendAccessory)
	} else {
		w = append(w, "null"...)
	}
	w = c.appendLinks(w, a, f.sbom)
	if len(e.annotations) > 0 {
		w = append(append(w, `,"annotations":`...), e.annotations...)
	}
	w = appendMember(w, "artifact_type", a.kind.artifactType)
	w = append(w, `,"digest":"`...)
	w = append(w, a.digest.String()...)
	w = append(w, '"')
	if attrs := len(w) + len(`,"extra_attrs":`); true {
		w = a.appendAttrs(append(w, `,"extra_attrs":`...))
		if len(w) == attrs { // it has none
			w = w[:attrs-len(`,"extra_attrs":`)]
		}
	}
	w = appendMember(w, "icon", a.kind.icon)
	w = append(w, `,"id":`...)
	w = appendInt(w, a.id)
	w = append(w, `,"labels":`...)
	if f.label && len(e.labels) > 0 && !c.partial.drops(a, "labels") {
		w = appendAll(w, e.labels, func(w []byte, id int64) []byte { return appendLabel(w, c.registry.labels[id]) })
	} else {
		w = append(w, "null"...)
	}
	w = appendMember(w, "manifest_media_type", a.kind.manifestMediaType)
	w = appendMember(w, "media_type", a.kind.mediaType)
	w = append(w, `,"project_id":`...)
	w = appendInt(w, a.repo.project.id)
	w = append(w, `,"pull_time":`...)
	w = appendTime(w, a.pulled)
	w = append(w, `,"push_time":`...)
	w = appendTime(w, a.pushed)
	w = append(w, `,"references":`...)
	if len(e.references) > 0 {
		w = appendAll(w, e.references, func(w []byte, ref reference) []byte { return appendReference(w, a, ref) })
	} else {
		w = append(w, "null"...)
	}
	w = append(w, `,"repository_id":`...)
	w = appendInt(w, a.repo.id)
	w = append(w, `,"repository_name":`...)
	w = appendString(w, a.repo.name)
	if f.sbom && len(e.sbom) > 0 && !c.partial.drops(a, "sbom_overview") {
		w = append(append(w, `,"sbom_overview":`...), e.sbom...)
	}
	if scan := a.scan(f.scan); len(scan) > 0 && !c.partial.drops(a, "scan_overview") {
		w = append(append(w, `,"scan_overview":`...), scan...)
	}
	w = append(w, `,"size":`...)
	w = appendInt(w, a.size)
	w = append(w, `,"tags":`...)
	if f.tag && len(a.tags) > 0 && !c.partial.drops(a, "tags") {
		rows := a.rows()
		tagTable.sort(rows, nil)
		w = appendAll(w, rows, func(w []byte, t tagRow) []byte { return appendTag(w, t, f.immutable) })
	} else {
		w = append(w, "null"...)
	}
	return append(append(w, `,"type":"`+a.kind.typ...), `"}`...)
}

// appendAttrs writes extra_attrs, nothing when there are none.
func (a *artifact) appendAttrs(w []byte) []byte {
	switch {
	case a.extra != nil && a.extra.attrs != nil:
		return append(w, a.extra.attrs...)
	case a.kind.derived:
		return a.derivedAttrs(w)
	}
	return w
}

// scan is scan_overview, when it is wanted and there is one.
func (a *artifact) scan(wanted bool) []byte {
	switch {
	case !wanted:
		return nil
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
	w = append(w, `,"addition_links":{`...)
	for i, name := range names {
		if i > 0 {
			w = append(w, ',')
		}
		target := a.digest.String() + "/additions/" + name
		if name == "sboms" {
			target = "/additions/sbom"
			if withSBOM && a.extra != nil && !c.partial.drops(a, "sbom_overview") {
				target = a.extra.sbomDigest + target
			}
		}
		w = append(w, `"`+name+`":{"absolute":false,"href":"`+base+target+`"}`...)
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

func appendAll[T any](w []byte, rows []T, write func([]byte, T) []byte) []byte {
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
