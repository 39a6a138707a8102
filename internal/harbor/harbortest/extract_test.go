// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The extraction turns recorded answers into rows: what an entity is, wherever
// it was shown. Requests play no part in it but to know which of an artifact's
// parts an answer could show at all.

func newContent() *content {
	return &content{
		Projects: map[string]*projectContent{}, Repositories: map[string]*repositoryContent{},
		Artifacts: map[int64]*artifactContent{}, Labels: map[int64]*labelContent{}, Audit: map[int64]*auditContent{},
	}
}

// extract adds the entities that the entry's answer shows.
func (c *content) extract(tb testing.TB, e *entry) {
	tb.Helper()
	if e.method != "GET" || e.status != 200 {
		return
	}
	if e.url.Path == apiPrefix+"/quotas" {
		each(tb, e, c.extractQuota)
		return
	}
	route, args, ok := resolve(e.method, cleanPath(e.url.Path), Latest)
	if !ok {
		return
	}
	switch route.class {
	case ClassProjects, ClassProject:
		each(tb, e, c.extractProject)
	case ClassRepositories, ClassRepository, ClassAllRepositories:
		each(tb, e, c.extractRepository)
	case ClassArtifacts, ClassArtifact, ClassProjectArtifacts:
		each(tb, e, func(a *artifactAnswer) { c.extractArtifact(e, a) })
	case ClassTags:
		each(tb, e, func(tag *tagAnswer) { c.extractTags(tag.ArtifactID, []tagAnswer{*tag}) })
	case ClassAccessories:
		each(tb, e, func(a *accessoryAnswer) { c.extractAccessory(a) })
	case ClassLabels, ClassLabel:
		each(tb, e, c.extractLabel)
	case ClassAddition:
		c.extractAddition(e, args)
	case ClassProjectAuditLogs:
		each(tb, e, func(a *auditAnswer) { c.extractAudit(args[0], a) })
	case ClassAuditLogExts:
		each(tb, e, func(a *auditAnswer) {
			if project, _, _ := strings.Cut(a.Resource, "/"); a.ResourceType != "robot" && a.ResourceType != "user" {
				c.extractAudit(project, a)
			}
		})
	default:
	}
}

// each decodes the answer's rows, or its one row.
func each[T any](tb testing.TB, e *entry, visit func(*T)) {
	tb.Helper()
	rows, decoded := e.rows.([]*T)
	if !decoded {
		text := []byte(e.body)
		if len(text) > 0 && text[0] != '[' {
			text = slices.Concat([]byte("["), text, []byte("]"))
		}
		if err := json.Unmarshal(text, &rows); err != nil {
			tb.Fatalf("%s, entry %d: %v", e.recording, e.number, err)
		}
		e.rows = rows
	}
	for _, row := range rows {
		visit(row)
	}
}

type projectAnswer struct {
	ProjectID    int64     `json:"project_id"`
	Name         string    `json:"name"`
	OwnerID      int64     `json:"owner_id"`
	OwnerName    string    `json:"owner_name"`
	CreationTime time.Time `json:"creation_time"`
	UpdateTime   time.Time `json:"update_time"`
	Allowlist    struct {
		ID int64 `json:"id"`
	} `json:"cve_allowlist"`
	Metadata *struct {
		Public string `json:"public"`
	} `json:"metadata"`
}

func (c *content) extractProject(p *projectAnswer) {
	if p.Metadata == nil {
		return // without detail
	}
	kept := c.Projects[p.Name]
	if kept == nil {
		kept = &projectContent{StorageHard: -1}
		c.Projects[p.Name] = kept
	}
	kept.ID, kept.AllowlistID, kept.Name, kept.OwnerID, kept.OwnerName = p.ProjectID, p.Allowlist.ID, p.Name, p.OwnerID, p.OwnerName
	kept.Public, kept.Created, kept.Updated = p.Metadata.Public == "true", p.CreationTime, p.UpdateTime
}

type quotaAnswer struct {
	Ref struct {
		Name string `json:"name"`
	} `json:"ref"`
	Hard struct {
		Storage int64 `json:"storage"`
	} `json:"hard"`
	Used struct {
		Storage int64 `json:"storage"`
	} `json:"used"`
}

