// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"strings"
	"time"
)

type auditAnswer struct {
	ID           int64     `json:"id"`
	Time         time.Time `json:"op_time"`
	Operation    string    `json:"operation"`
	Description  string    `json:"operation_description"`
	Result       bool      `json:"operation_result"`
	Resource     string    `json:"resource"`
	ResourceType string    `json:"resource_type"`
	Username     string    `json:"username"`
}

func (c *content) extractAudit(project string, a *auditAnswer) {
	p := c.Projects[project]
	if p == nil {
		return
	}
	c.Audit[a.ID] = &auditContent{
		ID: a.ID, ProjectID: p.ID, Operation: a.Operation, Description: a.Description, ResourceType: a.ResourceType,
		Resource: a.Resource, Username: a.Username, Time: a.Time, Failed: !a.Result,
	}
}

// settle makes the counts of made-up artifacts: those that a repository counts
// beyond the ones that are known.
func (c *content) settle() {
	c.tagFromLog()
	children := map[string]bool{}
	for _, a := range c.Artifacts {
		for _, ref := range a.References {
			children[a.Repository+"@"+ref.Digest] = true
		}
	}
	for _, a := range c.Artifacts {
		repo := c.Repositories[a.Repository]
		if repo == nil || a.Accessory != nil || len(a.Tags) == 0 && children[a.Repository+"@"+a.Digest] {
			continue
		}
		repo.Fill--
	}
}

// tagFromLog gives artifacts that were only ever listed without tags the tag
// that the audit log says they were pushed with. Their ids are the ones that no
// other tag has, in the order of the pushes.
func (c *content) tagFromLog() {
	used := map[int64]bool{}
	for _, a := range c.Artifacts {
		for _, tag := range a.Tags {
			used[tag.ID] = true
		}
	}
	id := int64(1)
	for _, row := range sortedKeys(c.Audit) {
		log := c.Audit[row]
		repository, digest, _ := strings.Cut(strings.TrimPrefix(log.Description, "push artifact: "), "@")
		_, name, tagged := strings.Cut(log.Resource, ":")
		if log.ResourceType != "artifact" || log.Operation != "create" || !tagged || strings.Contains(log.Resource, "@") {
			continue
		}
		for _, a := range c.Artifacts {
			if a.Repository != repository || a.Digest != digest || a.sawTags || len(a.Tags) > 0 {
				continue
			}
			for used[id] {
				id++
			}
			used[id] = true
			a.Tags = []tagContent{{ID: id, Name: name, Pushed: a.Pushed}}
		}
	}
}
