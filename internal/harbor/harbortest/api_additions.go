// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// additionNames are those that Harbor's API allows besides vulnerabilities, in
// the order of its 422.
var additionNames = []string{"build_history", "values.yaml", "readme.md", "dependencies", "sbom", "license", "files"}

// getAddition answers additions/{name}.
//
//	vulnerabilities   404 where the type cannot be scanned; {} where there is no
//	                  report, or another version of it was asked for
//	others            422 for an unknown name, 400 where the type has no such
func getAddition(c *call) *answer {
	name := c.args[3]
	if name != vulnerabilities && !slices.Contains(additionNames, name) {
		return unprocessable("validation failure list:\naddition in path should be one of [" + strings.Join(additionNames, " ") + "]").answer()
	}
	a, failure := c.artifact()
	if failure != nil {
		return failure.answer()
	}
	if name == vulnerabilities {
		return c.vulnerabilities(a)
	}
	if !slices.Contains(strings.Fields(a.kind.additions), name) {
		return badRequest("addition " + strings.ToUpper(name) + " isn't supported for " + a.kind.typ + "(manifest version 2)").answer()
	}
	content := addition{contentType: "application/json; charset=utf-8", body: []byte("[]")}
	switch name {
	case "readme.md":
		content = addition{"text/markdown; charset=utf-8", []byte("# " + a.repo.rest() + "\n")}
	case "values.yaml":
		content = addition{"text/plain; charset=utf-8", []byte("replicas: 1\n")}
	}
	if a.extra != nil {
		if stored, ok := a.extra.additions[name]; ok {
			content = stored
		}
	}
	return &answer{status: http.StatusOK, contentType: content.contentType, body: content.body}
}

func (c *call) vulnerabilities(a *artifact) *answer {
	if !a.kind.scannable {
		return notFound("report not found for " + a.repo.name + "@" + a.digest.String()).answer()
	}
	body := []byte("{}")
	if c.accepts11() {
		switch {
		case a.extra != nil && a.extra.additions[vulnerabilities].body != nil:
			body = a.extra.additions[vulnerabilities].body
		case a.kind.scanned && (a.extra == nil || a.extra.scan == nil):
			body = report(a.digest, a.digest.scan(), scanner, a.pushed)
		case a.extra != nil && a.extra.scan != nil:
			body = a.toldReport(body)
		}
	}
	return &answer{status: http.StatusOK, contentType: "application/json", body: body}
}

// toldReport makes a report up with as many findings as the overview tells of:
// of most artifacts the recordings hold the overview alone. It returns without
// where there was no scan that succeeded.
func (a *artifact) toldReport(without []byte) []byte {
	var overview map[string]struct {
		End     time.Time   `json:"end_time"`
		Status  string      `json:"scan_status"`
		Scanner scannerJSON `json:"scanner"`
		Summary struct {
			Fixable  int            `json:"fixable"`
			Findings map[string]int `json:"summary"`
		} `json:"summary"`
	}
	if err := json.Unmarshal(a.extra.scan, &overview); err != nil {
		return without
	}
	told, ok := overview[report11]
	if !ok || told.Status != "Success" {
		return without
	}
	return report(a.digest, Scan{Findings: told.Summary.Findings, Fixable: told.Summary.Fixable}, told.Scanner, toInstant(told.End))
}