func (c *content) extractQuota(q *quotaAnswer) {
	if p := c.Projects[q.Ref.Name]; p != nil {
		p.StorageHard, p.StorageUsed = q.Hard.Storage, q.Used.Storage
	}
}

type repositoryAnswer struct {
	ID            int64     `json:"id"`
	Name          string    `json:"name"`
	ArtifactCount int       `json:"artifact_count"`
	PullCount     int64     `json:"pull_count"`
	CreationTime  time.Time `json:"creation_time"`
	UpdateTime    time.Time `json:"update_time"`
}

func (c *content) extractRepository(r *repositoryAnswer) {
	c.Repositories[r.Name] = &repositoryContent{
		ID: r.ID, Name: r.Name, Created: r.CreationTime, Updated: r.UpdateTime, Pulls: r.PullCount, Fill: r.ArtifactCount,
	}
}

type artifactAnswer struct {
	ID                int64             `json:"id"`
	RepositoryName    string            `json:"repository_name"`
	Digest            string            `json:"digest"`
	Size              int64             `json:"size"`
	PushTime          time.Time         `json:"push_time"`
	PullTime          time.Time         `json:"pull_time"`
	Type              string            `json:"type"`
	MediaType         string            `json:"media_type"`
	ManifestMediaType string            `json:"manifest_media_type"`
	ArtifactType      string            `json:"artifact_type"`
	Icon              string            `json:"icon"`
	ExtraAttrs        json.RawMessage   `json:"extra_attrs"`
	Annotations       json.RawMessage   `json:"annotations"`
	Links             map[string]any    `json:"addition_links"`
	References        []referenceAnswer `json:"references"`
	Tags              []tagAnswer       `json:"tags"`
	Labels            []labelAnswer     `json:"labels"`
	Accessories       []accessoryAnswer `json:"accessories"`
	Scan              json.RawMessage   `json:"scan_overview"`
	SBOM              json.RawMessage   `json:"sbom_overview"`
}

type referenceAnswer struct {
	ChildID     int64           `json:"child_id"`
	ChildDigest string          `json:"child_digest"`
	Platform    json.RawMessage `json:"platform"`
	Annotations json.RawMessage `json:"annotations"`
	URLs        json.RawMessage `json:"urls"`
}

type tagAnswer struct {
	ArtifactID int64     `json:"artifact_id"`
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	PushTime   time.Time `json:"push_time"`
	PullTime   time.Time `json:"pull_time"`
	Immutable  bool      `json:"immutable"`
}

// artifact returns the row, with what can be said of an artifact of which only
// a reference was seen.
func (c *content) artifact(id int64, repository, digest string) *artifactContent {
	a := c.Artifacts[id]
	if a == nil {
		a = &artifactContent{ID: id, Repository: repository, Digest: digest, Type: "UNKNOWN"}
		c.Artifacts[id] = a
	}
	return a
}

func (c *content) extractArtifact(e *entry, a *artifactAnswer) {
	kept := c.artifact(a.ID, a.RepositoryName, a.Digest)
	kept.Size, kept.Pushed, kept.Type, kept.MediaType, kept.ManifestMediaType = a.Size, a.PushTime, a.Type, a.MediaType, a.ManifestMediaType
	kept.ArtifactType, kept.Icon, kept.ExtraAttrs, kept.Annotations = a.ArtifactType, a.Icon, a.ExtraAttrs, a.Annotations
	kept.Pulled = pulled(a.PullTime)
	if !kept.Scannable { // links are missing in partial answers
		_, kept.Scannable = a.Links[vulnerabilities]
	}
	var links []string
	for name := range a.Links {
		if name != vulnerabilities && name != "sboms" {
			links = append(links, name)
		}
	}
	slices.Sort(links)
	kept.Links = strings.Join(links, " ")
	kept.References = nil
	for _, ref := range a.References {
		child := c.artifact(ref.ChildID, a.RepositoryName, ref.ChildDigest)
		if child.Pushed.IsZero() {
			child.Pushed = a.PushTime
		}
		kept.References = append(kept.References, referenceContent{
			ID: ref.ChildID, Digest: ref.ChildDigest, Platform: ref.Platform, Annotations: ref.Annotations, URLs: none(ref.URLs),
		})
	}
	shown := e.url.Query()
	kept.sawTags = kept.sawTags || shown.Get("with_tag") != "false"
	if shown.Get("with_tag") != "false" && len(a.Tags) > 0 {
		c.extractTags(a.ID, a.Tags)
	}
	if shown.Get("with_label") == "true" && len(a.Labels) > 0 {
		kept.Labels = nil
		for _, l := range a.Labels {
			c.extractLabel(&l)
			kept.Labels = append(kept.Labels, l.ID)
		}
	}
	for i := range a.Accessories {
		c.extractAccessory(&a.Accessories[i])
	}
	if a.Scan != nil {
		kept.Scan = a.Scan
	}
	if a.SBOM != nil {
		kept.SBOM = a.SBOM
	}
}

