// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// synced makes a world with an inventory that is complete.
func synced(t *testing.T, registry *harbortest.Registry, change ...func(*v1alpha1.HarborInventorySpec)) *world {
	t.Helper()
	w := newWorld(t, registry)
	w.inventory("all", change...)
	w.condition("all", "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	return w
}

// stillShown fails unless the inventory shows what was shown before.
func (w *world) stillShown(before []string) {
	w.Helper()
	w.equal(before, w.shown("all"))
}

func TestCredentialsThatAreNotThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret *corev1.Secret // nil: none
		reason string
		says   []string
	}{
		"no Secret": {reason: "SecretNotFound", says: []string{`Secret "robot"`, "credentialsSecretRef", "does not exist"}},
		"no password": {
			secret: &corev1.Secret{Data: map[string][]byte{"username": []byte(robot)}},
			reason: "SecretInvalid", says: []string{`Secret "robot"`, `lacks the key "password"`},
		},
		"no username": {
			secret: &corev1.Secret{Data: map[string][]byte{"password": []byte(canary)}},
			reason: "SecretInvalid", says: []string{`Secret "robot"`, `lacks the key "username"`},
		},
		"empty password": {
			secret: &corev1.Secret{Data: map[string][]byte{"username": []byte(robot), "password": {}}},
			reason: "SecretInvalid", says: []string{`Secret "robot"`, `empty value under the key "password"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			before := w.shown("all")
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "robot"}}
			if err := kube.Delete(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			if c.secret != nil {
				c.secret.Type = corev1.SecretTypeOpaque // basic-auth would be refused without its keys
				c.secret.ObjectMeta = metav1.ObjectMeta{Namespace: w.ns, Name: "robot"}
				if err := kube.Create(t.Context(), c.secret); err != nil {
					t.Fatal(err)
				}
			}
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Stalled=True "+c.reason) || !slices.Contains(conditions(inv), "Ready=False "+c.reason) {
				t.Errorf("conditions %v", conditions(inv))
			}
			for _, text := range c.says {
				if !strings.Contains(message(inv, "Stalled"), text) {
					t.Errorf("the message does not say %s: %s", text, message(inv, "Stalled"))
				}
			}
			w.stillShown(before)
			// It recovers by itself.
			if c.secret != nil {
				must(kube.Delete(t.Context(), secret)) // the type cannot be changed
			}
			w.putSecret("robot", robot, w.secret)
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.stillShown(before)
		})
	}
}

func TestCABundleThatIsNotThere(t *testing.T) {
	t.Parallel()
	registry := small()
	w := newWorld(t, registry)
	w.harbor = harbortest.NewServer(t, registry, harbortest.Options{TLS: true})
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) {
		s.Harbor.PlainHTTP = false
		s.Harbor.CABundleRef = &v1alpha1.CABundleReference{Name: "ca"}
	})
	inv := w.condition("all", "Stalled=True CABundleNotFound")
	if got := message(inv, "Stalled"); !strings.Contains(got, `ConfigMap "ca"`) {
		t.Errorf("message %q", got)
	}
	bundle := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "ca"}, Data: map[string]string{"ca.crt": "no certificate"}}
	if err := kube.Create(t.Context(), bundle); err != nil {
		t.Fatal(err)
	}
	w.condition("all", "Stalled=True CABundleInvalid")
	bundle.Data["ca.crt"] = string(w.harbor.CertificatePEM())
	if err := kube.Update(t.Context(), bundle); err != nil {
		t.Fatal(err)
	}
	w.condition("all", "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown("all"))
}

// Harbor answers wrong credentials as it answers anonymous callers: 200 with
// the public projects only.
func TestCredentialsThatHarborDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"rotated":  func(w *world) { must(w.registry.SetSecret(robot, "another")) },
		"disabled": func(w *world) { must(w.registry.Disable(robot, true)) },
		"deleted":  func(w *world) { must(w.registry.DeleteAccount(robot)) },
		"wrong":    func(w *world) { w.putSecret("robot", robot, "mistyped") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			before := w.shown("all")
			spoil(w)
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Ready=False AuthenticationFailed") {
				t.Errorf("conditions %v", conditions(inv))
			}
			if got := message(inv, "Ready"); !strings.Contains(got, `Secret "robot"`) || strings.Contains(got, "mistyped") {
				t.Errorf("message %q", got)
			}
			w.stillShown(before)
			w.registry.AddRobot(harbortest.Robot{Name: "other", Secret: "fresh"})
			w.putSecret("robot", "robot$other", "fresh")
			w.request("all")
			w.condition("all", "Ready=True", "Complete=True")
			w.stillShown(before)
		})
	}
	t.Run("they stop working in mid-sync", func(t *testing.T) {
		t.Parallel()
		w := synced(t, small())
		before := w.shown("all")
		// The first question who we are is answered; then the account is gone.
		remove := w.harbor.Inject(harbortest.Rule{Skip: 1, Fault: harbortest.Anonymous()})
		inv := w.request("all")
		if !slices.Contains(conditions(inv), "Ready=False AuthenticationFailed") {
			t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
		}
		w.stillShown(before)
		remove()
		w.condition("all", "Ready=True", "Complete=True")
		w.stillShown(before)
	})
}

// While Harbor's database is short of connections, valid credentials get 401,
// public projects only, 500, and 200 without tags, at random.
func TestDatabaseShortOfConnections(t *testing.T) {
	t.Parallel()
	include := func(s *v1alpha1.HarborInventorySpec) {
		s.Include = []v1alpha1.Detail{v1alpha1.DetailLabels, v1alpha1.DetailAccessories}
	}
	t.Run("after a good sync", func(t *testing.T) {
		t.Parallel()
		w := synced(t, harbortest.Recorded(), include)
		before, details := w.shown("all"), w.details("all")
		remove := w.harbor.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.TypicalShortage)})
		for range 3 {
			w.request("all")
			w.stillShown(before)
			w.equal(details, w.details("all"))
		}
		remove()
		w.condition("all", "Ready=True Succeeded", "Complete=True")
		w.stillShown(before)
		w.equal(details, w.details("all"))
	})
	t.Run("at the first sync", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, harbortest.Recorded())
		remove := w.harbor.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.TypicalShortage)})
		w.inventory("all")
		eventually(t, func() string {
			if inv := w.get("all"); inv.Status.NextSyncTime == nil {
				return "no sync has ended: " + messages(inv)
			}
			return ""
		})
		held := w.held()
		for _, shown := range w.shown("all") {
			if !slices.Contains(held, shown) {
				t.Errorf("untrue: %s", shown)
			}
		}
		remove()
		w.condition("all", "Ready=True Succeeded", "Complete=True")
		w.equal(w.held(), w.shown("all"))
	})
}

// details renders labels and accessories of each artifact.
func (w *world) details(name string) []string {
	w.Helper()
	var lines []string
	for _, l := range w.lists(name) {
		for _, a := range l.Artifacts {
			lines = append(lines, fmt.Sprintf("%s@%s labels %v accessories %v", l.Repository, a.Digest, a.Labels, a.Accessories))
		}
	}
	slices.Sort(lines)
	return lines
}

// A 200 that lacks tags is not believed, be it the first or a later sync.
func TestPartialAnswers(t *testing.T) {
	t.Parallel()
	drop := harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.2})}
	for _, name := range []string{"first sync", "later sync"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, harbortest.Recorded())
			if name == "later sync" {
				w.inventory("all")
				w.condition("all", "Complete=True")
			}
			w.harbor.Inject(drop)
			if name == "first sync" {
				w.inventory("all")
			} else {
				w.request("all")
			}
			eventually(t, func() string {
				if inv := w.get("all"); inv.Status.NextSyncTime == nil {
					return messages(inv)
				}
				return ""
			})
			held, shown := w.held(), w.shown("all")
			for _, s := range shown {
				if !slices.Contains(held, s) {
					t.Errorf("untrue: %s", s)
				}
			}
			if inv := w.get("all"); slices.Contains(conditions(inv), "Complete=True") && len(shown) != len(held) {
				t.Errorf("said to be complete with %d of %d artifacts", len(shown), len(held))
			}
			w.harbor.ClearFaults()
			w.request("all")
			w.condition("all", "Complete=True")
			w.equal(held, w.shown("all"))
		})
	}
}

func TestMissingAndForbiddenAreToldApart(t *testing.T) {
	t.Parallel()
	reg := small()
	must(reg.CreateProject("hidden", false))
	reg.Push("hidden/app", harbortest.Image{Tags: []string{"1"}})
	reg.AddRobot(harbortest.Robot{Name: "narrow", Secret: "secret", Projects: []string{"team"}})
	w := newWorld(t, reg)
	w.putSecret("robot", "robot$narrow", "secret")
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) { s.Projects = projects([]string{"team", "hidden", "nosuch"}) })
	inv := w.condition("all", "Ready=True PartialFailure", "Complete=False PartialFailure")
	w.equal(w.held("team"), w.shown("all"))
	if len(inv.Status.Failures) != 1 || inv.Status.Failures[0].Project != "hidden" || inv.Status.Failures[0].Reason != "Forbidden" {
		t.Errorf("failures %+v", inv.Status.Failures)
	}
	w.equal([]string{"nosuch"}, inv.Status.NotFound)
	eventually(t, func() string {
		for _, e := range w.events("all") {
			if strings.Contains(e, "SelectionNotFound") && strings.Contains(e, "nosuch") {
				return ""
			}
		}
		return fmt.Sprintf("no event names what was not found: %v", w.events("all"))
	})
}

// One repository that cannot be read: it is named, its entries are kept,
// everything else is up to date; once the fault is gone it heals by itself.
func TestFaultsOfOneRepository(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  harbortest.Fault
		reason string
	}{
		"500":                      {harbortest.InternalError(), "Unavailable"},
		"502 from the proxy":       {harbortest.Gateway(502), "Unavailable"},
		"503 with Retry-After":     {harbortest.All(harbortest.Gateway(503), harbortest.RetryAfter("0")), "Unavailable"},
		"429":                      {harbortest.TooManyRequests(""), "Unavailable"},
		"429 with Retry-After":     {harbortest.TooManyRequests("1"), "Unavailable"},
		"reset before the answer":  {harbortest.Reset(), "Unavailable"},
		"reset in the answer":      {harbortest.ResetMidBody(), "Unavailable"},
		"truncated body":           {harbortest.Truncate(), "InvalidAnswer"},
		"invalid JSON":             {harbortest.InvalidJSON(), "InvalidAnswer"},
		"wrong content type":       {harbortest.ContentType("text/plain"), "InvalidAnswer"},
		"HTML page":                {harbortest.HTML(), "InvalidAnswer"},
		"redirect to another host": {harbortest.Redirect("https://login.example.com/"), "InvalidAnswer"},
		"anonymous to it alone":    {harbortest.Anonymous(), "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			kept := w.held("team")
			w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: c.fault})
			w.registry.Push("team/app", harbortest.Image{Tags: []string{"unseen"}})
			w.registry.Push("library/nginx", harbortest.Image{Tags: []string{"seen"}})
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Ready=True PartialFailure") || !slices.Contains(conditions(inv), "Complete=False PartialFailure") {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			if f := inv.Status.Failures; len(f) != 1 || f[0].Repository != "team/app" || f[0].Reason != c.reason || inv.Status.FailuresTotal != 1 {
				t.Errorf("failures %+v", f)
			}
			if strings.Contains(messages(inv)+fmt.Sprint(inv.Status.Failures), "login.example.com") {
				t.Errorf("a server's word reached the status: %s", messages(inv))
			}
			want := append(kept, w.held("library")...)
			slices.Sort(want)
			w.equal(want, w.shown("all"))
			if got := int(*inv.Status.Artifacts); got != len(want) {
				t.Errorf("status.artifacts %d, the lists hold %d", got, len(want))
			}
			w.harbor.ClearFaults()
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.equal(w.held(), w.shown("all"))
		})
	}
}

// The rows count, not what X-Total-Count says of them.
func TestWrongTotals(t *testing.T) {
	t.Parallel()
	for _, off := range []int{-5, -1, 1, 250} {
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 3, Artifacts: 130}))
			w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.TotalCount(off)})
			w.inventory("all")
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.equal(w.held(), w.shown("all"))
		})
	}
}

func TestFaultsOfAllOfHarbor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]harbortest.Fault{
		"core down":     harbortest.CoreDown(),
		"reset":         harbortest.Reset(),
		"login page":    harbortest.HTML(),
		"invalid JSON":  harbortest.InvalidJSON(),
		"429 always":    harbortest.TooManyRequests(""),
		"redirect away": harbortest.Redirect("https://login.example.com/"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			before := w.shown("all")
			counted := *w.get("all").Status.Artifacts
			w.harbor.Inject(harbortest.Rule{Fault: fault})
			inv := w.request("all")
			if !slices.Contains(conditions(inv), "Ready=False HarborUnavailable") || !slices.Contains(conditions(inv), "Complete=False HarborUnavailable") {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			w.stillShown(before)
			if *inv.Status.Artifacts != counted {
				t.Errorf("status.artifacts went from %d to %d", counted, *inv.Status.Artifacts)
			}
			w.harbor.ClearFaults()
			w.condition("all", "Ready=True Succeeded", "Complete=True")
			w.stillShown(before)
		})
	}
	t.Run("down in mid-sync", func(t *testing.T) {
		t.Parallel()
		w := synced(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 40, Artifacts: 5}))
		before := w.shown("all")
		w.harbor.Inject(harbortest.Rule{Skip: 12, Fault: harbortest.Gateway(502)})
		inv := w.request("all")
		if !slices.Contains(conditions(inv), "Ready=False HarborUnavailable") {
			t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
		}
		w.stillShown(before)
	})
}

func TestFailurePolicyFail(t *testing.T) {
	t.Parallel()
	w := synced(t, small(), func(s *v1alpha1.HarborInventorySpec) { s.FailurePolicy = v1alpha1.FailurePolicyFail })
	before := w.shown("all")
	w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/repositories/app/", Fault: harbortest.Gateway(502)})
	inv := w.request("all")
	if !slices.Contains(conditions(inv), "Ready=False PartialFailure") {
		t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
	}
	w.stillShown(before)
}

func TestOddAndHugeArtifacts(t *testing.T) {
	t.Parallel()
	reg := small()
	before, _ := reg.Listed("team")
	tags := make([]string, 5000)
	for i := range tags {
		tags[i] = fmt.Sprintf("build-%04d", i)
	}
	many := reg.Push("team/app", harbortest.Image{Tags: tags})
	children := make([]harbortest.Child, 3000)
	for i := range children {
		children[i].Platform = harbortest.Platform{OS: "linux", Architecture: fmt.Sprintf("arch%04d", i)}
	}
	wide := reg.PushIndex("team/app", harbortest.Index{Image: harbortest.Image{Tags: []string{"wide"}}, Children: children})
	noted := reg.Push("team/app", harbortest.Image{Tags: []string{"noted"}, Annotations: map[string]string{
		"short": "kept", "long": strings.Repeat("x", 1<<20),
	}})
	odd := reg.Push("team/app", harbortest.Image{
		Tags:       []string{"odd"},
		ExtraAttrs: []byte(`{"os":null,"architecture":5,"variant":{"a":[1,2,{"b":null}]},"config":"none","created":false,"unknown":[[[]]]}`),
	})
	w := newWorld(t, reg)
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) {
		s.Include = []v1alpha1.Detail{v1alpha1.DetailAnnotations, v1alpha1.DetailPlatforms}
	})
	w.condition("all", "Ready=True Succeeded", "Complete=True")

	entries := map[string]v1alpha1.ArtifactEntry{}
	for _, l := range w.lists("all") {
		for _, a := range l.Artifacts {
			entries[a.Digest] = a
		}
	}
	for digest, field := range map[string]string{many: "tags", wide: "platforms", noted: "annotations"} {
		if got := entries[digest].Truncated; !slices.Equal(got, []string{field}) {
			t.Errorf("artifact with too many %s: truncated %v", field, got)
		}
	}
	if got := entries[many]; len(got.Tags) == 0 || got.Totals["tags"] != 5000 {
		t.Errorf("%d tags kept, totals %v", len(got.Tags), got.Totals)
	}
	if got := entries[wide]; len(got.Platforms) == 0 || got.Totals["platforms"] != 3000 {
		t.Errorf("%d platforms kept, totals %v", len(got.Platforms), got.Totals)
	}
	if got := entries[noted].Annotations["short"]; got != "kept" {
		t.Errorf("annotation short: %q", got)
	}
	if got := entries[odd]; !slices.Equal(got.Tags, []string{"odd"}) || len(got.Truncated) > 0 {
		t.Errorf("odd artifact: %+v", got)
	}
	for _, a := range before {
		if e, ok := entries[a.Digest]; !ok || len(e.Truncated) > 0 || len(e.Tags) != len(a.Tags) {
			t.Errorf("neighbour %s became %+v", a.Digest, e)
		}
	}
}

func TestDeletedInMidSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 60, Artifacts: 5}))
	remove := w.harbor.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 20, Fault: harbortest.Stall()})
	inv := w.inventory("all")
	eventually(t, func() string {
		if n := len(w.lists("all")); n < 10 {
			return fmt.Sprintf("%d lists so far", n)
		}
		return ""
	})
	if err := kube.Delete(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if stats := w.harbor.Stats(); stats.InFlight > 0 {
			return fmt.Sprintf("%d requests are still in flight", stats.InFlight)
		}
		if n := len(w.lists("all")); n > 0 {
			return fmt.Sprintf("%d lists are left", n)
		}
		return ""
	})
	requests := w.harbor.Stats().Total
	watch, err := kube.Watch(t.Context(), &v1alpha1.ArtifactListList{}, client.InNamespace(w.ns))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	remove()
	// Another inventory of the same Harbor comes to its end; by then the first would have gone on.
	w.inventory("after", func(s *v1alpha1.HarborInventorySpec) { s.Repositories = repositories([]string{"library/*"}) })
	w.condition("after", "Ready=True")
	for len(watch.ResultChan()) > 0 {
		if l, ok := (<-watch.ResultChan()).Object.(*v1alpha1.ArtifactList); ok && l.Labels[v1alpha1.LabelInventory] == "all" {
			t.Errorf("list %s was written after the inventory was deleted", l.Name)
		}
	}
	if w.harbor.Stats().Total == requests {
		t.Error("the second inventory made no request")
	}
}

// events renders an object's events as "type reason note".
func (w *world) events(name string) []string {
	w.Helper()
	var events corev1.EventList
	if err := kube.List(w.Context(), &events, client.InNamespace(w.ns)); err != nil {
		w.Fatal(err)
	}
	var lines []string
	for _, e := range events.Items {
		if e.InvolvedObject.Name == name {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Type, e.Reason, e.Message))
		}
	}
	return lines
}
