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
		"wrong":    func(w *world) { w.putSecret("robot", robot, "m1styped-passw0rd") },
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
			if got := message(inv, "Ready"); !strings.Contains(got, `Secret "robot"`) || strings.Contains(got, "m1styped") {
				t.Errorf("message %q", got)
			}
			w.stillShown(before)
			w.registry.AddRobot(harbortest.Robot{Name: "other", Secret: "fr3sh-passw0rd"})
			w.putSecret("robot", "robot$other", "fr3sh-passw0rd")
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

func TestMissingAndForbiddenAreToldApart(t *testing.T) {
	t.Parallel()
	reg := small()
	must(reg.CreateProject("hidden", false))
	reg.Push("hidden/app", harbortest.Image{Tags: []string{"1"}})
	reg.AddRobot(harbortest.Robot{Name: "narrow", Secret: "narr0w-passw0rd", Projects: []string{"team"}})
	w := newWorld(t, reg)
	w.putSecret("robot", "robot$narrow", "narr0w-passw0rd")
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
