// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"fmt"
	"time"
)

// content is a registry's content as data: rows with fields, as they were found
// in recordings. It says nothing of requests or answers.
type content struct {
	Projects     map[string]*projectContent    `json:"projects"`
	Repositories map[string]*repositoryContent `json:"repositories"`
	Artifacts    map[int64]*artifactContent    `json:"artifacts"`
	Labels       map[int64]*labelContent       `json:"labels"`
	Audit        map[int64]*auditContent       `json:"audit,omitempty"`
}

type projectContent struct {
	ID          int64     `json:"id"`
	AllowlistID int64     `json:"allowlist"`
	Name        string    `json:"name"`
	Public      bool      `json:"public"`
	OwnerID     int64     `json:"ownerId"`
	OwnerName   string    `json:"ownerName"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Immutable   []string  `json:"immutable,omitempty"`
	StorageHard int64     `json:"storageHard"`
	StorageUsed int64     `json:"storageUsed"`
}

type repositoryContent struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Pulls   int64     `json:"pulls,omitempty"`
	// Fill is the number of artifacts that were counted but never shown: so
	// many untagged ones are made up.
	Fill int `json:"fill,omitempty"`
}

type artifactContent struct {
	ID                int64                      `json:"id"`
	Repository        string                     `json:"repository"`
	Digest            string                     `json:"digest"`
	Size              int64                      `json:"size"`
	Pushed            time.Time                  `json:"pushed"`
	Pulled            time.Time                  `json:"pulled,omitzero"`
	Type              string                     `json:"type"`
	MediaType         string                     `json:"mediaType"`
	ManifestMediaType string                     `json:"manifestMediaType"`
	ArtifactType      string                     `json:"artifactType,omitempty"`
	Icon              string                     `json:"icon,omitempty"`
	Links             string                     `json:"links,omitempty"`
	Scannable         bool                       `json:"scannable,omitempty"`
	ExtraAttrs        json.RawMessage            `json:"extraAttrs,omitempty"`
	Annotations       json.RawMessage            `json:"annotations,omitempty"`
	References        []referenceContent         `json:"references,omitempty"`
	Tags              []tagContent               `json:"tags,omitempty"`
	Labels            []int64                    `json:"labels,omitempty"`
	Accessory         *accessoryContent          `json:"accessory,omitempty"`
	Scan              json.RawMessage            `json:"scan,omitempty"`
	SBOM              json.RawMessage            `json:"sbom,omitempty"`
	Additions         map[string]additionContent `json:"additions,omitempty"`
	// sawTags is true when an answer has shown the artifact with its tags.
	sawTags bool
}

type referenceContent struct {
	ID          int64           `json:"id"`
	Digest      string          `json:"digest"`
	Platform    json.RawMessage `json:"platform,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
	URLs        json.RawMessage `json:"urls,omitempty"`
}

type tagContent struct {
	ID     int64     `json:"id"`
	Name   string    `json:"name"`
	Pushed time.Time `json:"pushed"`
	Pulled time.Time `json:"pulled,omitzero"`
}

type accessoryContent struct {
	ID      int64     `json:"id"`
	Type    string    `json:"type"`
	Icon    string    `json:"icon,omitempty"`
	Created time.Time `json:"created"`
	Subject string    `json:"subject"` // digest
}

type additionContent struct {
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
}

