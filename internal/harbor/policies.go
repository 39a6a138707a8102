// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
)

// WebhookPolicy is a notification policy of a project: where Harbor sends which
// events. It is the only thing in Harbor that this package can change.
type WebhookPolicy struct {
	ID   int64
	Name string // unique in the project
	// Description is shown in Harbor's portal.
	Description string
	Enabled     bool
	EventTypes  []EventType
	// Targets, of which this package makes one. Harbor takes one or more.
	Targets []WebhookTarget
}

// WebhookTarget is where the events of a policy go.
type WebhookTarget struct {
	Type    string // http or slack
	Address string
	// AuthHeader is sent as the header Authorization. Harbor shows it to whoever
	// may read the policy.
	AuthHeader string
	// SkipCertVerify accepts any certificate of the address.
	SkipCertVerify bool
	// PayloadFormat is Default or CloudEvents; Harbor before 2.8 knows none.
	PayloadFormat string
}

var policies = listing[WebhookPolicy]{
	key: "id", size: maxPageSize, decode: decodePolicy,
	id:    func(p *WebhookPolicy) int64 { return p.ID },
	named: func(p *WebhookPolicy) bool { return p.ID > 0 && p.Name != "" },
}

// WebhookPolicies reads the policies of a project; that needs the right
// notification-policy:list, without which the error is [ErrForbidden].
func (c *Client) WebhookPolicies(ctx context.Context, project string) iter.Seq2[*WebhookPolicy, error] {
	return policies.all(PageOptions{}, func(o PageOptions) (Page[WebhookPolicy], error) {
		what, err := policyCall(project, "webhooks.list", http.MethodGet, 0)
		if err != nil {
			return Page[WebhookPolicy]{}, err
		}
		return policies.page(ctx, c, what, o, "", nil)
	})
}

// CreateWebhookPolicy makes a policy, with the right notification-policy:create.
// [ErrConflict]: the project has one of that name.
func (c *Client) CreateWebhookPolicy(ctx context.Context, project string, p WebhookPolicy) error {
	return c.changePolicy(ctx, project, "webhooks.create", http.MethodPost, 0, &p)
}

// UpdateWebhookPolicy replaces the policy of that ID, with the right
// notification-policy:update.
func (c *Client) UpdateWebhookPolicy(ctx context.Context, project string, p WebhookPolicy) error {
	return c.changePolicy(ctx, project, "webhooks.update", http.MethodPut, p.ID, &p)
}

// DeleteWebhookPolicy deletes a policy, with the right notification-policy:delete.
func (c *Client) DeleteWebhookPolicy(ctx context.Context, project string, id int64) error {
	return c.changePolicy(ctx, project, "webhooks.delete", http.MethodDelete, id, nil)
}

func (c *Client) changePolicy(ctx context.Context, project, endpoint, method string, id int64, p *WebhookPolicy) error {
	what, err := policyCall(project, endpoint, method, id)
	if err != nil {
		return err
	}
	if p != nil {
		if what.body, err = p.encode(); err != nil {
			return err
		}
	}
	return c.do(ctx, what)
}

func policyCall(project, endpoint, method string, id int64) (call, error) {
	path, err := projectPath(project)
	if err != nil {
		return call{}, err
	}
	path += "/webhook/policies"
	if id > 0 {
		path += "/" + strconv.FormatInt(id, 10)
	}
	what := call{endpoint: endpoint, method: method, path: path}
	if strings.Trim(project, "0123456789") == "" {
		what.header = http.Header{"X-Is-Resource-Name": {"true"}} // else taken for an id
	}
	return what, nil
}

// encode writes what Harbor's API takes.
func (p *WebhookPolicy) encode() ([]byte, error) {
	type target struct {
		Type           string `json:"type"`
		Address        string `json:"address"`
		AuthHeader     string `json:"auth_header,omitempty"`
		SkipCertVerify bool   `json:"skip_cert_verify"`
		PayloadFormat  string `json:"payload_format,omitempty"`
	}
	policy := struct {
		Name        string      `json:"name"`
		Description string      `json:"description,omitempty"`
		Enabled     bool        `json:"enabled"`
		EventTypes  []EventType `json:"event_types"`
		Targets     []target    `json:"targets"`
	}{Name: p.Name, Description: p.Description, Enabled: p.Enabled, EventTypes: p.EventTypes}
	for _, t := range p.Targets {
		policy.Targets = append(policy.Targets, target(t))
	}
	return json.Marshal(policy)
}

func decodePolicy(d *decoder, p *WebhookPolicy) error {
	return d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&p.ID)
		case "name":
			return d.text(&p.Name)
		case "description":
			return d.text(&p.Description)
		case "enabled":
			return d.boolean(&p.Enabled)
		case "event_types":
			p.EventTypes = nil
			return d.array(func() error {
				var text string
				err := d.name(&text)
				p.EventTypes = append(p.EventTypes, EventType(text))
				return err
			})
		case "targets":
			return elements(d, &p.Targets, decodeTarget, func(t *WebhookTarget) bool { return t.Address != "" })
		default:
			return d.skip()
		}
	})
}

func decodeTarget(d *decoder, t *WebhookTarget) error {
	return d.object(func(name string) error {
		switch name {
		case "type":
			return d.name(&t.Type)
		case "address":
			return d.text(&t.Address)
		case "auth_header":
			return d.text(&t.AuthHeader)
		case "skip_cert_verify":
			return d.boolean(&t.SkipCertVerify)
		case "payload_format":
			return d.name(&t.PayloadFormat)
		default:
			return d.skip()
		}
	})
}

// bodyOf is the body of a request, anew for each try.
func bodyOf(content []byte) io.ReadCloser {
	if content == nil {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(content))
}
