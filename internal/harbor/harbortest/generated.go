// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"
)

// Size of a [Generated] registry.
type Size struct {
	// Projects; the first is library. The default is 10.
	Projects int
	// Repositories of all projects together. The default is 200.
	Repositories int
	// Artifacts listed in each repository that is not large. The default is 50.
	Artifacts int
	// Large is how many of the repositories hold LargeArtifacts each, spread
	// evenly among the others and over the projects. The default is none, and 5000.
	Large, LargeArtifacts int
	// Seed of everything made up; the default is 1.
	Seed uint64
}

// generatedStart is when the first artifact of a generated registry was pushed;
// the others follow a second apart.
var generatedStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// GeneratedRobotSecret is the secret of robot$inventory in [Generated] and
// [Believable] registries.
const GeneratedRobotSecret = "secret"

// Generated returns a registry of the given size, the same each time: images
// with one or two tags each, one in ten untagged. An artifact takes about 250
// bytes of memory and 2 KB of JSON. The accounts are admin, robot$inventory
// (all projects) and robot$inventory-sys (with system scope).
func Generated(size Size, options ...Option) *Registry {
	size = size.defaults()
	r := New(options...)
	r.addInventoryRobots()
	r.mu.Lock()
	defer r.mu.Unlock()
	random := rand.New(rand.NewPCG(size.Seed, 0)) //nolint:gosec // the same registry each time, no secrets
	scanned := OCIImage
	scanned.scanned = true
	image := r.intern(kind(scanned))
	at := toInstant(generatedStart)
	projects := []*project{r.projects["library"]}
	for i := 1; i < size.Projects; i++ {
		p := &project{
			id: next(&r.ids.Project), allowlistID: next(&r.ids.Allowlist), name: fmt.Sprintf("team-%03d", i), public: i%5 == 0,
			ownerID: 1, ownerName: AdminName, created: at, updated: at, storageHard: -1, repositories: map[string]*repository{},
		}
		r.addProject(p)
		projects = append(projects, p)
	}
	for i := range size.Repositories {
		p := projects[i%len(projects)]
		repo := &repository{id: next(&r.ids.Repository), project: p, name: p.name + "/" + generatedName(i), created: at, updated: at}
		r.addRepository(repo)
		artifacts := size.artifactsOf(i)
		repo.artifacts = make([]*artifact, 0, artifacts)
		for n := range artifacts {
			at += instant(time.Second / time.Microsecond)
			repo.artifacts = append(repo.artifacts, r.generate(repo, image, n, at, random))
		}
		p.artifacts = append(p.artifacts, repo.artifacts...)
		repo.updated = at
	}
	return r
}

func (s Size) defaults() Size {
	if s.Projects <= 0 {
		s.Projects = 10
	}
	if s.Repositories <= 0 {
		s.Repositories = 200
	}
	if s.Artifacts <= 0 {
		s.Artifacts = 50
	}
	if s.LargeArtifacts <= 0 {
		s.LargeArtifacts = 5000
	}
	if s.Seed == 0 {
		s.Seed = 1
	}
	return s
}

// artifactsOf is the number of artifacts in repository i.
func (s Size) artifactsOf(i int) int {
	if s.Large > 0 {
		stride := max(1, s.Repositories/s.Large)
		// Shifted by one more each time, or all could be in one project.
		if large := i / stride; large < s.Large && i%stride == large%stride {
			return s.LargeArtifacts
		}
	}
	return s.Artifacts
}

// generatedName gives every third repository a nested name.
func generatedName(i int) string {
	services := [...]string{"api", "web", "worker", "gateway", "auth", "billing", "search", "mailer", "cron", "proxy"}
	name := fmt.Sprintf("%s-%04d", services[i%len(services)], i)
	if i%3 == 2 {
		return "backend/" + name
	}
	return name
}

func (r *Registry) generate(repo *repository, image *kind, n int, at instant, random *rand.Rand) *artifact {
	a := &artifact{id: next(&r.ids.Artifact), repo: repo, kind: image, pushed: at}
	a.digest = sha256.Sum256(fmt.Appendf(nil, "%d %d", random.Uint64(), a.id))
	a.size = derivedSize(a.digest)
	repo.project.storageUsed += a.size
	if n%10 == 9 {
		return a // untagged
	}
	version := tag{id: next(&r.ids.Tag), name: fmt.Sprintf("v%d.%d.%d", 1+n/100, n/10%10, n%10), pushed: at}
	a.tags = []tag{version}
	if n%5 == 0 {
		a.tags = append(a.tags, tag{id: next(&r.ids.Tag), name: fmt.Sprintf("sha-%x", a.digest[:4]), pushed: at})
	}
	return a
}

func (r *Registry) addInventoryRobots() {
	r.AddRobot(Robot{Name: "inventory", Secret: GeneratedRobotSecret})
	r.AddRobot(Robot{Name: "inventory-sys", Secret: GeneratedRobotSecret, SystemScope: true})
}
