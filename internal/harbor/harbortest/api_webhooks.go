// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// webhookPolicies answers /projects/{p}/webhook/policies.
func webhookPolicies(c *call) *answer {
	what := listWebhooks
	if c.request.Method == http.MethodPost {
		what = changeWebhooks
	}
	p := c.projectByNameOrID(c.args[0])
	if failure := c.require(what, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	if c.request.Method == http.MethodPost {
		return createWebhookPolicy(c, p)
	}
	paging, words, failure := c.listing()
	if failure != nil {
		return failure.answer()
	}
	page, total, failure := find(c, policyTable, p.policies, words, paging)
	if failure != nil {
		return failure.answer()
	}
	return listOf(c, page, total, paging, appendPolicy)
}

func createWebhookPolicy(c *call, p *project) *answer {
	w, failure := c.webhook()
	if failure == nil && p.policyNamed(w.Name) != nil {
		failure = policyConflict(w.Name)
	}
	if failure != nil {
		return failure.answer()
	}
	row := c.registry.addPolicy(p, w, toInstant(c.registry.clock()))
	c.registry.sequence++
	created := &answer{status: http.StatusCreated}
	created.set("Location", strings.TrimSuffix(c.path, "/")+"/"+strconv.FormatInt(row.id, 10))
	return created
}

// webhookPolicy answers /projects/{p}/webhook/policies/{id}.
func webhookPolicy(c *call) *answer {
	id, err := strconv.ParseInt(c.args[1], 10, 64)
	if err != nil {
		return unprocessable("validation failure list:\nwebhook_policy_id in path must be of type int64: " + strconv.Quote(c.args[1])).answer()
	}
	what := changeWebhooks
	if c.request.Method == http.MethodGet {
		what = listWebhooks
	}
	p := c.projectByNameOrID(c.args[0])
	if failure := c.require(what, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	row := p.findPolicy(func(row *policy) bool { return row.id == id })
	if row == nil {
		return notFound(fmt.Sprintf("project id:%d, webhook policy id: %d not found", p.id, id)).answer()
	}
	switch c.request.Method {
	case http.MethodPut:
		return updateWebhookPolicy(c, p, row)
	case http.MethodDelete:
		p.deletePolicy(id)
		c.registry.sequence++
		return &answer{status: http.StatusOK}
	}
	return okJSON(appendPolicy(nil, row))
}

func updateWebhookPolicy(c *call, p *project, row *policy) *answer {
	w, failure := c.webhook()
	if failure == nil {
		if other := p.policyNamed(w.Name); other != nil && other != row {
			failure = policyConflict(w.Name)
		}
	}
	if failure != nil {
		return failure.answer()
	}
	row.Webhook, row.updated = w, toInstant(c.registry.clock())
	c.registry.sequence++
	return &answer{status: http.StatusOK}
}

func policyConflict(name string) *apiError {
	return &apiError{http.StatusConflict, "CONFLICT", "notification policy named " + name + " already exists"}
}

type policyJSON struct {
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Enabled     bool         `json:"enabled"`
	EventTypes  []string     `json:"event_types"`
	Targets     []targetJSON `json:"targets"`
}

type targetJSON struct {
	Address        string `json:"address,omitempty"`
	AuthHeader     string `json:"auth_header,omitempty"`
	PayloadFormat  string `json:"payload_format,omitempty"`
	SkipCertVerify bool   `json:"skip_cert_verify,omitempty"`
	Type           string `json:"type,omitempty"`
}

// webhook reads the body of POST and PUT.
func (c *call) webhook() (Webhook, *apiError) {
	var sent policyJSON
	if err := json.Unmarshal(c.body, &sent); err != nil {
		return Webhook{}, badRequest("parsing policy body from \"\" failed, because " + err.Error())
	}
	w := Webhook{Name: sent.Name, Description: sent.Description, Disabled: !sent.Enabled, EventTypes: sent.EventTypes}
	for _, t := range sent.Targets {
		w.Targets = append(w.Targets, WebhookTarget{
			Type: t.Type, Address: t.Address, AuthHeader: t.AuthHeader, SkipCertVerify: t.SkipCertVerify, PayloadFormat: t.PayloadFormat,
		})
	}
	return w, w.check()
}

func appendPolicy(w []byte, p *policy) []byte {
	targets := make([]targetJSON, 0, len(p.Targets))
	for _, t := range p.Targets {
		targets = append(targets, targetJSON{t.Address, t.AuthHeader, t.PayloadFormat, t.SkipCertVerify, t.Type})
	}
	w = appendTime(append(w, `{"creation_time":`...), p.created)
	if p.Description != "" {
		w = appendMember(w, "description", p.Description)
	}
	w = strconv.AppendBool(append(w, `,"enabled":`...), !p.Disabled)
	w = append(append(w, `,"event_types":`...), marshal(p.EventTypes)...)
	w = appendInt(append(w, `,"id":`...), p.id)
	w = appendMember(w, "name", p.Name)
	w = appendInt(append(w, `,"project_id":`...), p.projectID)
	w = append(append(w, `,"targets":`...), marshal(targets)...)
	w = appendTime(append(w, `,"update_time":`...), p.updated)
	return append(w, '}')
}
