// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"slices"
)

// retentionJSON is what the event TAG_RETENTION tells.
type retentionJSON struct {
	Total     int                 `json:"total"`
	Retained  int                 `json:"retained"`
	Host      string              `json:"harbor_hostname"`
	Project   string              `json:"project_name"`
	PolicyID  int64               `json:"retention_policy_id"`
	Rules     []retentionRuleJSON `json:"retention_rule"`
	Result    string              `json:"result"`
	Deleted   []deletedJSON       `json:"deleted_artifact"`
	artifacts []*artifact
}

type (
	retentionRuleJSON struct {
		Template     string                    `json:"template"`
		Params       map[string]int            `json:"params"`
		TagSelectors []selectorJSON            `json:"tag_selectors"`
		Scope        map[string][]selectorJSON `json:"scope_selectors"`
	}
	selectorJSON struct {
		Kind       string `json:"kind"`
		Decoration string `json:"decoration"`
		Pattern    string `json:"pattern"`
		Extras     string `json:"extras"`
	}
	deletedJSON struct {
		Type       string   `json:"type"`
		Status     string   `json:"status"`
		NameAndTag string   `json:"name_tag"`
		References []string `json:"references"`
	}
)

// RunRetention runs a tag retention rule on a repository: of the artifacts that
// are listed, the keep that were pushed last stay, and the others are deleted,
// as by jobservice. What an index refers to stays.
func (r *Registry) RunRetention(repositoryName string, keep int) error {
	return r.write(func(now instant) error {
		repo, err := r.repository(repositoryName)
		if err != nil {
			return err
		}
		run := retain(repo, keep)
		for _, a := range run.artifacts {
			tag := a.newest()
			name := repo.rest() + ":" + tag
			if tag == "" {
				name = repo.rest() + "@" + a.digest.String() // not recorded
			}
			run.Deleted = append(run.Deleted, deletedJSON{Type: "image", Status: "SUCCESS", NameAndTag: name})
			r.emitDelete(a, "harbor-jobservice", now)
			r.remove(a)
			r.touch(repo, now)
			subject := repositoryName + "@" + a.digest.String()
			r.record(now, repo.project.id, "delete", "artifact", subject, subject)
		}
		if len(run.Deleted) > 0 {
			r.emit(event{typ: "TAG_RETENTION", operator: AdminName, at: now, project: repo.project, retention: run})
		}
		return nil
	})
}

// retain decides which artifacts go.
func retain(repo *repository, keep int) *retentionJSON {
	var listed []*artifact
	for _, a := range slices.Backward(repo.artifacts) {
		if a.listed() {
			listed = append(listed, a)
		}
	}
	slices.SortStableFunc(listed, func(a, b *artifact) int { return cmp.Compare(b.pushed, a.pushed) })
	run := &retentionJSON{
		Total: len(listed), Project: repo.project.name, PolicyID: 1, Result: "SUCCESS",
		Rules: []retentionRuleJSON{{
			Template: "latestPushedK", Params: map[string]int{"latestPushedK": keep},
			TagSelectors: []selectorJSON{{"doublestar", "matches", "**", `{"untagged":true}`}},
			Scope:        map[string][]selectorJSON{"repository": {{"doublestar", "repoMatches", repo.rest(), ""}}},
		}},
	}
	for _, a := range listed[min(keep, len(listed)):] {
		if a.parents == 0 {
			run.artifacts = append(run.artifacts, a)
		}
	}
	run.Retained = len(listed) - len(run.artifacts)
	return run
}
