// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// policyChange is what makes a project's webhook policies as they should be. Of
// the policies only those of the inventory's own name are looked at.
type policyChange struct {
	create, update bool
	policy         harbor.WebhookPolicy // for these
	remove         []int64
}

// planPolicy compares the policies of a project with the one wanted; nil wants none.
//
//	| wanted | the project has          | change                   |
//	|--------|--------------------------|--------------------------|
//	| yes    | none of the name         | create                   |
//	| yes    | one that is the same     | none                     |
//	| yes    | one that differs         | update, under its id     |
//	| no     | one of the name          | delete                   |
func planPolicy(name string, wanted *harbor.WebhookPolicy, existing []harbor.WebhookPolicy) policyChange {
	var c policyChange
	found := false
	for i := range existing {
		switch {
		case existing[i].Name != name:
		case wanted == nil || found:
			c.remove = append(c.remove, existing[i].ID)
		default:
			found = true
			if c.policy = *wanted; !samePolicy(&c.policy, &existing[i]) {
				c.update = true
				c.policy.ID = existing[i].ID
			}
		}
	}
	if wanted != nil && !found {
		c.create, c.policy = true, *wanted
	}
	return c
}

func samePolicy(a, b *harbor.WebhookPolicy) bool {
	return a.Enabled == b.Enabled && slices.Equal(a.Targets, b.Targets) &&
		slices.Equal(slices.Sorted(slices.Values(a.EventTypes)), slices.Sorted(slices.Values(b.EventTypes)))
}

// policyEvents are what an inventory wants to hear of. Pulls are not among them.
var policyEvents = []harbor.EventType{
	harbor.EventPush, harbor.EventDelete, harbor.EventScanCompleted, harbor.EventScanFailed, harbor.EventTagRetention,
}

// policyName is the name of an inventory's policy in each project. It holds a
// part of the inventory's UID, for other clusters have inventories too.
func policyName(inv *v1alpha1.HarborInventory) string {
	short, _, _ := strings.Cut(string(inv.UID), "-")
	return "harbor-inventory." + inv.Namespace + "." + inv.Name + "." + short
}

func policyOf(inv *v1alpha1.HarborInventory, authorization string) *harbor.WebhookPolicy {
	return &harbor.WebhookPolicy{
		Name:        policyName(inv),
		Description: "Kept by harbor-inventory for the HarborInventory " + inv.Namespace + "/" + inv.Name,
		Enabled:     true,
		EventTypes:  policyEvents,
		Targets: []harbor.WebhookTarget{{
			Type:       "http",
			Address:    strings.TrimRight(inv.Spec.Webhook.URL, "/") + receiver.Path(receiver.Name{Namespace: inv.Namespace, Name: inv.Name}),
			AuthHeader: authorization, PayloadFormat: "Default",
		}},
	}
}
