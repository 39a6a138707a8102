// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"strings"
)

// flags are the with_ parameters of a request for artifacts.
type flags struct {
	tag, label, accessory, immutable, scan, sbom bool
}

func (c *call) flags() flags {
	return flags{
		tag:       c.flag("with_tag", true),
		label:     c.flag("with_label", false),
		accessory: c.flag("with_accessory", false),
		immutable: c.flag("with_immutable_status", false),
		scan:      c.flag("with_scan_overview", false) && c.accepts11(),
		sbom:      c.flag("with_sbom_overview", false) && c.registry.version.hasSBOMOverview(),
	}
}

// accepts11 reports whether X-Accept-Vulnerabilities asks for reports of version
// 1.1, the only one that scanners still make. Without the header it does.
func (c *call) accepts11() bool {
	header := c.request.Header.Get("X-Accept-Vulnerabilities")
	if header == "" {
		return true
	}
	for mime := range strings.SplitSeq(header, ",") {
		if strings.TrimSpace(mime) == report11 {
			return true
		}
	}
	return false
}

// listArtifacts answers an empty list where there is no such repository, or, to
// an administrator, no such project.
func listArtifacts(c *call) *answer {
	paging, failure := parsePaging(c.query)
	if failure != nil {
		return failure.answer()
	}
	if failure := c.require(readArtifacts, c.registry.projects[c.args[0]]); failure != nil {
		return failure.answer()
	}
	words, failure := c.words()
	if failure != nil {
		return failure.answer()
	}
	delete(words, "RepositoryName") // Harbor sets it itself
	var rows []*artifact
	if repo := c.registry.repositories[c.args[0]+"/"+repositoryName(c.args[1])]; repo != nil {
		rows = repo.artifacts
	}
	return answerArtifacts(c, rows, words, paging)
}

func listProjectArtifacts(c *call) *answer {
	paging, failure := parsePaging(c.query)
	if failure != nil {
		return failure.answer()
	}
	if c.account == nil {
		return unauthorized().answer() // also for public projects
	}
	p := c.projectByNameOrID(c.args[0])
	if failure := c.require(readArtifacts, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	words, failure := c.words()
	if failure != nil {
		return failure.answer()
	}
	delete(words, "ProjectID") // Harbor sets it itself
	rows := p.artifacts
	if c.flag("latest_in_repository", false) {
		_, media := words["media_type"]
		_, typ := words["artifact_type"]
		if media == typ {
			return badRequest("bad request: either 'media_type' or 'artifact_type' must be specified, but not both, when querying with latest_in_repository").answer()
		}
		rows = latestOf(rows)
	}
	return answerArtifacts(c, rows, words, paging)
}

// latestOf returns the newest artifact of each repository, in order of id.
func latestOf(rows []*artifact) []*artifact {
	newest := map[*repository]*artifact{}
	for _, a := range rows {
		if a.listed() {
			newest[a.repo] = a
		}
	}
	var latest []*artifact
	for _, a := range rows {
		if newest[a.repo] == a {
			latest = append(latest, a)
		}
	}
	return latest
}

func answerArtifacts(c *call, rows []*artifact, words keywords, p paging) *answer {
	conditions, failure := artifactConditions(words)
	if failure != nil {
		return failure.answer()
	}
	page, total, failure := findWhere(c, artifactTable, rows, words, conditions, p)
	if failure != nil {
		return failure.answer()
	}
	f := c.flags()
	return listOf(c, page, total, p, func(w []byte, a *artifact) []byte { return c.appendArtifact(w, a, f) })
}

func getArtifact(c *call) *answer {
	a, failure := c.artifact()
	if failure != nil {
		return failure.answer()
	}
	return okJSON(c.appendArtifact(nil, a, c.flags()))
}

// artifact returns what the path's project, repository and reference name.
func (c *call) artifact() (*artifact, *apiError) {
	if failure := c.require(readArtifacts, c.registry.projects[c.args[0]]); failure != nil {
		return nil, failure
	}
	name := c.args[0] + "/" + repositoryName(c.args[1])
	repo := c.registry.repositories[name]
	if repo == nil {
		return nil, repositoryNotFound(name)
	}
	a := repo.find(c.args[2])
	if a == nil {
		separator := ":"
		if _, err := parseDigest(c.args[2]); err == nil {
			separator = "@"
		}
		return nil, notFound("artifact " + name + separator + c.args[2] + " not found")
	}
	return a, nil
}

func listTags(c *call) *answer {
	paging, failure := parsePaging(c.query)
	if failure != nil {
		return failure.answer()
	}
	a, words, failure := c.artifactAndWords()
	if failure != nil {
		return failure.answer()
	}
	delete(words, "ArtifactID")
	page, total, failure := find(c, tagTable, a.rows(), words, paging)
	if failure != nil {
		return failure.answer()
	}
	immutable := c.flag("with_immutable_status", false)
	return listOf(c, page, total, paging, func(w []byte, t tagRow) []byte { return appendTag(w, t, immutable) })
}

func listAccessories(c *call) *answer {
	paging, failure := parsePaging(c.query)
	if failure != nil {
		return failure.answer()
	}
	a, words, failure := c.artifactAndWords()
	if failure != nil {
		return failure.answer()
	}
	delete(words, "SubjectArtifactDigest")
	var rows []*artifact
	if a.extra != nil {
		rows = a.extra.accessories
	}
	page, total, failure := find(c, accessoryTable, rows, words, paging)
	if failure != nil {
		return failure.answer()
	}
	return listOf(c, page, total, paging, appendAccessory)
}

// artifactAndWords checks in Harbor's order: the right, q, the artifact.
func (c *call) artifactAndWords() (*artifact, keywords, *apiError) {
	if failure := c.require(readArtifacts, c.registry.projects[c.args[0]]); failure != nil {
		return nil, nil, failure
	}
	words, failure := c.words()
	if failure != nil {
		return nil, nil, failure
	}
	a, failure := c.artifact()
	return a, words, failure
}
