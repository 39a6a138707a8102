// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
)

// The administrator of a new [Registry].
const (
	AdminName   = "admin"
	AdminSecret = "Harbor12345"
)

// Role is a member's role in a project, with Harbor's number.
type Role int

// Roles of project members.
const (
	ProjectAdmin Role = 1
	Developer    Role = 2
	Guest        Role = 3
	Maintainer   Role = 4
	LimitedGuest Role = 5
)

// User describes an account of a person.
type User struct {
	Name, Secret string
	Admin        bool
	// Roles by name of project; the projects must exist.
	Roles    map[string]Role
	RealName string
	Email    string
	Comment  string
}

// Robot describes a robot account. Its rights are those that an inventory
// needs: list and read projects, repositories, artifacts, tags, accessories,
// labels and additions.
type Robot struct {
	// Name without prefix: "inventory" logs in as "robot$inventory", one of a
	// project as "robot$team-a+ci".
	Name, Secret string
	// Project is the one project of a project robot; a system robot has none.
	Project string
	// Projects limits a system robot; none means all (/project/*).
	Projects []string
	// Webhooks adds the rights to list, read, create, update and delete webhook
	// policies (notification-policy).
	Webhooks bool
	// NoAdditions takes away the right to read additions (artifact-addition:read).
	NoAdditions bool
	// SystemScope adds the rights to read the audit log, the security hub,
	// quotas, labels and scanners of the whole system.
	SystemScope bool
}

type account struct {
	id       int64
	name     string // as it logs in
	secret   string
	disabled bool
	created  instant
	updated  instant
	user     *User
	robot    *Robot
	roles    map[int64]Role // of a user, by project id
}

// AddUser adds a user and returns the name to log in with. It panics when the
// account exists or a project of Roles does not.
func (r *Registry) AddUser(u User) string {
	u.Roles = maps.Clone(u.Roles)
	a := &account{name: u.Name, secret: u.Secret, user: &u, roles: map[int64]Role{}}
	r.addAccount(a, func() error {
		for name, role := range u.Roles {
			p := r.projects[name]
			if p == nil {
				return fmt.Errorf("project %q of user %q: %w", name, u.Name, ErrNotFound)
			}
			a.roles[p.id] = role
		}
		return nil
	})
	return a.name
}

// AddRobot adds a robot account and returns the name to log in with.
func (r *Registry) AddRobot(robot Robot) string {
	robot.Projects = slices.Clone(robot.Projects)
	if !r.version.hasRobotRights() {
		robot.SystemScope, robot.Webhooks = false, false
	}
	name := "robot$" + robot.Name
	if robot.Project != "" {
		name = "robot$" + robot.Project + "+" + robot.Name
	}
	a := &account{name: name, secret: robot.Secret, robot: &robot}
	r.addAccount(a, func() error { return nil })
	return name
}

func (r *Registry) addAccount(a *account, prepare func() error) {
	err := r.write(func(now instant) error {
		if r.accounts[a.name] != nil {
			return fmt.Errorf("account %q: %w", a.name, ErrConflict)
		}
		if err := prepare(); err != nil {
			return err
		}
		a.created, a.updated = now, now
		if a.user != nil {
			a.id = next(&r.ids.Account)
			r.ids.Account = max(r.ids.Account, 2) // Harbor's own: 1 is admin, 2 anonymous
		}
		r.accounts[a.name] = a
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// SetSecret gives an account another password or secret. Requests with the old
// one are answered as anonymous from then on.
func (r *Registry) SetSecret(name, secret string) error {
	return r.changeAccount(name, func(a *account) { a.secret = secret })
}

// Disable switches an account off (or on again). Its requests are answered as
// anonymous.
func (r *Registry) Disable(name string, disabled bool) error {
	return r.changeAccount(name, func(a *account) { a.disabled = disabled })
}

// DeleteAccount removes an account. Its requests are answered as anonymous.
func (r *Registry) DeleteAccount(name string) error {
	return r.changeAccount(name, func(*account) { delete(r.accounts, name) })
}

func (r *Registry) changeAccount(name string, change func(*account)) error {
	return r.write(func(instant) error {
		a := r.accounts[name]
		if a == nil {
			return fmt.Errorf("account %q: %w", name, ErrNotFound)
		}
		change(a)
		return nil
	})
}

// authenticate returns the account with the credentials, nil (anonymous) when
// they are wrong in any way: Harbor never says so.
func (r *Registry) authenticate(name, secret string) *account {
	a := r.accounts[name]
	if a == nil || a.disabled || subtle.ConstantTimeCompare([]byte(a.secret), []byte(secret)) != 1 {
		return nil
	}
	return a
}

// right is something that an account may do in a project; rights add up.
type right uint

const (
	readProject right = 1 << iota
	listRepositories
	readArtifacts // list and read artifacts, tags, accessories
	readAdditions // artifact-addition:read
	listLabels
	readQuota
	listMembers
	listLogs
	listWebhooks   // and read
	changeWebhooks // create, update and delete

	publicRights       = readProject | listRepositories | readArtifacts | readAdditions | listLabels
	projectRobotRights = publicRights
	systemRobotRights  = publicRights | readQuota
	allRights          = publicRights | readQuota | listMembers | listLogs | listWebhooks
)

// roleRights are what the recordings show of guests and limited guests, and of
// the other roles what Harbor's source says.
var roleRights = map[Role]right{
	ProjectAdmin: allRights | changeWebhooks,
	Maintainer:   allRights,
	Developer:    allRights &^ listWebhooks,
	Guest:        publicRights | readQuota | listMembers,
	LimitedGuest: readProject | listRepositories | readArtifacts | readAdditions | readQuota,
}

// may reports whether the account may do what right says in p, which is nil
// for a project that does not exist.
func (a *account) may(what right, p *project) bool {
	switch {
	case a.admin():
		return true
	case p == nil:
		return false
	case p.public && publicRights&what != 0:
		return true
	}
	return a.rights(p)&what != 0
}

// rights are those that the account has in the project of its own.
func (a *account) rights(p *project) right {
	switch {
	case a == nil:
		return 0
	case a.robot == nil:
		return roleRights[a.roles[p.id]]
	case !a.robot.covers(p.name):
		return 0
	}
	rights := systemRobotRights
	if a.robot.Project != "" {
		rights = projectRobotRights
	}
	if a.robot.NoAdditions {
		rights &^= readAdditions
	}
	if a.robot.Webhooks {
		rights |= listWebhooks | changeWebhooks
	}
	return rights
}

// covers reports whether the robot has rights in the project.
func (r *Robot) covers(project string) bool {
	if r.Project != "" {
		return r.Project == project
	}
	return len(r.Projects) == 0 || slices.Contains(r.Projects, project)
}

// coversAll is true for a robot of /project/*, which sees every project in lists.
func (r *Robot) coversAll() bool { return r.Project == "" && len(r.Projects) == 0 }

// seesProject reports whether lists of projects and repositories show p.
func (a *account) seesProject(p *project) bool {
	switch {
	case p.public:
		return true
	case a == nil:
		return false
	case a.user != nil:
		return a.user.Admin || a.roles[p.id] != 0
	}
	return a.robot.coversAll() || a.robot.covers(p.name)
}

// system reports whether the account has the rights of system scope.
func (a *account) system() bool {
	return a.admin() || a != nil && a.robot != nil && a.robot.SystemScope
}

func (a *account) admin() bool { return a != nil && a.user != nil && a.user.Admin }

// who names the account in counters.
func (a *account) who() string {
	if a == nil {
		return "anonymous"
	}
	return a.name
}
