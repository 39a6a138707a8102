// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Webhook describes a webhook policy of a project.
type Webhook struct {
	Name, Description string
	// Disabled policies send nothing.
	Disabled bool
	// EventTypes that it sends, of [WebhookEventTypes]; none means all.
	EventTypes []string
	Targets    []WebhookTarget
}

// WebhookTarget is where a policy sends to.
type WebhookTarget struct {
	// Type is http, the default, or slack. Nothing is delivered to Slack here.
	Type string
	// Address is a URL; its query is dropped, as Harbor does.
	Address string
	// AuthHeader is the value of Authorization. Harbor shows it in clear to those
	// who may read the policy.
	AuthHeader     string
	SkipCertVerify bool
	// PayloadFormat is Default or CloudEvents; the default is Default.
	PayloadFormat string
}

// WebhookEventTypes are those that Harbor offers, in its order. QUOTA_EXCEED,
// QUOTA_WARNING and REPLICATION never happen here.
var WebhookEventTypes = []string{
	"PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT", "QUOTA_EXCEED", "QUOTA_WARNING",
	"SCANNING_FAILED", "SCANNING_STOPPED", "SCANNING_COMPLETED", "REPLICATION", "TAG_RETENTION",
}

const (
	formatDefault     = "Default"
	formatCloudEvents = "CloudEvents"
)

// policy is a row of notification_policy.
type policy struct {
	id        int64
	projectID int64
	Webhook
	created instant
	updated instant
}

var policyTable = &table[*policy]{
	sorting: []order{{"creation_time", true}, {"id", true}},
	columns: columns(map[string]column[*policy]{
		"id":            {number: func(p *policy) int64 { return p.id }},
		"name":          {text: func(p *policy) string { return p.Name }},
		"project_id":    {number: func(p *policy) int64 { return p.projectID }},
		"creation_time": {when: func(p *policy) instant { return p.created }},
		"update_time":   {when: func(p *policy) instant { return p.updated }},
	}, map[string]string{
		"ID": "id", "Name": "name", "ProjectID": "project_id", "CreationTime": "creation_time", "UpdateTime": "update_time",
	}),
}

// AddWebhook adds a webhook policy and returns its id. A name that the project
// has already is a conflict. The policies of a project go with it.
func (r *Registry) AddWebhook(projectName string, w Webhook) (id int64, err error) {
	err = r.write(func(now instant) error {
		p := r.projects[projectName]
		if p == nil {
			return fmt.Errorf("project %q: %w", projectName, ErrNotFound)
		}
		if w.EventTypes == nil {
			w.EventTypes = WebhookEventTypes
		}
		if failure := w.check(); failure != nil {
			return fmt.Errorf("webhook %q: %w: %s", w.Name, ErrInvalidName, failure.message)
		}
		if p.policyNamed(w.Name) != nil {
			return fmt.Errorf("webhook %q of %q: %w", w.Name, projectName, ErrConflict)
		}
		id = r.addPolicy(p, w, now).id
		return nil
	})
	return id, err
}

// Webhooks returns the webhook policies of a project by id.
func (r *Registry) Webhooks(projectName string) map[int64]Webhook {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p := r.projects[projectName]
	if p == nil {
		return nil
	}
	all := map[int64]Webhook{}
	for _, row := range p.policies {
		all[row.id] = row.clone()
	}
	return all
}

// DeleteWebhook removes a policy.
func (r *Registry) DeleteWebhook(projectName string, id int64) error {
	return r.write(func(instant) error {
		p := r.projects[projectName]
		if p == nil || !p.deletePolicy(id) {
			return fmt.Errorf("webhook %d of %q: %w", id, projectName, ErrNotFound)
		}
		return nil
	})
}

// SetNotifications switches the notifications of the whole Harbor on or off:
// notification_enable in /systeminfo. Off, nothing is sent.
func (r *Registry) SetNotifications(on bool) {
	_ = r.write(func(instant) error { r.silent = !on; return nil })
}

func (r *Registry) addPolicy(p *project, w Webhook, now instant) *policy {
	row := &policy{id: next(&r.ids.Policy), projectID: p.id, Webhook: w.clone(), created: now, updated: now}
	p.policies = append(p.policies, row)
	return row
}

func (w *Webhook) clone() Webhook {
	own := *w
	own.EventTypes, own.Targets = slices.Clone(w.EventTypes), slices.Clone(w.Targets)
	return own
}

func (p *project) policyNamed(name string) *policy {
	return p.findPolicy(func(row *policy) bool { return row.Name == name })
}

func (p *project) findPolicy(is func(*policy) bool) *policy {
	if i := slices.IndexFunc(p.policies, is); i >= 0 {
		return p.policies[i]
	}
	return nil
}

func (p *project) deletePolicy(id int64) bool {
	before := len(p.policies)
	p.policies = slices.DeleteFunc(p.policies, func(row *policy) bool { return row.id == id })
	return len(p.policies) < before
}

// check refuses what Harbor refuses, and sets what it sets
// (src/server/v2.0/handler/webhook.go).
func (w *Webhook) check() *apiError {
	if len(w.EventTypes) == 0 {
		return badRequest("empty event type")
	}
	for _, typ := range w.EventTypes {
		if !slices.Contains(WebhookEventTypes, typ) {
			return badRequest("unsupported event type " + typ)
		}
	}
	if len(w.Targets) == 0 {
		return badRequest("empty notification target with policy " + w.Name)
	}
	w.Targets = slices.Clone(w.Targets)
	for i := range w.Targets {
		if failure := w.Targets[i].check(w.Name); failure != nil {
			return failure
		}
	}
	return nil
}

func (t *WebhookTarget) check(name string) *apiError {
	address := strings.TrimRight(strings.TrimSpace(t.Address), "/")
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return badRequest(err.Error())
	}
	t.Address = u.Scheme + "://" + u.Host + u.Path
	if t.Type == "" {
		t.Type = "http"
	}
	switch {
	case t.Type != "http" && t.Type != "slack":
		return badRequest("unsupported target type " + t.Type + " with policy " + name)
	case t.Type == "slack" && t.PayloadFormat != "":
		return badRequest("set payload format is not allowed for slack")
	case t.Type == "slack":
	case t.PayloadFormat == "":
		t.PayloadFormat = formatDefault
	case t.PayloadFormat != formatDefault && t.PayloadFormat != formatCloudEvents:
		return badRequest("unsupported payload format type: " + t.PayloadFormat)
	}
	return nil
}
