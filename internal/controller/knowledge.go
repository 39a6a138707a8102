// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// knowledge is what the operator remembers of one inventory from sync to sync.
// It is of one generation of the spec, and lost with the process: without it a
// sync reads everything once more, and writes nothing that is right.
type knowledge struct {
	uid        types.UID
	generation int64

	// stripes serialize the writing of single repositories: a hint may have a
	// repository read while a sync does.
	stripes [64]*semaphore.Weighted
	seed    maphash.Seed

	mu           sync.Mutex
	repositories map[string]remembered
	// whole tells that a sync of everything has ended since.
	whole   bool
	version string    // of Harbor
	pushed  time.Time // of the newest artifact
	audit   auditLog
	// untold are repositories in which something was found that was pushed, and
	// when. The audit log should have told of it, or should do so soon.
	untold map[string]time.Time
	// listed are the projects that Harbor listed, by id.
	listed []int64
	// apart: until then repositories are listed project by project.
	apart time.Time
	// connections bounds the requests in flight of whatever reads for the inventory.
	connections *transport.Limiter
	lane        lane
	// policies tells of each project what became of its webhook policy.
	policies map[string]registered
}

// registered is when a project's webhook policy was looked at, and what was wrong.
type registered struct {
	at  time.Time
	err error
}

// remembered is what is known of one repository since its lists were last
// brought in line with Harbor.
type remembered struct {
	current.Record // of the reading whose result stands in the lists

	written time.Time // when they were last found right, or made so
	pushed  time.Time // of its newest artifact or tag, by Harbor's clock
	hash    shard.Hash
	lists   int
	totals  inventory.Totals
	oldest  time.Time // the push of the oldest artifact that stands in them; zero if none is known
}

// memory holds the knowledge of all inventories.
type memory struct {
	mu sync.Mutex
	of map[types.NamespacedName]*knowledge
}

func newMemory() *memory { return &memory{of: map[types.NamespacedName]*knowledge{}} }

// recall returns what is known of an inventory: nothing yet, where its spec has
// changed or it is another one of the same name.
func (m *memory) recall(inv *v1alpha1.HarborInventory) *knowledge {
	name := client.ObjectKeyFromObject(inv)
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of[name]
	if k == nil || k.uid != inv.UID || k.generation < inv.Generation {
		k = &knowledge{
			uid: inv.UID, generation: inv.Generation, seed: maphash.MakeSeed(), repositories: map[string]remembered{},
			connections: transport.NewLimiter(int(inv.Spec.MaxConnections)), lane: newLane(inv),
		}
		k.audit.resume(inv)
		for i := range k.stripes {
			k.stripes[i] = semaphore.NewWeighted(1)
		}
		m.of[name] = k
	}
	return k
}

// existing returns what is known of an inventory; nil if nothing is.
func (m *memory) existing(inventory types.NamespacedName) *knowledge {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[inventory]
}

// snapshot returns what is known of an inventory's repositories now.
func (m *memory) snapshot(inventory types.NamespacedName) map[string]remembered {
	k := m.existing(inventory)
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.repositories)
}

func (m *memory) forget(name types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, name)
}

// lock keeps others from writing the lists of a repository. Its error is the
// context's.
func (k *knowledge) lock(ctx context.Context, repository string) (unlock func(), err error) {
	stripe := k.stripes[maphash.String(k.seed, repository)%uint64(len(k.stripes))]
	if err := stripe.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { stripe.Release(1) }, nil
}

// outdated tells whether what was read of a repository is older than what stands
// in its lists. The caller holds the repository's lock.
func (k *knowledge) outdated(r *fetch.Repository) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.repositories[r.Name].Began.After(r.Began)
}

func (k *knowledge) of(repository string) (remembered, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.repositories[repository]
	return r, ok
}

// compare notes what a listing means for a repository.
func (k *knowledge) compare(listed *harbor.Repository, d current.Damping, now time.Time) (remembered, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.repositories[listed.Name]
	if ok {
		_, r.Record = current.Compare(r.Record, current.StampOf(listed), d, now)
		k.repositories[listed.Name] = r
	}
	return r, ok
}

func (k *knowledge) remember(repository string, r remembered) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.repositories[repository] = r
}

// doubt makes sure that a repository is read again.
func (k *knowledge) doubt(repository string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.repositories[repository]; ok {
		r.Read = current.Stamp{}
		k.repositories[repository] = r
	}
}

