// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"
)

// Repository is a repository of a project.
type Repository struct {
	ID, ProjectID int64
	// Name is the full one, with the project.
	Name string
	// ArtifactCount counts what the artifact listing shows.
	ArtifactCount int
	// UpdateTime moves with every change of artifacts and tags from Harbor 2.15.2
	// on, and with pulls in all versions.
	UpdateTime, CreationTime time.Time
	PullCount                int64
}

// SplitRepository splits a full name into project and rest.
func SplitRepository(full string) (project, rest string, ok bool) {
	project, rest, _ = strings.Cut(full, "/")
	return project, rest, project != "" && rest != ""
}

const repositoryPageSize = 100

// RepositoriesPage reads a page of GET /projects/{project}/repositories, sorted
// by id. Default page size 100.
func (c *Client) RepositoriesPage(ctx context.Context, project string, o PageOptions) (Page[Repository], error) {
	return readPage(ctx, c, call{
		endpoint: "repositories.list", path: "/projects/" + url.PathEscape(project) + "/repositories",
		query: o.values("repository_id", repositoryPageSize, ""),
	}, decodeRepository)
}

// Repositories reads all pages.
func (c *Client) Repositories(ctx context.Context, project string) iter.Seq2[*Repository, error] {
	return all(PageOptions{}, func(r *Repository) int64 { return r.ID }, func(o PageOptions) (Page[Repository], error) {
		return c.RepositoriesPage(ctx, project, o)
	})
}

// Repository reads one repository by its full name. ErrNotFound and
// ErrForbidden tell the same for a missing project as for a missing repository.
func (c *Client) Repository(ctx context.Context, full string) (Repository, error) {
	path, err := repositoryPath(full)
	if err != nil {
		return Repository{}, err
	}
	var repository Repository
	_, err = c.do(ctx, call{endpoint: "repositories.get", path: path, decode: func(body io.Reader) (err error) {
		repository, err = single(body, decodeRepository)
		return err
	}})
	return repository, err
}

func decodeRepository(d *decoder, r *Repository) error {
	return d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&r.ID)
		case "project_id":
			return d.number(&r.ProjectID)
		case "name":
			return d.text(&r.Name)
		case "artifact_count":
			return d.integer(&r.ArtifactCount)
		case "update_time":
			return d.time(&r.UpdateTime)
		case "creation_time":
			return d.time(&r.CreationTime)
		case "pull_count":
			return d.number(&r.PullCount)
		default:
			return d.skip()
		}
	})
}
