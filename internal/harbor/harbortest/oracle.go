// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"slices"
	"time"
)

// ListedArtifact is an artifact that Harbor lists.
type ListedArtifact struct {
	ID         int64     `json:"id"`
	Project    string    `json:"project"`
	Repository string    `json:"repository"` // with the project's name
	Digest     string    `json:"digest"`
	Type       string    `json:"type"`
	Tags       []string  `json:"tags"` // in alphabetical order
	Labels     []string  `json:"labels,omitempty"`
	Size       int64     `json:"size"`
	Pushed     time.Time `json:"pushed"`
}

// ListedRepository is a repository that Harbor lists.
type ListedRepository struct {
	ID            int64     `json:"id"`
	ProjectID     int64     `json:"project_id"`
	Project       string    `json:"project"`
	Name          string    `json:"name"` // with the project's name
	ArtifactCount int       `json:"artifact_count"`
	PullCount     int64     `json:"pull_count"`
	Updated       time.Time `json:"updated"`
}

// Listed returns every artifact that Harbor lists now to an administrator, of
// the named projects or of all, by repository and id, and the sequence number
// of that instant. It is the truth that an inventory is compared with.
func (r *Registry) Listed(projects ...string) ([]ListedArtifact, uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var listed []ListedArtifact
	for _, repo := range r.repositoriesOf(projects) {
		for _, a := range repo.artifacts {
			if a.listed() {
				listed = append(listed, r.describe(a))
			}
		}
	}
	return listed, r.sequence
}

// Repositories returns every repository that Harbor lists now to an
// administrator, of the named projects or of all, by name, and the sequence
// number of that instant.
func (r *Registry) Repositories(projects ...string) ([]ListedRepository, uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var listed []ListedRepository
	for _, repo := range r.repositoriesOf(projects) {
		listed = append(listed, ListedRepository{
			ID: repo.id, ProjectID: repo.project.id, Project: repo.project.name, Name: repo.name,
			ArtifactCount: repo.artifactCount(), PullCount: repo.pulls, Updated: repo.updated.time(),
		})
	}
	return listed, r.sequence
}

// Projects returns the names of all projects in alphabetical order.
func (r *Registry) Projects() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.projects))
	for name := range r.projects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *Registry) repositoriesOf(projects []string) []*repository {
	var repos []*repository
	for _, repo := range r.repositories {
		if len(projects) == 0 || slices.Contains(projects, repo.project.name) {
			repos = append(repos, repo)
		}
	}
	slices.SortFunc(repos, func(a, b *repository) int { return cmp.Compare(a.name, b.name) })
	return repos
}

func (r *Registry) describe(a *artifact) ListedArtifact {
	tags := make([]string, 0, len(a.tags))
	for _, t := range a.tags {
		tags = append(tags, t.name)
	}
	slices.Sort(tags)
	var labels []string
	for _, id := range a.labelIDs() {
		labels = append(labels, r.labels[id].name)
	}
	return ListedArtifact{
		ID: a.id, Project: a.repo.project.name, Repository: a.repo.name, Digest: a.digest.String(), Type: a.kind.typ,
		Tags: tags, Labels: labels, Size: a.size, Pushed: a.pushed.time(),
	}
}

// artifactCount is the number of listed artifacts.
func (r *repository) artifactCount() int {
	n := 0
	for _, a := range r.artifacts {
		if a.listed() {
			n++
		}
	}
	return n
}
