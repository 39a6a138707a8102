// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"iter"
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

// repositories have their id under another name in q and sort than in JSON:
// there, "id" is a key that Harbor ignores.
var repositories = listing[Repository]{
	key: "repository_id", size: maxPageSize, decode: decodeRepository,
	id:    func(r *Repository) int64 { return r.ID },
	named: func(r *Repository) bool { return r.ID > 0 && r.Name != "" },
}

// RepositoriesPage reads a page of GET /projects/{project}/repositories, sorted
// by id. Default page size 100.
func (c *Client) RepositoriesPage(ctx context.Context, project string, o PageOptions) (Page[Repository], error) {
	path, err := projectPath(project)
	if err != nil {
		return Page[Repository]{}, err
	}
	return repositories.page(ctx, c, call{endpoint: "repositories.list", path: path + "/repositories"}, o, "", nil)
}

// AllRepositoriesPage reads a page of GET /repositories, sorted by id: those of
// all projects that the credentials see (recording repositories-global). Wrong
// credentials see those of public projects, without an error; so does the CLI
// secret of an OIDC user, which Harbor does not take here. Default page size 100.
func (c *Client) AllRepositoriesPage(ctx context.Context, o PageOptions) (Page[Repository], error) {
	return repositories.page(ctx, c, call{endpoint: "repositories.all", path: "/repositories"}, o, "", nil)
}

// Repositories reads all pages.
func (c *Client) Repositories(ctx context.Context, project string) iter.Seq2[*Repository, error] {
	return repositories.all(PageOptions{}, func(o PageOptions) (Page[Repository], error) {
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
	return get(ctx, c, call{endpoint: "repositories.get", path: path}, decodeRepository, repositories.named)
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
