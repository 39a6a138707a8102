// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// often makes syncs come as often as the API allows.
func often(s *v1alpha1.HarborInventorySpec) { s.Interval = metav1.Duration{Duration: 10 * time.Second} }

// nextSync waits for the end of a sync that began later, and returns how many
// requests for artifacts there were since.
func (w *world) nextSync(name string) (artifacts int) {
	w.Helper()
	last := w.get(name).Status.LastSyncTime
	before := w.harbor.Stats().Requests(harbortest.ClassArtifacts)
	eventually(w.T, func() string {
		if w.get(name).Status.LastSyncTime.Equal(last) {
			return "no sync since"
		}
		return ""
	})
	return w.harbor.Stats().Requests(harbortest.ClassArtifacts) - before
}

// A sync reads the artifacts of those repositories that changed, and shows every
// change of artifacts and tags.
func TestOnlyWhatChangedIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("all", often)
	w.condition("all", "Ready=True", "Complete=True")
	for name, change := range map[string]func(){
		"nothing": func() {},
		"push":    func() { w.registry.Push("team/app", harbortest.Image{Tags: []string{"new"}}) },
		"tag":     func() { must(w.registry.AddTag("library/nginx", "1.0", "stable")) },
		"new":     func() { w.registry.Push("team/new", harbortest.Image{Tags: []string{"1"}}) },
		"delete":  func() { must(w.registry.DeleteRepository("team/tools/cli")) },
	} {
		before := w.versions("all")
		change()
		read := w.nextSync("all")
		w.equal(w.held(), w.shown("all"))
		wrote := differences(before, w.versions("all"))
		if changed := name != "nothing"; wrote != 0 && !changed || wrote != 1 && changed {
			t.Errorf("%s: %d lists were written", name, wrote)
		}
		if read > 2 { // a page, and perhaps the check of artifacts without a tag
			t.Errorf("%s: %d requests for artifacts", name, read)
		}
		if inv := w.get("all"); int(*inv.Status.Artifacts) != len(w.held()) || int(*inv.Status.ArtifactLists) != len(w.lists("all")) {
			t.Errorf("%s: the status counts %d artifacts in %d lists", name, *inv.Status.Artifacts, *inv.Status.ArtifactLists)
		}
	}
}

// A repository that is pulled all the time is not read with each sync; what is
// pushed to it is seen.
func TestPullsAreDamped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.inventory("all", often)
	w.condition("all", "Ready=True", "Complete=True")
	pull := func() { must(w.registry.Pull("team/app", "1.0")) }
	pull()
	if read := w.nextSync("all"); read == 0 {
		t.Error("a first pull: not read, and it may have been a push")
	}
	pull()
	if read := w.nextSync("all"); read > 0 {
		t.Errorf("another pull: %d requests for artifacts", read)
	}
	must(w.registry.AddTag("team/app", "1.0", "hidden")) // by the pulls before and after
	pull()
	eventually(t, func() string { return cmp.Diff(w.held(), w.shown("all")) })
	w.nextSync("all") // the one that has just shown it
	must(w.registry.AddTag("team/app", "1.0", "seen"))
	w.nextSync("all")
	w.equal(w.held(), w.shown("all"))
}

// receiving lets an inventory take webhooks, and leaves it to nothing else that
// a push is seen.
func receiving(s *v1alpha1.HarborInventorySpec) {
	s.Webhook = v1alpha1.Webhook{Mode: v1alpha1.WebhookReceive, SecretRef: &v1alpha1.LocalObjectReference{Name: "hook"}}
	s.Interval = metav1.Duration{Duration: time.Hour}
}

const hookSecret = "c4nary-hook"

func (w *world) hookSecret() {
	w.Helper()
	must(kube.Create(w.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "hook"},
		StringData: map[string]string{v1alpha1.SecretKeyAuthorization: hookSecret},
	}))
}