// noListing is a stamp that no listing of a repository equals.
func noListing(id int64) current.Stamp { return current.Stamp{ID: id, Artifacts: -1} }

// distrust makes sure that a repository is read with the next listing. Until then
// its lists are as good as they were.
func (k *knowledge) distrust(repository string) {
	k.amend(repository, func(r *remembered) {
		if r.Read.ID != 0 {
			r.Read = noListing(r.Read.ID)
		}
	})
}

// drop forgets a repository that has left the inventory.
func (k *knowledge) drop(repository string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.repositories, repository)
	k.lane.drop(repository)
}

// names returns those of a project's repositories that are known.
func (m *memory) names(inventory types.NamespacedName, project string) (names []string) {
	k := m.existing(inventory)
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.repositories {
		if strings.HasPrefix(name, project+"/") {
			names = append(names, name)
		}
	}
	return names
}

// newestPush returns when the newest of the artifacts was pushed, and the newest
// of artifacts and tags.
func newestPush(artifacts []harbor.Artifact) (artifact, tagged time.Time) {
	latest := func(a, b time.Time) time.Time {
		if a.After(b) {
			return a
		}
		return b
	}
	for i := range artifacts {
		artifact = latest(artifact, artifacts[i].PushTime)
		for _, tag := range artifacts[i].Tags {
			tagged = latest(tagged, tag.PushTime)
		}
	}
	return artifact, latest(artifact, tagged)
}

// notePush remembers when the newest artifact was pushed.
func (k *knowledge) notePush(at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at.After(k.pushed) {
		k.pushed = at
	}
}

// maxUntold bounds the repositories that the audit log is held against; more
// would not make it any worse.
const maxUntold = 256

// noteUntold notes that something was pushed to a repository that no hint had
// told of.
func (k *knowledge) noteUntold(repository string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.untold) >= maxUntold {
		return
	}
	if k.untold == nil {
		k.untold = map[string]time.Time{}
	}
	k.untold[repository] = now
}

// takeUntold takes out what noteUntold has noted.
func (k *knowledge) takeUntold() map[string]time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	untold := k.untold
	k.untold = nil
	return untold
}

func (k *knowledge) newestPush() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pushed
}

// sum adds up what stands in the lists of all repositories.
func (k *knowledge) sum() (sum numbers) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, r := range k.repositories {
		sum.lists += r.lists
		sum.add(name, r.totals)
	}
	sum.unlisted, sum.unlistedPending = k.lane.unlisted()
	return sum
}

// learned notes that a sync has ended, of everything or of what had changed. Where
// Harbor has another version since everything was read, its listings may tell of
// fewer changes, or have told of fewer until now: everything is read once more.
func (k *knowledge) learned(version string, everything bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.whole = everything || k.whole && version == k.version
	k.version = version
}

// complete tells whether a sync of everything has ended since the spec changed,
// and the version that Harbor had then.
func (k *knowledge) complete() (version string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.version, k.whole
}

// apartFor is how long repositories are listed project by project after the
// listing of those of all projects has lacked some of most projects.
const apartFor = time.Hour

// listings returns what a run needs to know of earlier ones to list little.
func (k *knowledge) listings(now time.Time) (projects []int64, byProject bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.listed, now.Before(k.apart)
}

// noteListings remembers how Harbor listed projects and repositories.
func (k *knowledge) noteListings(report *fetch.Report, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if report.Listed != nil {
		k.listed = report.Listed
	}
	if report.Apart > report.Together {
		k.apart = now.Add(apartFor)
	}
}

// registerDue tells whether the webhook policy of a project is to be looked at.
// One that failed is, with each sync.
func (k *knowledge) registerDue(project string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	last, ok := k.policies[project]
	return !ok || last.err != nil || now.Sub(last.at) >= registerEvery
}

// registerAnew makes sure that the webhook policies of all projects are looked at.
func (k *knowledge) registerAnew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.policies = nil
}

func (k *knowledge) noteRegistered(project string, now time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.policies == nil {
		k.policies = map[string]registered{}
	}
	k.policies[project] = registered{at: now, err: err}
}

// registered sums up what became of the webhook policies of these projects.
func (k *knowledge) registered(projects map[string]bool) registration {
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := registration{projects: len(projects)}
	for _, project := range slices.Sorted(maps.Keys(projects)) {
		if err := k.policies[project].err; err != nil {
			sum.failed++
			sum.err = cmp.Or(sum.err, err)
		}
	}
	return sum
}
