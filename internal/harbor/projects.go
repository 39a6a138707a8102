// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"errors"
	"fmt"
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

// projects come in small pages because Harbor counts the repositories of each
// by a query of its own (project.go).
var projects = listing[Project]{
	key: "project_id", size: 50, decode: decodeProject,
	id:    func(p *Project) int64 { return p.ID },
	named: func(p *Project) bool { return p.ID > 0 && p.Name != "" },
}

// ProjectsPage reads a page of GET /projects, sorted by id: the projects that
// the credentials see. Wrong credentials see the public ones, without an error.
// Default page size 50.
func (c *Client) ProjectsPage(ctx context.Context, o PageOptions) (Page[Project], error) {
	return projects.page(ctx, c, call{endpoint: "projects.list", path: "/projects"}, o, "", nil)
}

// Projects reads all pages.
func (c *Client) Projects(ctx context.Context) iter.Seq2[*Project, error] {
	return projects.all(PageOptions{}, func(o PageOptions) (Page[Project], error) {
		return c.ProjectsPage(ctx, o)
	})
}

// Project reads GET /projects/{name}.
func (c *Client) Project(ctx context.Context, name string) (Project, error) {
	path, err := projectPath(name)
	if err != nil {
		return Project{}, err
	}
	what := call{endpoint: "projects.get", path: path}
	if isNumber(name) {
		what.header = byName(nil)
	}
	return get(ctx, c, what, decodeProject, projects.named)
}

// isNumber tells whether Harbor would take a project's name for an id.
func isNumber(name string) bool { return strings.Trim(name, "0123456789") == "" }

// byName makes Harbor take what could be an id for a name.
func byName(header http.Header) http.Header {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Is-Resource-Name", "true")
	return header
}

// ProjectExists asks HEAD /projects?project_name=, which tells every
// authenticated caller the truth, also of projects that it may not read; to
// anonymous callers it is ErrUnauthorized.
func (c *Client) ProjectExists(ctx context.Context, name string) (bool, error) {
	if name == "" {
		return false, fmt.Errorf("%w: a project has a name", ErrBadRequest)
	}
	err := c.do(ctx, call{
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
				if kind := d.PeekKind(); kind == 't' || kind == 'f' {
					return d.boolean(&p.Public)
				}
				var public string // a text in every version seen
				err := d.text(&public)
				p.Public = public == "true"
				return err
			})
		default:
			return d.skip()
		}
	})
}
