// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Details says what to read of each artifact besides the basics. Every one but
// Annotations and Platforms costs Harbor queries for each artifact.
type Details struct {
	Tags, Labels, Accessories, Immutability, Scan, SBOM bool
	// Annotations and Platforms come anyway; they are kept on request.
	Annotations, Platforms bool
	// AnnotationKeys are the annotations to keep; empty means the first 64.
	AnnotationKeys []string
}

// ArtifactOptions selects a page of artifacts.
type ArtifactOptions struct {
	PageOptions
	// Query holds further conditions in the language of Harbor's q, or is empty.
	// The key id cannot be among them. Harbor ignores keys that it does not know.
	Query   string
	Details Details
}

// reportType is asked for by name: Harbor 2.5 and older give no overview without.
const reportType = "application/vnd.security.vulnerability.report; version=1.1"

func artifactListing(details Details) listing[Artifact] {
	return listing[Artifact]{key: "id", size: maxPageSize, adapts: true, id: func(a *Artifact) int64 { return a.ID }, named: (*Artifact).named, decode: details.decode}
}

// ArtifactsPage reads a page of the artifacts of a repository, by its full
// name, sorted by id. Default page size 100. Accessories are never listed, nor
// are children of an index without a tag. A repository that does not exist is
// an empty page.
func (c *Client) ArtifactsPage(ctx context.Context, repository string, o ArtifactOptions) (Page[Artifact], error) {
	path, err := repositoryPath(repository)
	if err != nil {
		return Page[Artifact]{}, err
	}
	what := call{endpoint: "artifacts.list", path: path + "/artifacts", header: o.Details.header()}
	return artifactListing(o.Details).page(ctx, c, what, o.PageOptions, o.Query, o.Details.flags())
}

// ProjectArtifactsPage reads a page of the artifacts of all repositories of a
// project, sorted by id: GET /projects/{name}/artifacts, from Harbor 2.12 on and
// for authenticated callers only, also of public projects. Default page size
// 100. [RepositoryRange] chooses some of the repositories. A 401 is not asked for again: Harbor gives it to OIDC users for good.
func (c *Client) ProjectArtifactsPage(ctx context.Context, project string, o ArtifactOptions) (Page[Artifact], error) {
	path, err := projectPath(project)
	if err != nil {
		return Page[Artifact]{}, err
	}
	what := call{endpoint: "projects.artifacts", path: path + "/artifacts", header: o.Details.header(), may401: true}
	if isNumber(project) {
		what.header = byName(what.header)
	}
	return artifactListing(o.Details).page(ctx, c, what, o.PageOptions, o.Query, o.Details.flags())
}

// RepositoryRange is a condition for the query of [Client.ProjectArtifactsPage]:
// the artifacts of the repositories with ids from first to last, both included;
// a last of 0 is open. Harbor takes a range for every column (lib/orm/query.go).
func RepositoryRange(first, last int64) string {
	return fmt.Sprintf("repository_id=[%s~%s]", bound(first), bound(last))
}

// Artifacts reads all pages.
func (c *Client) Artifacts(ctx context.Context, repository string, o ArtifactOptions) iter.Seq2[*Artifact, error] {
	return artifactListing(o.Details).all(o.PageOptions, func(p PageOptions) (Page[Artifact], error) {
		o := o
		o.PageOptions = p
		return c.ArtifactsPage(ctx, repository, o)
	})
}

// CountArtifacts returns how many artifacts of a repository the conditions select.
func (c *Client) CountArtifacts(ctx context.Context, repository, query string) (int, error) {
	page, err := c.ArtifactsPage(ctx, repository, ArtifactOptions{PageOptions: PageOptions{PageSize: 1}, Query: query})
	if err == nil && page.Total < 0 {
		err = &ResponseError{Endpoint: "artifacts.list", Reason: reasonNoTotal}
	}
	return max(0, page.Total), err
}

// Artifact reads one artifact by digest or tag.
func (c *Client) Artifact(ctx context.Context, repository, reference string, details Details) (Artifact, error) {
	path, err := artifactPath(repository, reference)
	if err != nil {
		return Artifact{}, err
	}
	what := call{endpoint: "artifacts.get", path: path, query: details.flags(), header: details.header()}
	return get(ctx, c, what, details.decode, (*Artifact).named)
}

// flags sets each of Harbor's flags: with_tag is on when it is left out.
func (o Details) flags() url.Values {
	v := url.Values{}
	for name, on := range map[string]bool{
		"with_tag": o.Tags || o.Immutability, "with_label": o.Labels, "with_accessory": o.Accessories,
		"with_immutable_status": o.Immutability, "with_scan_overview": o.Scan, "with_sbom_overview": o.SBOM,
	} {
		v.Set(name, strconv.FormatBool(on))
	}
	return v
}

func (o Details) header() http.Header {
	if !o.Scan {
		return nil
	}
	return http.Header{"X-Accept-Vulnerabilities": {reportType}}
}

// DigestQuery returns the q that selects the artifacts with one of these digests.
func DigestQuery(digests []string) string { return "digest={" + strings.Join(digests, " ") + "}" }
