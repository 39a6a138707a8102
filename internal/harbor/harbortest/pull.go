// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

// pulls are those that Harbor has not written down yet.
type pulls struct {
	late    bool
	pending []pull
}

type pull struct {
	artifact *artifact
	tag      string // empty: by digest
}

// Pull counts a pull of the artifact that ref names: pull_count, the pull times
// and the repository's update_time move, in every version. That is at once,
// unless [Registry.DelayPulls] says otherwise.
func (r *Registry) Pull(repositoryName, ref string) error {
	return r.write(func(now instant) error {
		repo, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		subject := repositoryName + "@" + a.digest.String()
		resource, tag := subject, ""
		if a.tag(ref) != nil {
			resource, tag = repositoryName+":"+ref, ref
		}
		r.emitArtifact("PULL_ARTIFACT", a, tag, now)
		r.record(now, repo.project.id, "pull", "artifact", resource, subject)
		r.pulls.pending = append(r.pulls.pending, pull{a, tag})
		if !r.pulls.late {
			r.flushPulls(now)
		}
		return nil
	})
}

// DelayPulls has pulls written down by [Registry.FlushPulls] alone. Harbor does
// that every 10 seconds: 6.5 and 9.8 seconds after the pull where it was watched.
func (r *Registry) DelayPulls(on bool) {
	_ = r.write(func(instant) error { r.pulls.late = on; return nil })
}

// FlushPulls writes down the pulls since the last time, as of now.
func (r *Registry) FlushPulls() {
	_ = r.write(func(now instant) error { r.flushPulls(now); return nil })
}

func (r *Registry) flushPulls(now instant) {
	for _, p := range r.pulls.pending {
		repo := p.artifact.repo
		if r.repositories[repo.name] != repo {
			continue // deleted meanwhile
		}
		p.artifact.pulled = now
		if t := p.artifact.tag(p.tag); t != nil {
			t.pulled = now
		}
		repo.pulls++
		repo.updated = now
	}
	r.pulls.pending = nil
}
