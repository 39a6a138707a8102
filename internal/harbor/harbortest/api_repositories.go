// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"net/url"
	"slices"
)

// repositoryName is the name without the project's: the path's segment decoded
// a second time, so that a%252Fb is a/b.
func repositoryName(segment string) string {
	if name, err := url.PathUnescape(segment); err == nil {
		return name
	}
	return segment
}

func listRepositoriesOf(c *call) *answer {
	paging, failure := parsePaging(c.query)
	if failure != nil {
		return failure.answer()
	}
	p := c.registry.projects[c.args[0]]
	if failure := c.require(listRepositories, p); failure != nil {
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
	rows := make([]*repository, 0, len(p.repositories))
	for _, repo := range p.repositories {
		rows = append(rows, repo)
	}
	return answerRepositories(c, rows, words, paging)
}

func listAllRepositories(c *call) *answer {
	paging, words, failure := c.listing()
	if failure != nil {
		return failure.answer()
	}
	if !c.account.admin() {
		delete(words, "ProjectID") // Harbor sets it itself
	}
	rows := make([]*repository, 0, len(c.registry.repositories))
	for _, repo := range c.registry.repositories {
		if c.account.seesProject(repo.project) {
			rows = append(rows, repo)
		}
	}
	return answerRepositories(c, rows, words, paging)
}

func answerRepositories(c *call, rows []*repository, words keywords, p paging) *answer {
	slices.SortFunc(rows, func(a, b *repository) int { return cmp.Compare(a.id, b.id) })
	page, total, failure := find(c, repositoryTable, rows, words, p)
	if failure != nil {
		return failure.answer()
	}
	return listOf(c, page, total, p, appendRepository)
}

func getRepository(c *call) *answer {
	if failure := c.require(listRepositories, c.registry.projects[c.args[0]]); failure != nil {
		return failure.answer()
	}
	name := c.args[0] + "/" + repositoryName(c.args[1])
	repo := c.registry.repositories[name]
	if repo == nil {
		return repositoryNotFound(name).answer()
	}
	return okJSON(appendRepository(nil, repo))
}

func repositoryNotFound(name string) *apiError { return notFound("repository " + name + " not found") }

func appendRepository(w []byte, r *repository) []byte {
	w = append(w, `{"artifact_count":`...)
	w = appendInt(w, int64(r.artifactCount()))
	w = append(w, `,"creation_time":`...)
	w = appendTime(w, r.created)
	if r.description != "" {
		w = append(w, `,"description":`...)
		w = appendString(w, r.description)
	}
	w = append(w, `,"id":`...)
	w = appendInt(w, r.id)
	w = append(w, `,"name":`...)
	w = appendString(w, r.name)
	w = append(w, `,"project_id":`...)
	w = appendInt(w, r.project.id)
	w = append(w, `,"pull_count":`...)
	w = appendInt(w, r.pulls)
	w = append(w, `,"update_time":`...)
	w = appendTime(w, r.updated)
	return append(w, '}')
}