// deliver sends an event as Harbor does, and returns the status of the answer.
func (w *world) deliver(inventory, authorization, kind, repository, digest string) int {
	w.Helper()
	namespace, name, _ := strings.Cut(repository, "/")
	body := fmt.Sprintf(`{"type":%q,"occur_at":%d,"operator":"admin","event_data":{"resources":[{"digest":%q,"tag":"t","resource_url":"harbor.example.com/%s:t"}],
		"repository":{"name":%q,"namespace":%q,"repo_full_name":%q,"repo_type":"private"}}}`,
		kind, time.Now().Unix(), digest, repository, name, namespace, repository)
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost,
		"http://"+webhooks+receiver.Path(receiver.Name{Namespace: w.ns, Name: inventory}), strings.NewReader(body))
	must(err)
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(err)
	must(resp.Body.Close())
	return resp.StatusCode
}

// A webhook has the repository that it names read at once, in every inventory
// of that Harbor that selects it.
func TestWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.hookSecret()
	w.inventory("all", receiving)
	w.inventory("team", func(s *v1alpha1.HarborInventorySpec) { s.Projects = []v1alpha1.ProjectPattern{"team"} })
	w.inventory("library", func(s *v1alpha1.HarborInventorySpec) { s.Projects = []v1alpha1.ProjectPattern{"library"} })
	for _, name := range []string{"all", "team", "library"} {
		w.condition(name, "Ready=True")
	}
	library := w.versions("library")
	digest := w.registry.Push("team/app", harbortest.Image{Tags: []string{"pushed"}})
	if status := w.deliver("all", "wrong", "PUSH_ARTIFACT", "team/app", digest); status != http.StatusUnauthorized {
		t.Errorf("a wrong Authorization value: status %d", status)
	}
	reads := func() int {
		stats := w.harbor.Stats()
		return stats.Requests(harbortest.ClassRepository) + stats.Requests(harbortest.ClassArtifacts)
	}
	before := reads()
	if status := w.deliver("all", hookSecret, "PUSH_ARTIFACT", "team/app", digest); status != http.StatusOK {
		t.Errorf("the right Authorization value: status %d", status)
	}
	arrived := func(name string, projects ...string) {
		t.Helper()
		eventually(t, func() string { return cmp.Diff(w.held(projects...), w.shown(name)) })
		eventually(t, func() string {
			if inv := w.get(name); int(*inv.Status.Artifacts) != len(w.held(projects...)) {
				return fmt.Sprintf("the status counts %d artifacts", *inv.Status.Artifacts)
			}
			return ""
		})
	}
	arrived("all")
	arrived("team", "team")
	if n := reads() - before; n > 6 { // repository, artifacts, check of the untagged; for two inventories
		t.Errorf("%d requests", n)
	}
	must(w.registry.DeleteRepository("team/app"))
	w.deliver("all", hookSecret, "DELETE_ARTIFACT", "team/app", digest)
	arrived("all")
	arrived("team", "team")
	w.registry.Push("team/new", harbortest.Image{Tags: []string{"1"}})
	w.deliver("all", hookSecret, "PUSH_ARTIFACT", "team/new", digest)
	arrived("all")
	arrived("team", "team")
	if n := differences(library, w.versions("library")); n > 0 {
		t.Errorf("%d lists of an inventory that does not select the repository were written", n)
	}
}

