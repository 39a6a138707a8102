// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func TestWebhookPolicies(t *testing.T) {
	registry := harbortest.New()
	robot := registry.AddRobot(harbortest.Robot{Name: "hooks", Secret: "s3cret", Webhooks: true})
	reader := registry.AddRobot(harbortest.Robot{Name: "reader", Secret: "s3cret"})
	server := harbortest.NewServer(t, registry, harbortest.Options{})
	client := simClient(t, server.URL, account(robot))
	ctx := t.Context()
	list := func() []harbor.WebhookPolicy {
		t.Helper()
		var all []harbor.WebhookPolicy
		for p, err := range client.WebhookPolicies(ctx, "library") {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, *p)
		}
		return all
	}
	want := harbor.WebhookPolicy{
		Name: "inventory", Description: "made by a test", Enabled: true,
		EventTypes: []harbor.EventType{harbor.EventPush, harbor.EventDelete},
		Targets: []harbor.WebhookTarget{{
			Type: "http", Address: "https://receiver.example.com/v1/default/all", AuthHeader: "Bearer t0p", SkipCertVerify: true, PayloadFormat: "Default",
		}},
	}
	if all := list(); len(all) != 0 { // and a session cookie is there from now on
		t.Fatalf("%+v", all)
	}
	if err := client.CreateWebhookPolicy(ctx, "library", want); err != nil {
		t.Fatal(err)
	}
	all := list()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	want.ID = all[0].ID
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Error(diff)
	}
	if err := client.CreateWebhookPolicy(ctx, "library", want); !errors.Is(err, harbor.ErrConflict) || strings.Contains(err.Error(), "t0p") {
		t.Errorf("made again: %v", err)
	}
	want.Enabled, want.Targets[0].SkipCertVerify = false, false
	if err := client.UpdateWebhookPolicy(ctx, "library", want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]harbor.WebhookPolicy{want}, list()); diff != "" {
		t.Error(diff)
	}
	other := simClient(t, server.URL, account(reader))
	for _, err := range other.WebhookPolicies(ctx, "library") {
		if !errors.Is(err, harbor.ErrForbidden) {
			t.Errorf("without the right: %v", err)
		}
	}
	if err := other.DeleteWebhookPolicy(ctx, "library", want.ID); !errors.Is(err, harbor.ErrForbidden) {
		t.Errorf("without the right: %v", err)
	}
	if err := client.DeleteWebhookPolicy(ctx, "library", want.ID); err != nil {
		t.Fatal(err)
	}
	if err := client.DeleteWebhookPolicy(ctx, "library", want.ID); !errors.Is(err, harbor.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
	if all := list(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

// A call that changes something is made once: whoever does not know what became
// of it looks.
func TestChangesAreNotRepeated(t *testing.T) {
	registry := harbortest.New()
	robot := registry.AddRobot(harbortest.Robot{Name: "hooks", Secret: "s3cret", Webhooks: true})
	server := harbortest.NewServer(t, registry, harbortest.Options{})
	server.Inject(harbortest.Rule{Class: harbortest.ClassWebhooks, Fault: harbortest.InternalError()})
	err := simClient(t, server.URL, account(robot)).CreateWebhookPolicy(t.Context(), "library", harbor.WebhookPolicy{Name: "x"})
	if !errors.Is(err, harbor.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if n := server.Stats().Total; n != 1 {
		t.Errorf("%d requests", n)
	}
}

func account(name string) func(*harbor.Config) {
	return func(c *harbor.Config) { c.Username, c.Password = name, "s3cret" }
}
