// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// gates is what a version of Harbor gives to an inventory.
type gates struct {
	version harbortest.Version
	// retags: the listing of repositories tells of tags that moved. Then the
	// listing of a whole project is used, too.
	retags bool
	// log is the one that Harbor writes.
	log harbortest.Class
	// sbom: Harbor tells of SBOMs with the artifacts.
	sbom bool
}

// Each version is read, and followed by every layer, as its gates allow.
func TestEveryVersion(t *testing.T) {
	t.Parallel()
	for _, g := range []gates{
		{harbortest.Harbor28, false, harbortest.ClassAuditLogs, false},
		{harbortest.Harbor211, false, harbortest.ClassAuditLogs, true},
		{harbortest.Harbor212, false, harbortest.ClassAuditLogs, true},
		{harbortest.Harbor213, false, harbortest.ClassAuditLogExts, true},
		{harbortest.Harbor2151, false, harbortest.ClassAuditLogExts, true},
		{harbortest.Harbor216, true, harbortest.ClassAuditLogExts, true},
	} {
		t.Run(g.version.String(), func(t *testing.T) {
			t.Parallel()
			turns := turns(time.Now())
			w := worldOf(t, g.version, turns)
			w.inventory("all", often, func(s *v1alpha1.HarborInventorySpec) {
				s.VerifyInterval = &metav1.Duration{Duration: shortestVerify}
				s.Include, s.DetailRequestsPerMinute = []v1alpha1.Detail{v1alpha1.DetailLabels, v1alpha1.DetailSBOM}, 6000
			})
			w.firstSync(g)
			w.label(turns)
			w.sweep(g)
			w.verification()
			w.feed(g)
		})
	}
}

// shortestVerify is the shortest spec.verifyInterval.
const shortestVerify = 10 * time.Minute

// turns are repositories whose turn to be read in full comes soon, one every ten
// seconds.
func turns(now time.Time) (repositories []string) {
	interval := current.Interval(shortestVerify, 11*time.Second)
	for at := 20 * time.Second; at < 2*time.Minute; at += 10 * time.Second {
		for i := 0; ; i++ {
			name := fmt.Sprintf("turns/r%d", i)
			if current.Due(name, now, now.Add(at), interval) && !current.Due(name, now, now.Add(at-5*time.Second), interval) {
				repositories = append(repositories, name)
				break
			}
		}
	}
	return repositories
}

// tagged is a repository whose turn to be read in full does not come before the
// test has ended.
var tagged = func() string {
	now := time.Now()
	for i := 0; ; i++ {
		name := fmt.Sprintf("team/tagged%d", i)
		if !current.Due(name, now, now.Add(5*time.Minute), current.Interval(shortestVerify, 11*time.Second)) {
			return name
		}
	}
}()

// worldOf is a Harbor of a version without an audit log, and an administrator's
// account: before 2.10 nobody else may read the log.
func worldOf(t *testing.T, version harbortest.Version, turns []string) *world {
	t.Helper()
	reg := harbortest.New(harbortest.WithVersion(version))
	reg.SetAuditLog(false)
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary})
	for _, project := range []string{"team", "many", "turns"} {
		must(reg.CreateProject(project, false))
	}
	one := harbortest.Image{Tags: []string{"1"}}
	for i := range 40 {
		reg.Push(fmt.Sprintf("many/r%d", i), one)
	}
	for _, repository := range append(turns, "team/app", tagged, "team/gone", "team/less") {
		reg.Push(repository, one)
	}
	reg.Push("team/less", harbortest.Image{Tags: []string{"2"}})
	reg.PushAccessory("team/app", reg.Push("team/app", harbortest.Image{Tags: []string{"described"}}), harbortest.Accessory{Type: "sbom.harbor"})
	w := newWorld(t, reg)
	w.putSecret("robot", reg.AddUser(harbortest.User{Name: "boss", Secret: canary, Admin: true}), canary)
	return w
}

