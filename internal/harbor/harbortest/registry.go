// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Registry is the content of a simulated Harbor: projects, repositories,
// artifacts, labels and accounts. It is safe for concurrent use; each method
// is one instant.
//
// A new Registry holds the public project library and the account
// admin/Harbor12345, as a fresh Harbor does.
type Registry struct {
	clock   func() time.Time
	version Version

	mu           sync.RWMutex
	sequence     uint64
	projects     map[string]*project
	projectByID  map[int64]*project
	repositories map[string]*repository
	labels       map[int64]*label
	accounts     map[string]*account
	kinds        map[kind]*kind
	audit        []auditEntry
	auditOff     bool
	auditDelay   func(id int64) time.Duration
	pulls        pulls
	readOnly     bool
	silent       bool // sends no webhooks
	// deliver hands an event on to deliverer; nil when nobody delivers.
	deliver   func(event, int64, WebhookTarget)
	deliverer *webhooks
	ids       ids
}

// ids are the sequences of Harbor's tables: an id is never given twice, also
// not when what had it is deleted.
type ids struct {
	Project, Allowlist, Repository, Artifact, Tag, Accessory, Label, Account, Audit, Policy int64
}

func next(id *int64) int64 {
	*id++
	return *id
}

// Option changes a new [Registry].
type Option func(*Registry)

// WithClock sets the clock that times of pushes, updates and such come from.
// The default is time.Now.
func WithClock(now func() time.Time) Option { return func(r *Registry) { r.clock = now } }

// WithVersion sets the version that the registry, and every server that serves
// it, behaves as. The default is [Latest].
func WithVersion(v Version) Option { return func(r *Registry) { r.version = v.orLatest() } }

// New returns a registry with the project library and the administrator.
func New(options ...Option) *Registry {
	r := empty(options...)
	r.AddUser(User{Name: AdminName, Secret: AdminSecret, Admin: true, RealName: "system admin", Comment: "admin user"})
	if err := r.CreateProject("library", true); err != nil {
		panic(err) // cannot be: the registry is empty
	}
	return r
}

func empty(options ...Option) *Registry {
	r := &Registry{
		clock:        time.Now,
		version:      Latest,
		projects:     map[string]*project{},
		projectByID:  map[int64]*project{},
		repositories: map[string]*repository{},
		labels:       map[int64]*label{},
		accounts:     map[string]*account{},
		kinds:        map[kind]*kind{},
	}
	for _, option := range options {
		option(r)
	}
	return r
}

// Version is the version that the registry behaves as.
func (r *Registry) Version() Version { return r.version }

// Errors of the methods that change a registry. Harbor answers the same calls
// with 404, 409 and 412.
var (
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("exists already")
	ErrPrecondition = errors.New("precondition failed")
	ErrInvalidName  = errors.New("invalid name")
)

// Names as Harbor allows them: projects and repositories to 255 characters,
// tags to 128.
var (
	projectName   = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	repositoryTop = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)
	tagName       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

// write runs change under the lock at one time of the clock and counts it in
// the sequence when it succeeds.
func (r *Registry) write(change func(now instant) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := change(toInstant(r.clock())); err != nil {
		return err
	}
	r.sequence++
	return nil
}

// Sequence counts the changes of the registry so far.
func (r *Registry) Sequence() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sequence
}

// SetReadOnly switches Harbor's read-only mode, which /systeminfo shows. The
// methods of Registry go on to work.
func (r *Registry) SetReadOnly(on bool) {
	_ = r.write(func(instant) error { r.readOnly = on; return nil })
}

// CreateProject makes a project, owned by the administrator. A project made
// again under the name of a deleted one has a new id.
func (r *Registry) CreateProject(name string, public bool) error {
	return r.write(func(now instant) error {
		if len(name) > 255 || !projectName.MatchString(name) {
			return fmt.Errorf("project %q: %w: want %s, 1 to 255 characters", name, ErrInvalidName, projectName)
		}
		if r.projects[name] != nil {
			return fmt.Errorf("project %q: %w", name, ErrConflict)
		}
		p := &project{
			id: next(&r.ids.Project), allowlistID: next(&r.ids.Allowlist), name: name, public: public,
			ownerID: 1, ownerName: AdminName, created: now, updated: now,
			storageHard: -1, repositories: map[string]*repository{},
		}
		r.addProject(p)
		r.record(now, p.id, "create", "project", name, name)
		return nil
	})
}

