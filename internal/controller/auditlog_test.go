// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// auditor follows the log of a simulated Harbor as the operator does, without
// Kubernetes. It can be restarted.
type auditor struct {
	*testing.T
	registry *harbortest.Registry
	inv      *v1alpha1.HarborInventory
	plan     *plan
	now      time.Time
	r        *Reconciler
}

func newAuditor(t *testing.T, version harbortest.Version) *auditor {
	t.Helper()
	a := &auditor{T: t, now: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	a.registry = harbortest.New(harbortest.WithVersion(version), harbortest.WithClock(func() time.Time { return a.now }))
	name := a.registry.AddRobot(harbortest.Robot{Name: "auditor", Secret: "secret", SystemScope: true})
	srv := harbortest.NewServer(t, a.registry, harbortest.Options{})
	c, err := harbor.New(harbor.Config{URL: srv.URL, Username: name, Password: "secret", UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	selection, err := fetch.NewSelection(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.plan = &plan{client: c, selection: selection}
	a.inv = &v1alpha1.HarborInventory{}
	a.inv.Namespace, a.inv.Name, a.inv.Generation = "default", "production", 1
	a.inv.Spec.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "robot"}
	a.inv.Status.ObservedGeneration = 1
	a.restart()
	return a
}

// restart begins anew with what stands in the inventory.
func (a *auditor) restart() {
	a.r = &Reconciler{options: Options{}.withDefaults(), hints: newHints(), memory: newMemory(), now: func() time.Time { return a.now }}
}

// known is what is remembered of the inventory.
func (a *auditor) known() *knowledge { return a.r.memory.recall(a.inv) }

// readEverything does as if a sync had.
func (a *auditor) readEverything() { a.known().learned(a.registry.Version().String(), true) }

// conclude writes down what the status would hold after a sync.
func (a *auditor) conclude() {
	a.inv.Status.AuditLogCursor = a.r.auditCursor(a.inv, a.known())
	if c := a.inv.Status.AuditLogCursor; c != nil {
		c.Time = *c.Time.DeepCopy()
		c.Time.Time = c.Time.Truncate(time.Second) // as JSON does
	}
	a.inv.Status.HarborVersion = a.registry.Version().String()
}

func (a *auditor) push(repository string) {
	a.registry.Push(repository, harbortest.Image{Tags: []string{fmt.Sprint(a.registry.Sequence())}})
}

// follow reads the log if it is due, a minute later, and wants to be told of these.
func (a *auditor) follow(about string, want ...string) {
	a.Helper()
	a.now = a.now.Add(time.Minute)
	if a.r.auditDue(a.inv, a.known()) {
		a.r.follow(a.Context(), a.inv, a.plan, a.known())
	}
	_, hinted := a.r.hints.waiting(client.ObjectKeyFromObject(a.inv))
	if got := slices.Sorted(maps.Keys(hinted)); !slices.Equal(got, want) {
		a.Errorf("%s: told of %q, want %q", about, got, want)
	}
	a.r.hints.take(client.ObjectKeyFromObject(a.inv), a.now)
}

func (a *auditor) wider() scope {
	wider, _ := a.r.hints.waiting(client.ObjectKeyFromObject(a.inv))
	return wider
}

// A new process goes on in the log where the status says, before it has read
// everything.
func TestAuditLogIsResumed(t *testing.T) {
	for _, version := range []harbortest.Version{harbortest.Harbor212, harbortest.Harbor213, harbortest.Harbor216} {
		t.Run(version.String(), func(t *testing.T) {
			a := newAuditor(t, version)
			a.push("library/old")
			a.follow("nothing has been read")
			a.readEverything()
			a.follow("the end of the log")
			a.push("library/app")
			a.follow("a push", "library/app")
			a.follow("nothing")
			a.follow("settled")
			a.conclude()
			a.restart()
			a.push("library/down") // nobody follows
			a.follow("restarted", "library/down")
			a.readEverything()
			a.follow("nothing once everything was read")
			a.push("library/new")
			a.follow("a push", "library/new")
			if a.wider() != scopeNone {
				t.Errorf("scope %d", a.wider())
			}
			a.inv.Generation, a.inv.Status.ObservedGeneration = 2, 1
			a.restart()
			a.follow("another spec: nothing has been read for it")
		})
	}
}

// While hints wait, the cursor stays, so that a new process is told again.
func TestAuditCursorWaitsForHints(t *testing.T) {
	a := newAuditor(t, harbortest.Latest)
	a.push("library/old")
	a.readEverything()
	a.follow("the end of the log")
	a.conclude()
	before := a.inv.Status.AuditLogCursor
	a.push("library/app")
	a.now = a.now.Add(time.Minute)
	for range 4 {
		a.r.follow(a.Context(), a.inv, a.plan, a.known())
		a.now = a.now.Add(time.Minute)
	}
	a.conclude()
	if a.inv.Status.AuditLogCursor.ID != before.ID {
		t.Errorf("the cursor went from %d to %d", before.ID, a.inv.Status.AuditLogCursor.ID)
	}
	a.restart()
	a.follow("told again", "library/app")
	a.conclude()
	if a.inv.Status.AuditLogCursor.ID <= before.ID {
		a.follow("settled")
		a.follow("settled")
		a.conclude()
	}
	if a.inv.Status.AuditLogCursor.ID <= before.ID {
		t.Errorf("the cursor stays at %d", before.ID)
	}
}

// A log that is not the one that was followed has everything read.
func TestAnotherAuditLogAfterARestart(t *testing.T) {
	a := newAuditor(t, harbortest.Latest)
	a.push("library/a")
	a.push("library/b")
	a.readEverything()
	a.follow("the end of the log")
	a.push("library/c")
	a.follow("a push", "library/c")
	a.follow("nothing")
	a.follow("settled")
	a.conclude()
	for name, change := range map[string]func(){
		"shorter": func() { a.registry.RewindAudit(1) },
		"grown past the cursor again": func() {
			a.registry.RewindAudit(1)
			a.now = a.now.Add(time.Minute)
			for range 9 {
				a.push("library/d")
			}
		},
	} {
		a.restart()
		change()
		a.follow(name)
		if a.wider() != scopeAll {
			t.Errorf("%s: scope %d", name, a.wider())
		}
	}
}

// Where Harbor was upgraded to 2.13, the log is another one.
func TestAuditLogOfAnUpgradedHarbor(t *testing.T) {
	old, upgraded := newAuditor(t, harbortest.Harbor212), newAuditor(t, harbortest.Harbor213)
	old.push("library/old")
	old.readEverything()
	old.follow("the end of the log")
	upgraded.r, upgraded.inv, upgraded.now = old.r, old.inv, old.now
	upgraded.r.now = func() time.Time { return upgraded.now }
	upgraded.push("library/old")
	upgraded.known().learned(upgraded.registry.Version().String(), false)
	if _, complete := upgraded.known().complete(); complete {
		t.Error("nothing is read again")
	}
	upgraded.readEverything()
	upgraded.follow("the end of the new log")
	upgraded.push("library/app")
	upgraded.follow("a push", "library/app")
}

// What syncs find that was pushed, and the log does not tell, makes it distrusted.
func TestUntoldPushesMakeTheLogDistrusted(t *testing.T) {
	a := newAuditor(t, harbortest.Latest)
	a.push("library/app")
	a.readEverything()
	a.follow("the end of the log")
	a.push("library/app")
	a.known().noteUntold("library/app", a.now) // a sync was faster
	a.follow("a push", "library/app")
	for range 3 {
		a.follow("nothing")
	}
	if got := a.known().audit.says(); got.Reason != current.LogWorking {
		t.Errorf("what was told a little later: %s", got.Message)
	}
	a.registry.SetAuditLog(false)
	for i := range 3 {
		a.known().noteUntold(fmt.Sprintf("library/app%d", i), a.now)
	}
	for range 4 {
		a.follow("nothing is told")
	}
	if got := a.known().audit.says(); got.Reason != current.LogIncomplete {
		t.Errorf("what was never told: %s %s", got.Reason, got.Message)
	}
}