func (w *world) firstSync(g gates) {
	w.Helper()
	inv := w.condition("all", "Ready=True", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	if inv.Status.HarborVersion != g.version.String() {
		w.Errorf("the version is %s", inv.Status.HarborVersion)
	}
	old := strings.Contains(inv.Status.Layers, "listings of repositories every 10s, which before Harbor 2.15.2 do not tell of tags that moved; ")
	if old == g.retags {
		w.Errorf("layers: %s", inv.Status.Layers)
	}
	if wide := w.harbor.Stats().Requests(harbortest.ClassProjectArtifacts) > 0; wide != g.retags {
		w.Errorf("the listing of a whole project was used: %t", wide)
	}
	w.condition("all", "DetailsKnown=True Succeeded")
	sbom := slices.ContainsFunc(w.lists("all"), func(l v1alpha1.ArtifactList) bool {
		return slices.ContainsFunc(l.Artifacts, func(a v1alpha1.ArtifactEntry) bool { return a.SBOM != nil })
	})
	if sbom != g.sbom {
		w.Errorf("an SBOM is told of: %t", sbom)
	}
}

// label puts labels on artifacts, of which nothing tells.
func (w *world) label(repositories []string) {
	w.Helper()
	id, err := w.registry.CreateLabel(harbortest.Label{Name: "seen"})
	must(err)
	for _, repository := range repositories {
		must(w.registry.AddLabel(repository, "1", id))
	}
}

// sweep holds what a listing of repositories shows against the changes.
func (w *world) sweep(g gates) {
	w.Helper()
	w.nextSync("all")
	w.registry.Push("team/app", harbortest.Image{Tags: []string{"2"}})
	must(w.registry.AddTag(tagged, "1", "more"))
	must(w.registry.DeleteArtifact("team/less", "1"))
	must(w.registry.DeleteRepository("team/gone"))
	must(w.registry.CreateProject("fresh", false))
	w.registry.Push("fresh/app", harbortest.Image{Tags: []string{"1"}})
	before := w.harbor.Stats()
	w.nextSync("all")
	after := w.harbor.Stats()
	if after.Requests(harbortest.ClassAllRepositories) == before.Requests(harbortest.ClassAllRepositories) ||
		after.Requests(harbortest.ClassRepositories) != before.Requests(harbortest.ClassRepositories) {
		w.Error("the repositories of all projects were not listed at once")
	}
	without := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool { return !g.retags && strings.HasPrefix(line, tagged+"@") })
	}
	w.equal(without(w.held()), without(w.shown("all")))
	if shown := strings.Contains(strings.Join(w.shown("all"), "\n"), "[1 more]"); shown != g.retags {
		w.Errorf("a new tag is shown: %t", shown)
	}
}

// verification waits for a label that a reading in full has found.
func (w *world) verification() {
	w.Helper()
	eventually(w.T, func() string {
		for _, l := range w.lists("all") {
			if len(l.Artifacts[0].Labels) > 0 {
				return ""
			}
		}
		return "no label is shown"
	})
}

// feed has the audit log alone tell of changes.
func (w *world) feed(g gates) {
	w.Helper()
	w.registry.SetAuditLog(true)
	w.registry.Push("library/first", harbortest.Image{Tags: []string{"1"}})
	w.change("all", func(s *v1alpha1.HarborInventorySpec) { s.Interval = metav1.Duration{Duration: time.Hour} })
	w.condition("all", "Ready=True", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	eventually(w.T, func() string {
		if got := w.request("all").Status.Layers; !strings.Contains(got, "; the audit log is followed; ") {
			return "layers: " + got
		}
		return ""
	})
	w.registry.Push("team/app", harbortest.Image{Tags: []string{"3"}})
	must(w.registry.AddTag(tagged, "1", "most"))
	must(w.registry.DeleteTag("library/first", "1"))
	must(w.registry.DeleteRepository("fresh/app"))
	must(w.registry.CreateProject("fresher", false))
	w.registry.Push("fresher/app", harbortest.Image{Tags: []string{"1"}})
	eventually(w.T, func() string { return cmp.Diff(w.held(), w.shown("all")) })
	for _, class := range []harbortest.Class{harbortest.ClassAuditLogs, harbortest.ClassAuditLogExts} {
		if asked := w.harbor.Stats().Requests(class) > 0; asked != (class == g.log) {
			w.Errorf("%s was asked for: %t", class, asked)
		}
	}
}
