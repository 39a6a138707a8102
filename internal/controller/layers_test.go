// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
)

func TestLayers(t *testing.T) {
	const sweep = "; the audit log is followed; listings of repositories every 10m; every repository is read in full within 24h"
	for _, c := range []struct {
		name      string
		mode      v1alpha1.WebhookMode
		version   string
		received  bool
		hooks     registration
		byProject bool
		want      string
	}{
		{name: "nothing asked for", version: "v2.16.0", received: true, want: "webhooks are off (spec.webhook.mode)" + sweep},
		{
			name: "by project", version: "v2.16.0", byProject: true,
			want: "webhooks are off (spec.webhook.mode); the audit log is followed; listings of repositories every 10m project by project " +
				"(Harbor does not show these credentials all repositories at once); every repository is read in full within 24h",
		},
		{
			name: "an old Harbor", mode: v1alpha1.WebhookOff, version: "v2.15.1", received: true,
			want: "webhooks are off (spec.webhook.mode); the audit log is followed; listings of repositories every 10m, which before Harbor 2.15.2 do not tell of tags that moved; every repository is read in full within 6h",
		},
		{name: "no receiver", mode: v1alpha1.WebhookReceive, version: "v2.16.0", want: "webhooks are not received (the operator runs without --webhook-bind-address)" + sweep},
		{name: "received", mode: v1alpha1.WebhookReceive, version: "v2.16.0", received: true, want: "webhooks are received" + sweep},
		{name: "registered", mode: v1alpha1.WebhookRegister, version: "v2.16.0", received: true, hooks: registration{projects: 12}, want: "webhooks are registered in 12 projects" + sweep},
		{
			name: "without the right", mode: v1alpha1.WebhookRegister, version: "v2.16.0", received: true,
			hooks: registration{projects: 12, failed: 2, err: errors.New("project x: the account needs the right y")},
			want:  "webhooks are registered in 10 of 12 projects (project x: the account needs the right y)" + sweep,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := &v1alpha1.HarborInventory{}
			inv.Spec.Interval.Duration = 10 * time.Minute
			inv.Spec.Webhook.Mode = c.mode
			inv.Spec.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "robot"}
			if got := layers(inv, c.version, c.received, c.hooks, current.Verdict{Message: "is followed"}, c.byProject); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Second: "10s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
	} {
		if got := short(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