func (r *Registry) addProject(p *project) {
	r.projects[p.name] = p
	r.projectByID[p.id] = p
}

// SetImmutable sets the project's immutability rules: patterns of tags
// (path.Match), such as "v*".
func (r *Registry) SetImmutable(projectName string, patterns ...string) error {
	return r.write(func(instant) error {
		p := r.projects[projectName]
		if p == nil {
			return fmt.Errorf("project %q: %w", projectName, ErrNotFound)
		}
		p.immutable = slices.Clone(patterns)
		return nil
	})
}

// EditDescription sets the repository's description, which moves its
// update_time in every version.
func (r *Registry) EditDescription(repositoryName, text string) error {
	return r.write(func(now instant) error {
		repo, err := r.repository(repositoryName)
		if err != nil {
			return err
		}
		repo.description = text
		repo.updated = now
		return nil
	})
}

// repository finds a repository by its full name.
func (r *Registry) repository(name string) (*repository, error) {
	repo := r.repositories[name]
	if repo == nil {
		return nil, fmt.Errorf("repository %q: %w", name, ErrNotFound)
	}
	return repo, nil
}

// find returns the artifact that a digest or tag of the repository names.
func (r *repository) find(ref string) *artifact {
	if d, err := parseDigest(ref); err == nil {
		return r.byDigest(d)
	}
	for _, a := range r.artifacts {
		if a.tag(ref) != nil {
			return a
		}
	}
	return nil
}

func (r *repository) byDigest(d digest) *artifact {
	for _, a := range r.artifacts {
		if a.digest == d {
			return a
		}
	}
	return nil
}

// lookup returns the repository and the artifact that ref names in it.
func (r *Registry) lookup(repositoryName, ref string) (*repository, *artifact, error) {
	repo, err := r.repository(repositoryName)
	if err != nil {
		return nil, nil, err
	}
	a := repo.find(ref)
	if a == nil {
		return nil, nil, fmt.Errorf("artifact %q of %q: %w", ref, repositoryName, ErrNotFound)
	}
	return repo, a, nil
}

// ensure returns the named repository, making it when it does not exist, as a
// push does.
func (r *Registry) ensure(name string, now instant) (*repository, error) {
	if repo := r.repositories[name]; repo != nil {
		return repo, nil
	}
	projectPart, rest, ok := strings.Cut(name, "/")
	if !ok || len(name) > 255 || !repositoryTop.MatchString(rest) {
		return nil, fmt.Errorf("repository %q: %w: want project/name in lower case, at most 255 characters", name, ErrInvalidName)
	}
	p := r.projects[projectPart]
	if p == nil {
		return nil, fmt.Errorf("project %q: %w: create it first", projectPart, ErrNotFound)
	}
	repo := &repository{id: next(&r.ids.Repository), project: p, name: name, created: now, updated: now}
	r.addRepository(repo)
	return repo, nil
}

func (r *Registry) addRepository(repo *repository) {
	r.repositories[repo.name] = repo
	repo.project.repositories[repo.rest()] = repo
}

// touch moves a repository's update_time where the version does so for changes
// of artifacts and tags.
func (r *Registry) touch(repo *repository, now instant) {
	if r.version.movesUpdateTime() {
		repo.updated = now
	}
}

// intern returns the one shared copy of k.
func (r *Registry) intern(k kind) *kind {
	shared := r.kinds[k]
	if shared == nil {
		shared = &k
		r.kinds[k] = shared
	}
	return shared
}

// insertByID adds a to artifacts in order of id; new ids are the greatest.
func insertByID(artifacts []*artifact, a *artifact) []*artifact {
	if n := len(artifacts); n == 0 || artifacts[n-1].id < a.id {
		return append(artifacts, a)
	}
	at, _ := searchByID(artifacts, a.id)
	return slices.Insert(artifacts, at, a)
}

func removeByID(artifacts []*artifact, a *artifact) []*artifact {
	at, found := searchByID(artifacts, a.id)
	if !found {
		return artifacts
	}
	return slices.Delete(artifacts, at, at+1)
}

func searchByID(artifacts []*artifact, id int64) (int, bool) {
	return slices.BinarySearchFunc(artifacts, id, func(a *artifact, id int64) int {
		switch {
		case a.id < id:
			return -1
		case a.id > id:
			return 1
		}
		return 0
	})
}
