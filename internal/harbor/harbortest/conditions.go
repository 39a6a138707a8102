// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"strings"
)

// partial says what an answer lacks although its status is 200. The nil partial
// lacks nothing.
type partial struct {
	// drop reports whether a part of an artifact is left out: "tags", "labels",
	// "accessories", "scan_overview", "sbom_overview", "addition_links".
	drop func(a *artifact, part string) bool
	// errors of components, for /health.
	errors map[string]string
}

func (p *partial) drops(a *artifact, part string) bool {
	return p != nil && p.drop != nil && p.drop(a, part)
}

func (p *partial) unhealthy(component string) (string, bool) {
	if p == nil {
		return "", false
	}
	text, down := p.errors[component]
	return text, down
}

// Unhealthy makes /health report a component ("database", "redis", ...) as down
// with the error text. Nothing else changes.
func Unhealthy(component, text string) Fault {
	return Fault{before: []func(*exchange){func(x *exchange) {
		if x.partial == nil {
			x.partial = &partial{}
		}
		if x.partial.errors == nil {
			x.partial.errors = map[string]string{}
		}
		x.partial.errors[component] = text
	}}}
}

// DatabaseDown is a Harbor whose PostgreSQL is down (recording database-down):
// 500 from most endpoints, 401 from HEAD /projects and the audit log, and
// /systeminfo as to an anonymous caller. /ping and /health go on; see
// [Unhealthy].
func DatabaseDown() Fault {
	return Fault{before: []func(*exchange){func(x *exchange) {
		switch x.class {
		case ClassPing, ClassHealth, ClassAPIVersion, ClassPortal, ClassSystemInfo, ClassProjectHead, ClassAuditLogs, ClassAuditLogExts:
			x.anonymous = true
		default:
			x.answer = internalError().answer()
		}
	}}}
}

// CoreDown is a Harbor whose core is down (recording core-down).
func CoreDown() Fault { return Gateway(http.StatusBadGateway) }

// RegistryDown is a Harbor whose registry is down (recording registry-down):
// the additions that are read from blobs answer 500.
func RegistryDown() Fault {
	return Fault{before: []func(*exchange){func(x *exchange) {
		if x.class == ClassAddition && !strings.HasSuffix(x.request.URL.Path, "/"+vulnerabilities) {
			x.answer = internalError().answer()
		}
	}}}
}

// ArtifactTableLocked is a Harbor whose artifact table is locked (recording
// database-slow): listings of repositories and artifacts are given up by nginx,
// there after 60 s. Put a [Delay] before it.
func ArtifactTableLocked() Fault {
	return Fault{before: []func(*exchange){func(x *exchange) {
		switch x.class {
		case ClassAllRepositories, ClassRepositories, ClassRepository, ClassArtifacts, ClassProjectArtifacts, ClassArtifact, ClassTags, ClassAccessories:
			x.answer = gateway(http.StatusGatewayTimeout)
		default:
		}
	}}}
}

// Shortage is how often a Harbor short of database connections fails, as
// probabilities from 0 to 1.
type Shortage struct {
	// Anonymous: the account cannot be loaded, so the caller is anonymous.
	Anonymous float64
	// Fail: the query itself fails, 500.
	Fail float64
	// Forbidden: the project's permissions cannot be loaded, 403.
	Forbidden float64
	// Drop: one part of one artifact (tags, labels, accessories, overviews,
	// links) is missing in an answer with status 200.
	Drop float64
}

// TypicalShortage is about what 40 clients saw of a Harbor with 14 connections.
var TypicalShortage = Shortage{Anonymous: 0.3, Fail: 0.4, Forbidden: 0.01, Drop: 0.01}

// DatabaseShort is a Harbor whose PostgreSQL refuses some connections
// (recordings database-short-of-connections and partial-answers-200).
func DatabaseShort(s Shortage) Fault {
	return Fault{before: []func(*exchange){func(x *exchange) {
		chance := x.handler.faults.chance
		x.shortage(outcome{
			anonymous: chance() < s.Anonymous,
			fail:      chance() < s.Fail,
			forbidden: chance() < s.Forbidden,
			drop:      func(*artifact, string) bool { return chance() < s.Drop },
		})
	}}}
}

// outcome is what becomes of one request in a shortage.
type outcome struct {
	anonymous, fail, forbidden bool
	drop                       func(*artifact, string) bool
}

func (x *exchange) shortage(o outcome) {
	switch x.class {
	case ClassPing, ClassHealth, ClassAPIVersion, ClassPortal:
		return
	default:
	}
	x.anonymous = x.anonymous || o.anonymous
	x.partial = &partial{drop: o.drop}
	switch {
	case x.class == ClassSystemInfo:
	case o.fail && (!o.anonymous || x.class != ClassProjectHead):
		x.answer = internalError().answer()
	case o.forbidden && !o.anonymous && x.inProject():
		x.answer = forbidden("forbidden").answer()
	}
}

// inProject is true for requests that need a right in a project.
func (x *exchange) inProject() bool {
	switch x.class {
	case ClassProject, ClassProjectSummary, ClassProjectArtifacts, ClassRepositories, ClassRepository, ClassArtifacts,
		ClassArtifact, ClassTags, ClassAccessories, ClassAddition, ClassProjectLogs, ClassProjectAuditLogs:
		return true
	default:
		return false
	}
}