// Harbor's audit log alone brings pushes, deletions, and new repositories; who
// may not read it is told.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.putSecret("robot", w.registry.AddRobot(harbortest.Robot{Name: "auditor", Secret: canary, SystemScope: true}), canary)
	w.inventory("all") // with an interval of an hour
	w.condition("all", "Ready=True", "Complete=True")
	eventually(t, func() string { // the log begins to be followed after the first sync
		if got := w.request("all").Status.Layers; !strings.Contains(got, "; the audit log is followed; ") {
			return "layers: " + got
		}
		return ""
	})
	for _, change := range []func(){
		func() { w.registry.Push("team/app", harbortest.Image{Tags: []string{"again"}}) },
		func() { must(w.registry.DeleteTag("library/nginx", "1.1")) },
		func() { must(w.registry.DeleteRepository("team/tools/cli")) },
		func() {
			must(w.registry.CreateProject("fresh", false))
			w.registry.Push("fresh/app", harbortest.Image{Tags: []string{"1"}})
		},
	} {
		change()
		eventually(t, func() string { return cmp.Diff(w.held(), w.shown("all")) })
	}
	if c := w.request("all").Status.AuditLogCursor; c == nil || c.ID == 0 || c.Time.IsZero() {
		t.Errorf("the cursor is %+v", c)
	}
	w.putSecret("robot", robot, canary) // may not read the log
	w.change("all", func(s *v1alpha1.HarborInventorySpec) { s.MaxConnections = 4 })
	w.condition("all", "Ready=True")
	eventually(t, func() string {
		if got := w.request("all").Status.Layers; !strings.Contains(got, "the audit log is empty although there are artifacts: the account needs the right audit-log:list") {
			return "layers: " + got
		}
		return ""
	})
}

// A log that stops to tell of pushes is noticed by what the listings find.
func TestSilentAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.putSecret("robot", w.registry.AddRobot(harbortest.Robot{Name: "auditor", Secret: canary, SystemScope: true}), canary)
	w.inventory("all", often)
	layers := func(want string) {
		t.Helper()
		eventually(t, func() string {
			if got := w.get("all").Status.Layers; !strings.Contains(got, want) {
				return "layers: " + got
			}
			return ""
		})
	}
	layers("; the audit log is followed; ")
	w.registry.SetAuditLog(false)
	for _, repository := range []string{"library/nginx", "team/app", "team/fresh"} {
		w.registry.Push(repository, harbortest.Image{Tags: []string{"untold"}})
	}
	layers("; the audit log tells of no change: is it switched off in Harbor?; ")
	w.equal(w.held(), w.shown("all"))
}

// What the audit log tells of after a webhook did costs one request, and no write.
func TestAuditLogAfterWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.hookSecret()
	w.putSecret("robot", w.registry.AddRobot(harbortest.Robot{Name: "auditor", Secret: canary, SystemScope: true}), canary)
	w.inventory("all", receiving)
	w.condition("all", "Ready=True", "Complete=True")
	followed := func(times int) {
		t.Helper()
		before := w.harbor.Stats().Requests(harbortest.ClassAuditLogExts)
		eventually(t, func() string {
			if n := w.harbor.Stats().Requests(harbortest.ClassAuditLogExts) - before; n < times {
				return fmt.Sprintf("the log was read %d times", n)
			}
			return ""
		})
	}
	followed(1)
	w.registry.DelayAudit(func(int64) time.Duration { return time.Hour })
	digest := w.registry.Push("team/app", harbortest.Image{Tags: []string{"pushed"}})
	w.deliver("all", hookSecret, "PUSH_ARTIFACT", "team/app", digest)
	eventually(t, func() string { return cmp.Diff(w.held(), w.shown("all")) })
	versions := w.versions("all")
	read := func(class harbortest.Class, before harbortest.Stats) int {
		return w.harbor.Stats().Requests(class) - before.Requests(class)
	}
	before := w.harbor.Stats()
	w.registry.DelayAudit(nil)
	eventually(t, func() string {
		if read(harbortest.ClassArtifacts, before) == 0 {
			return "the artifact has not been asked for"
		}
		return ""
	})
	followed(1)
	if n := read(harbortest.ClassArtifacts, before) + read(harbortest.ClassRepository, before); n != 1 {
		t.Errorf("%d requests for what was known", n)
	}
	if n := differences(versions, w.versions("all")); n > 0 {
		t.Errorf("%d lists were written", n)
	}
	must(w.registry.DeleteTag("team/app", "pushed"))
	eventually(t, func() string { return cmp.Diff(w.held(), w.shown("all")) })
}
