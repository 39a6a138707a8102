// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// require checks a right in a project, which is nil when it does not exist:
// 401 for anonymous callers, 403 for the others. The administrator passes.
func (c *call) require(what right, p *project) *apiError {
	switch {
	case c.account.may(what, p):
		return nil
	case c.account == nil:
		return unauthorized()
	}
	return forbidden("forbidden")
}

// projectByNameOrID resolves {project_name_or_id}: a number is an id, unless
// the header X-Is-Resource-Name says that it is a name.
func (c *call) projectByNameOrID(text string) *project {
	named, _ := strconv.ParseBool(c.request.Header.Get("X-Is-Resource-Name"))
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && !named {
		return c.registry.projectByID[id]
	}
	return c.registry.projects[text]
}

func projectNotFound(name string) *apiError { return notFound("project " + name + " not found") }

func listProjects(c *call) *answer {
	p, words, failure := c.listing()
	if failure != nil {
		return failure.answer()
	}
	if name, _ := last(c.query, "name"); name != "" {
		words["name"] = fuzzy(name)
	}
	if owner, _ := last(c.query, "owner"); owner != "" {
		words["owner"] = exact(owner)
	}
	if public, ok := last(c.query, "public"); ok {
		words["public"] = exact(strconv.FormatBool(isTrue(public)))
	}
	conditions := projectConditions(c.account, words)
	page, total, failure := findWhere(c, projectTable, c.registry.projectsByID(), words, conditions, p)
	if failure != nil {
		return failure.answer()
	}
	detail := c.flag("with_detail", true)
	if total == 0 {
		p.size = 0 // no Link
	}
	return listOf(c, page, total, p, func(w []byte, row *project) []byte { return c.appendProject(w, row, detail) })
}

// projectConditions are the conditions that are no columns, and what the
// account may see.
func projectConditions(a *account, words keywords) []predicate[*project] {
	conditions := []predicate[*project]{a.seesProject}
	if value, ok := words["public"].(exact); ok {
		public := isTrue(string(value))
		conditions = append(conditions, func(p *project) bool { return p.public == public })
	}
	if value, ok := words["owner"].(exact); ok {
		conditions = append(conditions, func(p *project) bool { return p.ownerName == string(value) })
	}
	return conditions
}

func (r *Registry) projectsByID() []*project {
	rows := make([]*project, 0, len(r.projectByID))
	for _, p := range r.projectByID {
		rows = append(rows, p)
	}
	slices.SortFunc(rows, func(a, b *project) int { return cmp.Compare(a.id, b.id) })
	return rows
}

func headProject(c *call) *answer {
	name, ok := last(c.query, "project_name")
	switch {
	case !ok || name == "":
		return unprocessable("validation failure list:\nproject_name in query is required").answer()
	case c.account == nil:
		return unauthorized().answer()
	case c.registry.projects[name] == nil:
		return projectNotFound(name).answer()
	}
	return &answer{status: http.StatusOK}
}

func getProject(c *call) *answer {
	p := c.projectByNameOrID(c.args[0])
	if failure := c.require(readProject, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	return okJSON(c.appendProject(nil, p, true))
}

func getProjectSummary(c *call) *answer {
	p := c.projectByNameOrID(c.args[0])
	if failure := c.require(readProject, p); failure != nil {
		return failure.answer()
	}
	if p == nil {
		return projectNotFound(c.args[0]).answer()
	}
	w := []byte{'{'}
	if c.account.may(listMembers, p) {
		w = c.appendMembers(w, p)
	}
	if c.account.may(readQuota, p) {
		w = append(w, `"quota":{"hard":{"storage":`...)
		w = appendInt(w, p.storageHard)
		w = append(w, `},"used":{"storage":`...)
		w = appendInt(w, p.storageUsed)
		w = append(w, `}},`...)
	}
	w = append(w, `"repo_count":`...)
	w = appendInt(w, int64(len(p.repositories)))
	return okJSON(append(w, '}'))
}

// appendMembers counts the project's members by role; the owner is one.
func (c *call) appendMembers(w []byte, p *project) []byte {
	counts := map[Role]int64{}
	owner := c.registry.accounts[p.ownerName]
	if owner == nil || owner.roles[p.id] == 0 {
		counts[ProjectAdmin]++
	}
	for _, a := range c.registry.accounts {
		counts[a.roles[p.id]]++
	}
	for _, role := range []struct {
		name string
		role Role
	}{
		{"developer", Developer}, {"guest", Guest}, {"limited_guest", LimitedGuest}, {"maintainer", Maintainer}, {"project_admin", ProjectAdmin},
	} {
		if n := counts[role.role]; n > 0 {
			w = append(w, '"')
			w = append(w, role.name...)
			w = append(w, `_count":`...)
			w = appendInt(w, n)
			w = append(w, ',')
		}
	}
	return w
}

func (c *call) appendProject(w []byte, p *project, detail bool) []byte {
	w = append(w, `{"creation_time":`...)
	w = appendTime(w, p.created)
	if role := c.account.roleIn(p); role != 0 {
		w = append(w, `,"current_user_role_id":`...)
		w = appendInt(w, int64(role))
		w = append(w, `,"current_user_role_ids":[`...)
		w = appendInt(w, int64(role))
		w = append(w, ']')
	} else {
		w = append(w, `,"current_user_role_ids":null`...)
	}
	w = append(w, `,"cve_allowlist":{"creation_time":`+yearOne...)
	if detail {
		w = append(w, `,"id":`...)
		w = appendInt(w, p.allowlistID)
		w = append(w, `,"items":[],"project_id":`...)
		w = appendInt(w, p.id)
	} else {
		w = append(w, `,"items":null`...)
	}
	w = append(w, `,"update_time":`+yearOne+`}`...)
	if detail {
		w = append(w, `,"metadata":{"public":"`...)
		w = strconv.AppendBool(w, p.public)
		w = append(w, `"}`...)
	}
	w = append(w, `,"name":`...)
	w = appendString(w, p.name)
	w = append(w, `,"owner_id":`...)
	w = appendInt(w, p.ownerID)
	if detail {
		w = append(w, `,"owner_name":`...)
		w = appendString(w, p.ownerName)
	}
	w = append(w, `,"project_id":`...)
	w = appendInt(w, p.id)
	w = append(w, `,"repo_count":`...)
	w = appendInt(w, int64(len(p.repositories)))
	w = append(w, `,"update_time":`...)
	w = appendTime(w, p.updated)
	return append(w, '}')
}

// roleIn is the account's role in the project; 0 for robots and strangers, also
// for an administrator who is no member.
func (a *account) roleIn(p *project) Role {
	switch {
	case a == nil || a.user == nil:
		return 0
	case p.ownerName == a.name:
		return ProjectAdmin
	}
	return a.roles[p.id]
}

// flag reads a boolean parameter. What is not one of Harbor's words for true is
// false.
func (c *call) flag(name string, missing bool) bool {
	text, ok := last(c.query, name)
	if !ok || text == "" {
		return missing
	}
	return isTrue(text)
}

func isTrue(text string) bool {
	return slices.Contains([]string{"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}, strings.ToLower(text))
}
