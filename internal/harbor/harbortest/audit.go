// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"strconv"
	"strings"
)

// auditEntry is a row of audit_log_ext.
type auditEntry struct {
	id           int64
	projectID    int64
	operation    string // create, delete, pull
	resourceType string // artifact, tag, repository, project
	resource     string
	username     string
	at           instant
	description  string
	failed       bool
	// visible is when the row is committed; before that nobody sees it.
	visible instant
}

// maxAudit bounds the audit log of a registry; the oldest rows go first.
const maxAudit = 100_000

// record adds a row to the audit log, as the administrator, unless it is off.
//
//	create artifact repo:tag       push artifact: repo@digest
//	delete tag      repo:tag       delete tag: repo:tag
//
// The right column is the description; subject is what it ends in.
func (r *Registry) record(now instant, projectID int64, operation, resourceType, resource, subject string) {
	if r.auditOff {
		return
	}
	if len(r.audit) >= maxAudit {
		r.audit = append(r.audit[:0:0], r.audit[maxAudit/2:]...)
	}
	verb := operation
	if operation == "create" && resourceType == "artifact" {
		verb = "push"
	}
	id := next(&r.ids.Audit)
	visible := never
	if r.auditDelay != nil {
		visible = now + instant(r.auditDelay(id).Microseconds())
	}
	if !r.version.hasAuditLogExt() {
		resource = strings.Replace(resource, "@", ":", 1)
	}
	r.audit = append(r.audit, auditEntry{
		id: id, visible: visible, projectID: projectID, operation: operation, resourceType: resourceType,
		resource: resource, username: AdminName, at: now, description: verb + " " + resourceType + ": " + subject,
	})
}

var auditTable = &table[*auditEntry]{
	sorting: []order{{"op_time", true}},
	columns: columns(map[string]column[*auditEntry]{
		"id":            {number: func(e *auditEntry) int64 { return e.id }},
		"project_id":    {number: func(e *auditEntry) int64 { return e.projectID }},
		"operation":     {text: func(e *auditEntry) string { return e.operation }},
		"resource_type": {text: func(e *auditEntry) string { return e.resourceType }},
		"resource":      {text: func(e *auditEntry) string { return e.resource }},
		"username":      {text: func(e *auditEntry) string { return e.username }},
		"op_time":       {when: func(e *auditEntry) instant { return e.at }},
	}, map[string]string{
		"ID": "id", "ProjectID": "project_id", "Operation": "operation", "ResourceType": "resource_type",
		"Resource": "resource", "Username": "username", "OpTime": "op_time",
	}),
}

// listAuditLogs answers /audit-logs, which holds only rows of before 2.13. So do
// listProjectLogs and /projects/{p}/logs.
func listAuditLogs(c *call) *answer { return listSystemLog(c, !c.registry.version.hasAuditLogExt()) }

// listAuditLogExts answers /auditlog-exts.
func listAuditLogExts(c *call) *answer { return listSystemLog(c, true) }

// listSystemLog answers a caller without the right to the whole log with the
// rows of the projects whose log it may read, not with an error.
func listSystemLog(c *call, filled bool) *answer {
	if c.account == nil {
		return (&apiError{401, "UNAUTHORIZED", ""}).answer()
	}
	return answerAudit(c, func(e *auditEntry) bool {
		return filled && (c.account.system() || c.account.may(listLogs, c.registry.projectByID[e.projectID]))
	})
}

func listProjectLogs(c *call) *answer {
	filled := !c.registry.version.hasAuditLogExt()
	return listLogsOf(c, func(p *project, e *auditEntry) bool { return filled && e.projectID == p.id })
}

func listProjectAuditLogExts(c *call) *answer {
	return listLogsOf(c, func(p *project, e *auditEntry) bool { return e.projectID == p.id })
}

func listLogsOf(c *call, shown func(*project, *auditEntry) bool) *answer {
	if _, failure := parsePaging(c.query); failure != nil {
		return failure.answer()
	}
	p := c.registry.projects[c.args[0]]
	if failure := c.require(listLogs, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	return answerAudit(c, func(e *auditEntry) bool { return shown(p, e) })
}

func answerAudit(c *call, shown func(*auditEntry) bool) *answer {
	paging, words, failure := c.listing()
	if failure != nil {
		return failure.answer()
	}
	delete(words, "ProjectID")
	rows := make([]*auditEntry, 0, len(c.registry.audit))
	committed := c.registry.committed()
	for i := range c.registry.audit {
		if e := &c.registry.audit[i]; committed(e) && shown(e) {
			rows = append(rows, e)
		}
	}
	page, total, failure := find(c, auditTable, rows, words, paging)
	if failure != nil {
		return failure.answer()
	}
	if !c.registry.version.hasAuditLogExt() {
		return listOf(c, page, total, paging, appendLegacyAudit)
	}
	return listOf(c, page, total, paging, appendAudit)
}

// appendLegacyAudit writes a row as Harbor before 2.13 does.
func appendLegacyAudit(w []byte, e *auditEntry) []byte {
	w = append(w, `{"id":`...)
	w = appendInt(w, e.id)
	w = appendTime(append(w, `,"op_time":`...), e.at)
	w = appendMember(w, "operation", e.operation)
	w = appendMember(w, "resource", e.resource)
	w = appendMember(w, "resource_type", e.resourceType)
	w = appendMember(w, "username", e.username)
	return append(w, '}')
}

func appendAudit(w []byte, e *auditEntry) []byte {
	w = append(w, `{"id":`...)
	w = appendInt(w, e.id)
	w = appendTime(append(w, `,"op_time":`...), e.at)
	w = appendMember(w, "operation", e.operation)
	w = appendMember(w, "operation_description", e.description)
	w = strconv.AppendBool(append(w, `,"operation_result":`...), !e.failed)
	w = appendMember(w, "resource", e.resource)
	w = appendMember(w, "resource_type", e.resourceType)
	w = appendMember(w, "username", e.username)
	return append(w, '}')
}
