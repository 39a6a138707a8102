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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

func registering(s *v1alpha1.HarborInventorySpec) {
	receiving(s)
	s.Webhook.Mode, s.Webhook.URL = v1alpha1.WebhookRegister, "http://"+webhooks
}

// hooked is a small registry whose robot may keep webhook policies, or not.
func hooked(t *testing.T, may bool) *world {
	t.Helper()
	w := newWorld(t, small())
	name := w.registry.AddRobot(harbortest.Robot{Name: "hooks", Secret: canary, Webhooks: may})
	w.putSecret("robot", name, canary)
	w.hookSecret()
	return w
}

// policies renders those of a project: "name enabled address".
func (w *world) policies(project string) []string {
	lines := []string{}
	for _, p := range w.registry.Webhooks(project) {
		lines = append(lines, fmt.Sprintf("%s %t %s", p.Name, !p.Disabled, p.Targets[0].Address))
	}
	slices.Sort(lines)
	return lines
}

// The operator keeps its policy in the selected projects, and Harbor's events
// bring what is pushed into the lists.
func TestRegister(t *testing.T) {
	t.Parallel()
	w := hooked(t, true)
	foreign := harbortest.Webhook{Name: "foreign", Targets: []harbortest.WebhookTarget{{Type: "http", Address: "http://127.0.0.1:1"}}}
	_, err := w.registry.AddWebhook("team", foreign)
	must(err)
	w.inventory("all", registering)
	inv := w.condition("all", "Ready=True")
	short, _, _ := strings.Cut(string(inv.UID), "-")
	own := fmt.Sprintf("harbor-inventory.%s.all.%s true http://%s%s", w.ns, short, webhooks, receiver.Path(receiver.Name{Namespace: w.ns, Name: "all"}))
	want := []string{"foreign true http://127.0.0.1:1", own}
	w.equal(want, w.policies("team"))
	w.equal([]string{own}, w.policies("library"))
	if !strings.HasPrefix(inv.Status.Layers, "webhooks are registered in 2 projects; ") {
		t.Errorf("layers: %s", inv.Status.Layers)
	}
	arrives := func() {
		t.Helper()
		eventually(t, func() string { return cmp.Diff(w.held(), w.shown("all")) })
	}
	w.registry.Push("team/app", harbortest.Image{Tags: []string{"pushed"}})
	arrives()
	w.registry.PushIndex("team/new", harbortest.Index{Image: harbortest.Image{Tags: []string{"multi"}}, Children: []harbortest.Child{{}, {}}})
	arrives()
	must(w.registry.DeleteArtifact("team/app", "1.1"))
	arrives()

	// What others change is put right.
	for id := range w.registry.Webhooks("library") {
		must(w.registry.DeleteWebhook("library", id))
	}
	w.request("all")
	w.equal([]string{own}, w.policies("library"))

	// A project that is no longer selected loses it; so do all with the inventory.
	w.change("all", func(s *v1alpha1.HarborInventorySpec) { s.Projects = []v1alpha1.ProjectPattern{"team"} })
	eventually(t, func() string { return cmp.Diff([]string{}, w.policies("library")) })
	w.condition("all", "Ready=True")
	w.equal(want, w.policies("team"))
	must(kube.Delete(t.Context(), w.get("all")))
	w.gone("all")
	w.equal(want[:1], w.policies("team"))
}

// A sync that goes on for long tells of its progress, and so changes the
// inventory; that keeps nobody from registering.
func TestRegisterAfterALongSync(t *testing.T) {
	t.Parallel()
	w := hooked(t, true)
	w.harbor.SetLatency(time.Second)
	w.inventory("all", registering)
	inv := w.condition("all", "Ready=True")
	if !strings.HasPrefix(inv.Status.Layers, "webhooks are registered in 2 projects; ") || !slices.Contains(inv.Finalizers, v1alpha1.FinalizerWebhook) {
		t.Errorf("layers: %s; finalizers %q", inv.Status.Layers, inv.Finalizers)
	}
}

func (w *world) gone(name string) {
	w.Helper()
	eventually(w.T, func() string {
		err := kube.Get(w.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &v1alpha1.HarborInventory{})
		if !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the inventory is still there: %v", err)
		}
		return ""
	})
}

// A missing right is named, and nothing else suffers for it; an inventory whose
// Secret is gone can be deleted all the same.
func TestRegisterWithoutTheRight(t *testing.T) {
	t.Parallel()
	w := hooked(t, false)
	w.inventory("all", registering)
	inv := w.condition("all", "Ready=True", "Complete=True")
	if !strings.Contains(inv.Status.Layers, "webhooks are registered in 0 of 2 projects (project library: the account needs the right notification-policy:list") {
		t.Errorf("layers: %s", inv.Status.Layers)
	}
	w.equal(w.held(), w.shown("all"))
	w.deleteSecret("robot")
	must(kube.Delete(t.Context(), inv))
	w.gone("all")
}
