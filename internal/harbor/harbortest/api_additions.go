// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"slices"
	"strings"
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
			body = report(a.digest, a.digest.scan(), a.pushed)
		}
	}
	return &answer{status: http.StatusOK, contentType: "application/json", body: body}
}