func none(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func pulled(t time.Time) time.Time {
	if t.Year() == 1 {
		return time.Time{}
	}
	return t
}

func (c *content) extractTags(artifactID int64, tags []tagAnswer) {
	kept := c.Artifacts[artifactID]
	if kept == nil {
		return
	}
	for _, tag := range tags {
		row := tagContent{ID: tag.ID, Name: tag.Name, Pushed: tag.PushTime, Pulled: pulled(tag.PullTime)}
		at := slices.IndexFunc(kept.Tags, func(other tagContent) bool { return other.ID == tag.ID })
		if at < 0 {
			kept.Tags = append(kept.Tags, row)
			continue
		}
		kept.Tags[at] = row
	}
}

type accessoryAnswer struct {
	ID            int64     `json:"id"`
	ArtifactID    int64     `json:"artifact_id"`
	Digest        string    `json:"digest"`
	Size          int64     `json:"size"`
	Type          string    `json:"type"`
	Icon          string    `json:"icon"`
	CreationTime  time.Time `json:"creation_time"`
	SubjectDigest string    `json:"subject_artifact_digest"`
	Repository    string    `json:"subject_artifact_repo"`
}

func (c *content) extractAccessory(a *accessoryAnswer) {
	kept := c.artifact(a.ArtifactID, a.Repository, a.Digest)
	kept.Size = a.Size
	if kept.Pushed.IsZero() {
		kept.Pushed = a.CreationTime
	}
	kept.Accessory = &accessoryContent{ID: a.ID, Type: a.Type, Icon: a.Icon, Created: a.CreationTime, Subject: a.SubjectDigest}
}

type labelAnswer struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Color       string    `json:"color"`
	Scope       string    `json:"scope"`
	ProjectID   int64     `json:"project_id"`
	Created     time.Time `json:"creation_time"`
	Updated     time.Time `json:"update_time"`
}

func (c *content) extractLabel(l *labelAnswer) {
	kept := labelContent(*l)
	c.Labels[l.ID] = &kept
}

// extractAddition adds the body to the artifact that the path names.
func (c *content) extractAddition(e *entry, args []string) {
	rest, err := url.PathUnescape(args[1])
	if err != nil {
		return
	}
	if accept := e.header["X-Accept-Vulnerabilities"]; accept != "" && !strings.Contains(accept, report11) || e.body == "{}" {
		return
	}
	for _, a := range c.Artifacts {
		named := a.Digest == args[2] || slices.ContainsFunc(a.Tags, func(tag tagContent) bool { return tag.Name == args[2] })
		if a.Repository != args[0]+"/"+rest || !named {
			continue
		}
		if a.Additions == nil {
			a.Additions = map[string]additionContent{}
		}
		a.Additions[args[3]] = additionContent{ContentType: e.answer["Content-Type"], Body: e.body}
	}
}

func (c *content) String() string {
	return fmt.Sprintf("%d projects, %d repositories, %d artifacts, %d labels", len(c.Projects), len(c.Repositories), len(c.Artifacts), len(c.Labels))
}
