// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"slices"
)

// AddTag gives the artifact that ref names (a tag or a digest) another tag, as
// the API does. A tag that exists in the repository already is a conflict.
func (r *Registry) AddTag(repositoryName, ref, tag string) error {
	return r.write(func(now instant) error {
		repo, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		if !tagName.MatchString(tag) {
			return fmt.Errorf("tag %q: %w: want %s", tag, ErrInvalidName, tagName)
		}
		if repo.find(tag) != nil {
			return fmt.Errorf("tag %q of %q: %w", tag, repositoryName, ErrConflict)
		}
		r.setTag(a, tag, now)
		r.record(now, repo.project.id, "create", "tag", repositoryName+":"+tag, repositoryName+":"+tag)
		return nil
	})
}

// DeleteTag removes a tag. The artifact stays.
func (r *Registry) DeleteTag(repositoryName, tag string) error {
	return r.write(func(now instant) error {
		repo, err := r.repository(repositoryName)
		if err != nil {
			return err
		}
		a := repo.find(tag)
		if a == nil || a.tag(tag) == nil {
			return fmt.Errorf("tag %q of %q: %w", tag, repositoryName, ErrNotFound)
		}
		a.dropTag(tag)
		r.touch(repo, now)
		r.record(now, repo.project.id, "delete", "tag", repositoryName+":"+tag, repositoryName+":"+tag)
		return nil
	})
}

// DeleteArtifact removes the artifact that ref names with all its tags and
// referrers; of an index also the children without a tag that nothing else
// refers to. An artifact that an index refers to cannot be deleted
// ([ErrPrecondition], Harbor's 412).
func (r *Registry) DeleteArtifact(repositoryName, ref string) error {
	return r.write(func(now instant) error {
		repo, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		if a.parents > 0 {
			return fmt.Errorf("artifact %q of %q is referred to by an index: %w", ref, repositoryName, ErrPrecondition)
		}
		r.emitDelete(a, AdminName, now)
		r.remove(a)
		r.touch(repo, now)
		subject := repositoryName + "@" + a.digest.String()
		r.record(now, repo.project.id, "delete", "artifact", subject, subject)
		return nil
	})
}

// remove deletes a and what lives and dies with it.
func (r *Registry) remove(a *artifact) {
	repo := a.repo
	repo.artifacts = removeByID(repo.artifacts, a)
	repo.project.artifacts = removeByID(repo.project.artifacts, a)
	repo.project.storageUsed -= a.size
	if a.extra == nil {
		return
	}
	if link := a.extra.link; link != nil && link.subject != nil {
		link.subject.detach(a)
	}
	for _, accessory := range slices.Clone(a.extra.accessories) {
		r.remove(accessory)
	}
	for _, ref := range a.extra.references {
		if ref.child == nil {
			continue
		}
		ref.child.parents--
		if ref.child.parents == 0 && len(ref.child.tags) == 0 {
			r.remove(ref.child)
		}
	}
}

// detach drops a deleted accessory from its subject, and the overview of an SBOM.
func (a *artifact) detach(accessory *artifact) {
	a.extra.accessories = slices.DeleteFunc(a.extra.accessories, func(other *artifact) bool { return other == accessory })
	if a.extra.sbomDigest == accessory.digest.String() {
		a.setSBOM(nil, "")
	}
}

// DeleteRepository removes a repository with all its artifacts. The name can be
// used again and then has a new id.
func (r *Registry) DeleteRepository(name string) error {
	return r.write(func(now instant) error {
		repo, err := r.repository(name)
		if err != nil {
			return err
		}
		p := repo.project
		for _, a := range repo.artifacts {
			p.storageUsed -= a.size
			if a.listed() {
				r.emit(event{
					typ: "DELETE_ARTIFACT", operator: AdminName, at: now, project: p, repository: repo, gone: true,
					resources: []resourceJSON{a.resource(a.newest())},
				})
			}
		}
		p.artifacts = slices.DeleteFunc(p.artifacts, func(a *artifact) bool { return a.repo == repo })
		delete(p.repositories, repo.rest())
		delete(r.repositories, name)
		r.record(now, p.id, "delete", "repository", name, name)
		return nil
	})
}

// DeleteProject removes a project. One that has repositories cannot be deleted
// ([ErrPrecondition], Harbor's 412).
func (r *Registry) DeleteProject(name string) error {
	return r.write(func(now instant) error {
		p := r.projects[name]
		if p == nil {
			return fmt.Errorf("project %q: %w", name, ErrNotFound)
		}
		if len(p.repositories) > 0 {
			return fmt.Errorf("project %q contains repositories: %w", name, ErrPrecondition)
		}
		delete(r.projects, name)
		delete(r.projectByID, p.id)
		for _, account := range r.accounts {
			delete(account.roles, p.id)
		}
		r.record(now, p.id, "delete", "project", name, name)
		return nil
	})
}