type labelContent struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Color       string    `json:"color"`
	Scope       string    `json:"scope"`
	ProjectID   int64     `json:"projectId,omitempty"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
}

type auditContent struct {
	ID           int64     `json:"id"`
	ProjectID    int64     `json:"projectId"`
	Operation    string    `json:"operation"`
	Description  string    `json:"description,omitempty"`
	ResourceType string    `json:"resourceType"`
	Resource     string    `json:"resource"`
	Username     string    `json:"username"`
	Time         time.Time `json:"time"`
	Failed       bool      `json:"failed,omitempty"`
}

// load makes a registry of the content, without accounts.
func (c *content) load(options ...Option) (*Registry, error) {
	r := empty(options...)
	for _, id := range sortedKeys(c.Projects) {
		p := c.Projects[id]
		r.addProject(&project{
			id: p.ID, allowlistID: p.AllowlistID, name: p.Name, public: p.Public, ownerID: p.OwnerID, ownerName: p.OwnerName,
			created: toInstant(p.Created), updated: toInstant(p.Updated), immutable: p.Immutable,
			storageHard: p.StorageHard, storageUsed: p.StorageUsed, repositories: map[string]*repository{},
		})
		r.ids.Project, r.ids.Allowlist = max(r.ids.Project, p.ID), max(r.ids.Allowlist, p.AllowlistID)
	}
	for _, name := range sortedKeys(c.Repositories) {
		if err := r.loadRepository(c.Repositories[name]); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(c.Labels) {
		l := c.Labels[id]
		r.labels[l.ID] = &label{
			id: l.ID, name: l.Name, description: l.Description, color: l.Color, scope: l.Scope, projectID: l.ProjectID,
			created: toInstant(l.Created), updated: toInstant(l.Updated),
		}
		r.ids.Label = max(r.ids.Label, l.ID)
	}
	for _, id := range sortedKeys(c.Audit) {
		e := c.Audit[id]
		r.audit = append(r.audit, auditEntry{
			id: e.ID, projectID: e.ProjectID, operation: e.Operation, description: e.Description, resourceType: e.ResourceType,
			resource: e.Resource, username: e.Username, at: toInstant(e.Time), failed: e.Failed,
		})
		r.ids.Audit = max(r.ids.Audit, e.ID)
	}
	for _, id := range sortedKeys(c.Artifacts) {
		if err := r.loadArtifact(c.Artifacts[id]); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(c.Artifacts) {
		if err := r.linkArtifact(c.Artifacts[id]); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(c.Repositories) {
		r.fill(r.repositories[name], c.Repositories[name].Fill)
	}
	return r, nil
}

func (r *Registry) loadRepository(c *repositoryContent) error {
	for _, p := range r.projects {
		if len(c.Name) > len(p.name) && c.Name[:len(p.name)+1] == p.name+"/" {
			r.addRepository(&repository{
				id: c.ID, project: p, name: c.Name, created: toInstant(c.Created), updated: toInstant(c.Updated), pulls: c.Pulls,
			})
			r.ids.Repository = max(r.ids.Repository, c.ID)
			return nil
		}
	}
	return fmt.Errorf("project of repository %q: %w", c.Name, ErrNotFound)
}

func (r *Registry) loadArtifact(c *artifactContent) error {
	repo, err := r.repository(c.Repository)
	if err != nil {
		return fmt.Errorf("artifact %d: %w", c.ID, err)
	}
	d, err := parseDigest(c.Digest)
	if err != nil {
		return fmt.Errorf("artifact %d: %w", c.ID, err)
	}
	a := &artifact{id: c.ID, repo: repo, digest: d, size: c.Size, pushed: toInstant(c.Pushed), pulled: toInstant(c.Pulled)}
	a.kind = r.intern(kind{
		typ: c.Type, mediaType: c.MediaType, manifestMediaType: c.ManifestMediaType, artifactType: c.ArtifactType,
		icon: c.Icon, additions: c.Links, scannable: c.Scannable,
	})
	e := a.more()
	e.attrs, e.annotations, e.labels, e.scan = c.ExtraAttrs, c.Annotations, c.Labels, c.Scan
	var overview struct {
		Digest string `json:"sbom_digest"`
	}
	if len(c.SBOM) > 0 {
		if err := json.Unmarshal(c.SBOM, &overview); err != nil {
			return fmt.Errorf("artifact %d: sbom: %w", c.ID, err)
		}
		a.setSBOM(c.SBOM, overview.Digest)
	}
	for name, body := range c.Additions {
		e.addition(name, body.ContentType, []byte(body.Body))
	}
	for _, t := range c.Tags {
		a.tags = append(a.tags, tag{id: t.ID, name: t.Name, pushed: toInstant(t.Pushed), pulled: toInstant(t.Pulled)})
		r.ids.Tag = max(r.ids.Tag, t.ID)
	}
	repo.artifacts = insertByID(repo.artifacts, a)
	repo.project.artifacts = insertByID(repo.project.artifacts, a)
	r.ids.Artifact = max(r.ids.Artifact, c.ID)
	return nil
}

// linkArtifact connects an artifact with its children and its subject.
func (r *Registry) linkArtifact(c *artifactContent) error {
	repo := r.repositories[c.Repository]
	a := repo.find(c.Digest)
	for _, ref := range c.References {
		child := repo.find(ref.Digest)
		if child == nil {
			return fmt.Errorf("artifact %d: child %q: %w", c.ID, ref.Digest, ErrNotFound)
		}
		child.parents++
		a.more().references = append(a.more().references, reference{
			child: child, digest: ref.Digest, platform: ref.Platform, annotations: ref.Annotations, urls: ref.URLs,
		})
	}
	if c.Accessory == nil {
		return nil
	}
	a.attach(repo.find(c.Accessory.Subject), &accessoryLink{
		id: c.Accessory.ID, typ: c.Accessory.Type, icon: c.Accessory.Icon, created: toInstant(c.Accessory.Created), subjectDigest: c.Accessory.Subject,
	})
	r.ids.Accessory = max(r.ids.Accessory, c.Accessory.ID)
	return nil
}

// fill adds n untagged artifacts that are made up.
func (r *Registry) fill(repo *repository, n int) {
	updated, used := repo.updated, repo.project.storageUsed
	for range n {
		r.create(repo, r.freshDigest(repo), Image{Kind: OCIImage}, repo.created)
	}
	repo.updated, repo.project.storageUsed = updated, used
}
