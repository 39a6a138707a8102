// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"strconv"
	"strings"
)

func ping(*call) *answer { return okJSON([]byte(`"Pong"`)) }

// components of a Harbor in the order of /health.
var components = []string{"core", "database", "jobservice", "portal", "redis", "registry", "registryctl"}

func health(c *call) *answer {
	status := "healthy"
	w := []byte(`{"components":[`)
	for i, name := range components {
		if i > 0 {
			w = append(w, ',')
		}
		w = append(w, `{`...)
		if text, down := c.partial.unhealthy(name); down {
			status = "unhealthy"
			w = append(w, `"error":`...)
			w = appendString(w, text)
			w = append(w, `,"name":"`+name+`","status":"unhealthy"}`...)
			continue
		}
		w = append(w, `"name":"`+name+`","status":"healthy"}`...)
	}
	return okJSON(append(w, `],"status":"`+status+`"}`...))
}

// systemInfo has harbor_version only for callers whose credentials were right.
func systemInfo(c *call) *answer {
	if c.account == nil {
		return okJSON([]byte(`{"auth_mode":"db_auth","banner_message":"","oidc_provider_name":"","primary_auth_mode":false,"self_registration":false}`))
	}
	w := []byte(`{"auth_mode":"db_auth","banner_message":"","current_time":"`)
	w = append(w, formatTime(c.registry.clock())...)
	w = append(w, `","external_url":`...)
	w = appendString(w, c.url)
	w = append(w, `,"harbor_version":"`+c.registry.version.String()...)
	w = append(w, `","has_ca_root":false,"notification_enable":`...)
	w = strconv.AppendBool(w, !c.registry.silent)
	w = append(w, `,"oidc_provider_name":"","primary_auth_mode":false,"project_creation_restriction":"everyone","read_only":`...)
	w = strconv.AppendBool(w, c.registry.readOnly)
	w = append(w, `,"registry_storage_provider_name":"filesystem","registry_url":`...)
	_, host, _ := strings.Cut(c.url, "://")
	w = appendString(w, host)
	return okJSON(append(w, `,"self_registration":false}`...))
}

func statistics(c *call) *answer {
	if c.account == nil {
		return unauthorized().answer()
	}
	var public, private, publicRepos, privateRepos, all, allRepos, storage int64
	for _, p := range c.registry.projects {
		repos := int64(len(p.repositories))
		switch {
		case p.public:
			public++
			publicRepos += repos
		case c.account.admin() || c.account.roleIn(p) != 0:
			private++
			privateRepos += repos
		}
		if c.account.admin() { // the totals are for administrators, others get 0
			all++
			allRepos += repos
			storage += p.storageUsed
		}
	}
	w := []byte(`{`)
	member := func(name string, n int64) {
		if len(w) > 1 {
			w = append(w, ',')
		}
		w = appendInt(append(w, `"`+name+`":`...), n)
	}
	member("private_project_count", private)
	member("private_repo_count", privateRepos)
	member("public_project_count", public)
	member("public_repo_count", publicRepos)
	member("total_project_count", all)
	member("total_repo_count", allRepos)
	member("total_storage_consumption", storage)
	return okJSON(append(w, '}'))
}

func currentUser(c *call) *answer {
	a := c.account
	switch {
	case a == nil:
		return unauthorized().answer()
	case a.user == nil:
		return (&apiError{http.StatusPreconditionFailed, "PRECONDITION", "get current user not available for security context: robot"}).answer()
	}
	w := []byte(`{"admin_role_in_auth":false`)
	w = appendMember(w, "comment", a.user.Comment)
	w = appendTime(append(w, `,"creation_time":`...), a.created)
	w = appendMember(w, "email", a.user.Email)
	w = appendMember(w, "realname", a.user.RealName)
	w = strconv.AppendBool(append(w, `,"sysadmin_flag":`...), a.user.Admin)
	w = appendTime(append(w, `,"update_time":`...), a.updated)
	w = appendInt(append(w, `,"user_id":`...), a.id)
	w = appendMember(w, "username", a.name)
	return okJSON(append(w, '}'))
}

func listLabelsOf(c *call) *answer {
	paging, words, failure := c.listing()
	if failure != nil {
		return failure.answer()
	}
	if name, _ := last(c.query, "name"); name != "" {
		words["name"] = fuzzy(name)
	}
	scope, _ := last(c.query, "scope")
	var projectID int64
	switch scope {
	case "g":
	case "p":
		text, _ := last(c.query, "project_id")
		projectID, _ = strconv.ParseInt(text, 10, 64)
		if projectID == 0 {
			return badRequest("must with project ID when to query project labels").answer()
		}
		if failure := c.require(listLabels, c.registry.projectByID[projectID]); failure != nil {
			return failure.answer()
		}
	default:
		return badRequest("invalid scope: " + scope).answer()
	}
	var rows []*label
	for id := int64(1); id <= c.registry.ids.Label; id++ {
		if l := c.registry.labels[id]; l != nil && l.scope == scope && l.projectID == projectID {
			rows = append(rows, l)
		}
	}
	page, total, failure := find(c, labelTable, rows, words, paging)
	if failure != nil {
		return failure.answer()
	}
	return listOf(c, page, total, paging, appendLabel)
}

func getLabel(c *call) *answer {
	id, err := strconv.ParseInt(c.args[0], 10, 64)
	if err != nil {
		return unprocessable("validation failure list:\nlabel_id in path must be of type int64: " + strconv.Quote(c.args[0])).answer()
	}
	l := c.registry.labels[id]
	if l == nil {
		return notFound("label " + c.args[0] + " not found").answer()
	}
	if l.scope == "p" {
		if failure := c.require(listLabels, c.registry.projectByID[l.projectID]); failure != nil {
			return failure.answer()
		}
	}
	return okJSON(appendLabel(nil, l))
}

func appendLabel(w []byte, l *label) []byte {
	w = append(w, `{"color":`...)
	w = appendString(w, l.color)
	w = appendTime(append(w, `,"creation_time":`...), l.created)
	w = appendMember(w, "description", l.description)
	w = appendInt(append(w, `,"id":`...), l.id)
	w = appendMember(w, "name", l.name)
	if l.projectID != 0 {
		w = appendInt(append(w, `,"project_id":`...), l.projectID)
	}
	w = appendMember(w, "scope", l.scope)
	w = appendTime(append(w, `,"update_time":`...), l.updated)
	return append(w, '}')
}
