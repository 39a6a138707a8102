// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"
	"time"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

// layers says in one line how an inventory is kept current, and which ways are
// not used, and why. Version is Harbor's, or empty; received tells whether the
// operator receives webhooks at all, and byProject whether repositories are
// listed project by project because Harbor does not show all of them at once.
func layers(inv *v1alpha1.HarborInventory, version string, received bool, hooks registration, audit current.Verdict, byProject bool) string {
	sweep := fmt.Sprintf("listings of repositories every %s", short(inv.Spec.Interval.Duration))
	if byProject {
		sweep += " project by project (Harbor does not show these credentials all repositories at once)"
	}
	switch {
	case inv.Spec.Output.Mode == v1alpha1.OutputStatus:
		return cutMessage(strings.Join([]string{
			webhookLayer(inv, received, hooks),
			fmt.Sprintf("every repository is read in full every %s (output.mode Status)", short(inv.Spec.Interval.Duration)),
		}, "; "))
	case !fetch.StampsTellChanges(version):
		sweep += ", which before Harbor 2.15.2 do not tell of tags that moved"
	}
	return cutMessage(strings.Join([]string{
		webhookLayer(inv, received, hooks), auditLayer(inv, audit), sweep,
		fmt.Sprintf("every repository is read in full within %s", short(wantedVerifyInterval(inv, version))),
	}, "; "))
}

func auditLayer(inv *v1alpha1.HarborInventory, audit current.Verdict) string {
	if inv.Spec.Harbor.CredentialsSecretRef == nil {
		return "the audit log is not shown to anonymous callers"
	}
	return "the audit log " + audit.Message
}

func webhookLayer(inv *v1alpha1.HarborInventory, received bool, hooks registration) string {
	mode := inv.Spec.Webhook.Mode
	switch {
	case mode == "" || mode == v1alpha1.WebhookOff:
		return "webhooks are off (spec.webhook.mode)"
	case !received:
		return "webhooks are not received (the operator runs without --webhook-bind-address)"
	case mode == v1alpha1.WebhookReceive:
		return "webhooks are received"
	case hooks.failed > 0:
		return fmt.Sprintf("webhooks are registered in %d of %d projects (%v)", hooks.projects-hooks.failed, hooks.projects, hooks.err)
	default:
		return fmt.Sprintf("webhooks are registered in %d projects", hooks.projects)
	}
}

// short renders a duration without the units that are zero at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = text[:len(text)-2]
	}
	if strings.HasSuffix(text, "h0m") {
		text = text[:len(text)-2]
	}
	return text
}
