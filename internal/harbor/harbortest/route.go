// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Class names the endpoint of a request, in counters and rules.
type Class string

// The classes of endpoints.
const (
	ClassPing             Class = "ping"
	ClassHealth           Class = "health"
	ClassSystemInfo       Class = "systeminfo"
	ClassProjects         Class = "projects.list"
	ClassProjectHead      Class = "projects.head" // HEAD /projects?project_name=
	ClassProject          Class = "projects.get"
	ClassProjectSummary   Class = "projects.summary"
	ClassProjectArtifacts Class = "projects.artifacts"
	ClassRepositories     Class = "repositories.list" // of a project
	ClassAllRepositories  Class = "repositories.all"  // /repositories
	ClassRepository       Class = "repositories.get"
	ClassArtifacts        Class = "artifacts.list"
	ClassArtifact         Class = "artifacts.get"
	ClassTags             Class = "tags.list"
	ClassAccessories      Class = "accessories.list"
	ClassAddition         Class = "artifacts.addition"
	ClassLabels           Class = "labels.list"
	ClassLabel            Class = "labels.get"
	ClassCurrentUser      Class = "users.current"
	ClassStatistics       Class = "statistics"
	ClassAuditLogs        Class = "auditlogs.list"
	ClassAuditLogExts     Class = "auditlog-exts.list"
	ClassProjectLogs      Class = "projects.logs"
	ClassProjectAuditLogs Class = "projects.auditlog-exts"
	ClassWebhooks         Class = "webhooks.list" // and POST
	ClassWebhook          Class = "webhooks.get"  // and PUT, DELETE
	ClassAPIVersion       Class = "version"
	ClassSimulator        Class = "simulator" // not Harbor's
	ClassPortal           Class = "portal"    // a page of the web interface
	ClassOther            Class = "other"     // no such endpoint
)

// call is one request under way.
type call struct {
	registry *Registry
	request  *http.Request
	query    url.Values
	path     string   // decoded once, as nginx hands it on
	args     []string // what the route's stars stand for
	account  *account // nil is anonymous
	url      string   // external URL of the server
	partial  *partial // nil when every answer is complete
	body     []byte   // of a request that writes
	// overviews counts the artifacts in the answer with overviews of their scans; may be nil.
	overviews *int
}

type route struct {
	class   Class
	pattern []string
	// allow lists Harbor's methods on the path, in the order of its 405.
	allow  string
	handle func(*call) *answer
}

const apiPrefix = "/api/v2.0"

func newRoute(class Class, pattern, allow string, handle func(*call) *answer) route {
	return route{class, strings.Split(pattern, "/"), allow, handle}
}

// routes are the endpoints below /api/v2.0 that answer GET, and HEAD /projects;
// of those that write, webhook policies alone.
var routes = []route{
	newRoute(ClassPing, "ping", "GET", ping),
	newRoute(ClassHealth, "health", "GET", health),
	newRoute(ClassSystemInfo, "systeminfo", "GET", systemInfo),
	newRoute(ClassStatistics, "statistics", "GET", statistics),
	newRoute(ClassCurrentUser, "users/current", "GET", currentUser),
	newRoute(ClassLabels, "labels", "POST,GET", listLabelsOf),
	newRoute(ClassLabel, "labels/*", "DELETE,PUT,GET", getLabel),
	newRoute(ClassAllRepositories, "repositories", "GET", listAllRepositories),
	newRoute(ClassAuditLogs, "audit-logs", "GET", listAuditLogs),
	newRoute(ClassAuditLogExts, "auditlog-exts", "GET", listAuditLogExts),
	newRoute(ClassProjects, "projects", "POST,HEAD,GET", listProjects),
	newRoute(ClassProject, "projects/*", "DELETE,PUT,GET", getProject),
	newRoute(ClassProjectSummary, "projects/*/summary", "GET", getProjectSummary),
	newRoute(ClassProjectArtifacts, "projects/*/artifacts", "GET", listProjectArtifacts),
	newRoute(ClassProjectLogs, "projects/*/logs", "GET", listProjectLogs),
	newRoute(ClassProjectAuditLogs, "projects/*/auditlog-exts", "GET", listProjectAuditLogExts),
	newRoute(ClassWebhooks, "projects/*/webhook/policies", "POST,GET", webhookPolicies),
	newRoute(ClassWebhook, "projects/*/webhook/policies/*", "DELETE,PUT,GET", webhookPolicy),
	newRoute(ClassRepositories, "projects/*/repositories", "GET", listRepositoriesOf),
	newRoute(ClassRepository, "projects/*/repositories/*", "DELETE,PUT,GET", getRepository),
	newRoute(ClassArtifacts, "projects/*/repositories/*/artifacts", "POST,GET", listArtifacts),
	newRoute(ClassArtifact, "projects/*/repositories/*/artifacts/*", "DELETE,GET", getArtifact),
	newRoute(ClassTags, "projects/*/repositories/*/artifacts/*/tags", "POST,GET", listTags),
	newRoute(ClassAccessories, "projects/*/repositories/*/artifacts/*/accessories", "GET", listAccessories),
	newRoute(ClassAddition, "projects/*/repositories/*/artifacts/*/additions/*", "GET", getAddition),
}

var headProjectRoute = newRoute(ClassProjectHead, "projects", "POST,HEAD,GET", headProject)

// resolve finds the route of a request for the version. path is decoded once
// and without double slashes.
func resolve(method, path string, v Version) (route, []string, bool) {
	rest, ok := strings.CutPrefix(path, apiPrefix+"/")
	if !ok {
		return route{}, nil, false
	}
	segments := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for _, r := range routes {
		args, ok := match(r.pattern, segments)
		if !ok {
			continue
		}
		if r.class == ClassProjectArtifacts && !v.hasProjectArtifacts() ||
			(r.class == ClassAuditLogExts || r.class == ClassProjectAuditLogs) && !v.hasAuditLogExt() {
			continue
		}
		if r.class == ClassProjects && method == http.MethodHead {
			r = headProjectRoute
		}
		return r, args, true
	}
	return route{}, nil, false
}

// writes reports whether the simulator serves more than GET and HEAD on the
// endpoint.
func (c Class) writes() bool { return c == ClassWebhooks || c == ClassWebhook }

func match(pattern, segments []string) ([]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	var args []string
	for i, p := range pattern {
		switch {
		case p == "*" && segments[i] != "":
			args = append(args, segments[i])
		case p != segments[i]:
			return nil, false
		}
	}
	return args, true
}

// classify names the class of any request.
func classify(r *http.Request, v Version) Class {
	path := cleanPath(r.URL.Path)
	switch {
	case strings.HasPrefix(path, "/simulator/"):
		return ClassSimulator
	case path == "/api/version":
		return ClassAPIVersion
	}
	if found, _, ok := resolve(r.Method, path, v); ok {
		return found.class
	}
	if slices.ContainsFunc([]string{"/api/", "/v2/", "/service/", "/c/"}, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
		return ClassOther
	}
	return ClassPortal
}

// cleanPath merges slashes as nginx does before it hands a request on.
func cleanPath(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
