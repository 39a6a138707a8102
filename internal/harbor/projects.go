// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// Project is a Harbor project.
type Project struct {
	ID        int64
	Name      string
	Public    bool
	RepoCount int
}

// projectPageSize is small because Harbor counts the repositories of each
// project by a query of its own (project.go).
const projectPageSize = 50

// ProjectsPage reads a page of GET /projects, sorted by id: the projects that
// the credentials see. Default page size 50.
func (c *Client) ProjectsPage(ctx context.Context, o PageOptions) (Page[Project], error) {
	return readPage(ctx, c, call{
		endpoint: "projects.list", path: "/projects",
		query: o.values("project_id", projectPageSize, ""),
	}, decodeProject)
}

// Projects reads all pages.
func (c *Client) Projects(ctx context.Context) iter.Seq2[*Project, error] {
	return all(PageOptions{}, func(p *Project) int64 { return p.ID }, func(o PageOptions) (Page[Project], error) {
		return c.ProjectsPage(ctx, o)
	})
}

// Project reads GET /projects/{name}.
func (c *Client) Project(ctx context.Context, name string) (Project, error) {
	what := call{endpoint: "projects.get", path: "/projects/" + url.PathEscape(name)}
	if strings.Trim(name, "0123456789") == "" {
		what.header = http.Header{"X-Is-Resource-Name": {"true"}} // else taken for an id
	}
	var project Project
	what.decode = func(body io.Reader) (err error) {
		project, err = single(body, decodeProject)
		return err
	}
	_, err := c.do(ctx, what)
	return project, err
}

// ProjectExists asks HEAD /projects?project_name=, which tells every
// authenticated caller the truth, also of projects that it may not read; to
// anonymous callers it is ErrUnauthorized.
func (c *Client) ProjectExists(ctx context.Context, name string) (bool, error) {
	_, err := c.do(ctx, call{
		endpoint: "projects.head", method: http.MethodHead, path: "/projects",
		query: url.Values{"project_name": {name}},
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func decodeProject(d *decoder, p *Project) error {
	return d.object(func(name string) error {
		switch name {
		case "project_id":
			return d.number(&p.ID)
		case "name":
			return d.text(&p.Name)
		case "repo_count":
			return d.integer(&p.RepoCount)
		case "metadata":
			return d.object(func(name string) error {
				if name != "public" {
					return d.skip()
				}
				var public string
				err := d.text(&public)
				p.Public = public == "true"
				return err
			})
		default:
			return d.skip()
		}
	})
}
