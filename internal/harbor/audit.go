// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// AuditEntry is an entry of Harbor's audit log about something that an inventory
// holds. It is a hint, and no proof: Harbor writes entries some time after the
// deed, loses some when it ends at the wrong moment, and has none of labels,
// scans and what garbage collection removes.
type AuditEntry struct {
	ID int64
	// At is when it was done, by Harbor's clock. The order of ids is another one.
	At time.Time
	// Operation is create or delete. A push is create, of a new tag too.
	Operation string
	// ResourceType is artifact, tag, repository or project.
	ResourceType string
	// Project and Repository, a full name, that the entry is about. Repository is
	// empty where it is about a project, and both where the name is none that
	// Harbor allows.
	Project, Repository string
	// Digest of the artifact that the entry is about, if it is about one and names
	// its digest: before 2.13 it does not.
	Digest string
}

// AuditOptions selects a page of the audit log.
type AuditOptions struct {
	PageOptions
	// Project whose entries are read. Empty: those of all projects.
	Project string
	// Legacy reads the log of Harbor before 2.13, /audit-logs. Later versions
	// have it too, without new entries.
	Legacy bool
	// Since leaves out what was done before, to the second.
	Since time.Time
}

// auditFilter leaves pulls, accounts and settings out.
const auditFilter = "operation={create delete},resource_type={artifact tag repository project}"

var audit = listing[AuditEntry]{
	key: "id", size: maxPageSize, grows: true, decode: decodeAudit,
	id:    func(e *AuditEntry) int64 { return e.ID },
	named: func(e *AuditEntry) bool { return e.ID > 0 },
}

// AuditPage reads a page of the audit log, sorted by id, of all that was created
// or deleted. Default page size 100.
//
// The log of all projects needs the right audit-log:list. Without it there is no
// error but the entries of those projects whose log the account may read, which
// for a robot are none (recording audit-logs). The log of one project needs
// log:list there; without it the error is [ErrForbidden]. Harbor before 2.13
// answers [ErrInvalidResponse] unless o.Legacy is set.
func (c *Client) AuditPage(ctx context.Context, o AuditOptions) (Page[AuditEntry], error) {
	what, err := o.call("audit.list")
	if err != nil {
		return Page[AuditEntry]{}, err
	}
	return audit.page(ctx, c, what, o.PageOptions, o.conditions(), nil)
}

// Audit reads all pages. Entries that are written meanwhile may be among them;
// one with a lower id than one already read may come late, and is not.
func (c *Client) Audit(ctx context.Context, o AuditOptions) iter.Seq2[*AuditEntry, error] {
	return audit.all(o.PageOptions, func(p PageOptions) (Page[AuditEntry], error) {
		o := o
		o.PageOptions = p
		return c.AuditPage(ctx, o)
	})
}

// NewestAudit returns the entry with the greatest id that the options select;
// false if there is none. It is one request.
func (c *Client) NewestAudit(ctx context.Context, o AuditOptions) (newest AuditEntry, ok bool, err error) {
	o.PageOptions = PageOptions{FromID: o.FromID, ToID: o.ToID, Page: 1, PageSize: 1}
	what, err := o.call("audit.newest")
	if err != nil {
		return AuditEntry{}, false, err
	}
	what.query = o.values(audit.key, o.conditions())
	what.query.Set("sort", "-"+audit.key)
	what.decode = func(_ http.Header, body io.Reader) error {
		newest, ok = AuditEntry{}, false
		entries, err := list(body, decodeAudit, 1)
		if err != nil || len(entries) == 0 {
			return err
		}
		if len(entries) > 1 || !audit.named(&entries[0]) {
			return &ResponseError{Reason: reasonOrder}
		}
		newest, ok = entries[0], true
		return nil
	}
	if err := c.do(ctx, what); err != nil {
		return AuditEntry{}, false, err
	}
	return newest, ok, nil
}

func (o *AuditOptions) call(endpoint string) (call, error) {
	what := call{endpoint: endpoint}
	if o.Project != "" {
		path, err := projectPath(o.Project)
		if err != nil {
			return call{}, err
		}
		what.path = path
	}
	switch {
	case !o.Legacy:
		what.path += "/auditlog-exts"
	case o.Project != "":
		what.path += "/logs"
	default:
		what.path = "/audit-logs"
	}
	return what, nil
}

func (o *AuditOptions) conditions() string {
	if o.Since.IsZero() {
		return auditFilter
	}
	return fmt.Sprintf("op_time=[%s~],%s", o.Since.UTC().Format("2006-01-02T15:04:05"), auditFilter)
}

func decodeAudit(d *decoder, e *AuditEntry) error {
	var resource, description string
	err := d.object(func(name string) error {
		switch name {
		case "id":
			return d.number(&e.ID)
		case "op_time":
			return d.time(&e.At)
		case "operation":
			return d.name(&e.Operation)
		case "resource_type":
			return d.name(&e.ResourceType)
		case "resource":
			return d.text(&resource)
		case "operation_description":
			return d.text(&description)
		default:
			return d.skip()
		}
	})
	e.Project, e.Repository = resourceNames(e.ResourceType, resource)
	if e.ResourceType == "artifact" && e.Repository != "" {
		e.Digest = digestIn(resource, description, e.Repository)
	}
	return err
}

// digestIn finds the digest of an artifact in an entry about it: in its resource,
// or in the description, "push artifact: repo@digest" (recording audit-feed).
func digestIn(resource, description, repository string) string {
	_, described, _ := strings.Cut(description, ": ")
	for _, text := range []string{resource, described} {
		if digest, ok := strings.CutPrefix(text, repository+"@"); ok && ValidDigest(digest) {
			return digest
		}
	}
	return ""
}

// resourceNames reads the name of a resource: repo:tag, repo@digest, or before
// 2.13 repo:digest (src/controller/event/topic.go).
func resourceNames(resourceType, resource string) (project, repository string) {
	switch resourceType {
	case "project":
		if ValidProject(resource) {
			return resource, ""
		}
		return "", ""
	case "artifact", "tag":
		if end := strings.IndexAny(resource, ":@"); end >= 0 {
			resource = resource[:end]
		}
	case "repository":
	default:
		return "", ""
	}
	if !ValidRepository(resource) {
		return "", ""
	}
	project, _, _ = SplitRepository(resource)
	return project, resource
}

// LegacyAudit tells whether a Harbor of this version writes the log that
// AuditOptions.Legacy reads: before 2.13.
func LegacyAudit(version string) bool { return !VersionAtLeast(version, 2, 13, 0) }
