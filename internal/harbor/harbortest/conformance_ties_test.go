// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// equalButTies reports whether the answers are the same page of a listing with
// another choice among rows that the sort leaves equal: the rows are equal in
// every key of the sort at every place, and each recorded row is, byte by byte,
// the one that the simulator has for that entity.
func (run *replay) equalButTies(e *entry, g got) bool {
	route, args, _ := resolve(e.method, cleanPath(e.url.Path), Latest)
	keys := parseSort(e.url.Query().Get("sort"))
	if len(keys) == 0 || g.status != e.status || g.header.Get("Link") != e.answer["Link"] || g.header.Get("X-Total-Count") != e.answer["X-Total-Count"] {
		return false
	}
	c := &call{registry: run.registry, request: &http.Request{Header: http.Header{}}, query: e.url.Query()}
	equal := false
	switch route.class {
	case ClassArtifacts:
		rows := run.registry.repositories[args[0]+"/"+args[1]].artifacts
		equal = sameButTies(artifactTable, rows, keys, e.body, g.body,
			func(a *artifact) int64 { return a.id }, func(a *artifact) []byte { return c.appendArtifact(nil, a, c.flags()) })
	case ClassRepositories:
		var rows []*repository
		for _, repo := range run.registry.projects[args[0]].repositories {
			rows = append(rows, repo)
		}
		equal = sameButTies(repositoryTable, rows, keys, e.body, g.body,
			func(r *repository) int64 { return r.id }, func(r *repository) []byte { return appendRepository(nil, r) })
	case ClassProjectAuditLogs:
		var rows []*auditEntry
		for i := range run.registry.audit {
			rows = append(rows, &run.registry.audit[i])
		}
		equal = sameButTies(auditTable, rows, keys, e.body, g.body,
			func(a *auditEntry) int64 { return a.id }, func(a *auditEntry) []byte { return appendAudit(nil, a) })
	default:
	}
	if equal {
		run.tally.count(tieOrder)
	}
	return equal
}

func sameButTies[T any](t *table[T], rows []T, keys []order, want, got string, id func(T) int64, write func(T) []byte) bool {
	byID := map[int64]T{}
	for _, row := range rows {
		byID[id(row)] = row
	}
	var wantRows, gotRows []json.RawMessage
	if json.Unmarshal([]byte(want), &wantRows) != nil || json.Unmarshal([]byte(got), &gotRows) != nil || len(wantRows) != len(gotRows) {
		return false
	}
	row := func(text json.RawMessage) (T, bool) {
		var key struct {
			ID int64 `json:"id"`
		}
		if json.Unmarshal(text, &key) != nil {
			var none T
			return none, false
		}
		r, ok := byID[key.ID]
		return r, ok
	}
	for i := range wantRows {
		w, known := row(wantRows[i])
		g, _ := row(gotRows[i])
		if !known || strings.TrimSpace(string(wantRows[i])) != string(write(w)) {
			return false
		}
		for _, key := range keys {
			if column, ok := t.columns[key.key]; ok && column.order(w, g) != 0 {
				return false
			}
		}
	}
	return true
}
