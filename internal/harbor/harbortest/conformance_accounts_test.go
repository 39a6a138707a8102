// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"strings"
)

// Accounts of the recordings: whom an entry was sent as. Recordings keep of the
// Authorization header only its scheme; the comments and the answers say the
// rest.
type login struct{ name, secret string }

var (
	asAnonymous    = login{}
	asAdmin        = login{AdminName, AdminSecret}
	asRobot        = login{"robot$inventory", RecordedRobotSecret}
	asSystemRobot  = login{"robot$inventory-sys", RecordedRobotSecret}
	asProjectRobot = login{"robot$team-a+ci", RecordedRobotSecret}
	asGuest        = login{"gwen", RecordedGuestSecret}
	asLimited      = login{"limited", RecordedLimitedSecret}
	asWrong        = login{AdminName, "wrong"}
)

// byRecording is whom most entries of a recording were sent as; the others were
// sent as the administrator.
var byRecording = map[string]login{
	"robot-project":                  asProjectRobot,
	"robot-system-all-projects":      asRobot,
	"robot-system-with-system-scope": asSystemRobot,
	"guest-user":                     asGuest,
	"database-slow":                  asRobot,
	"database-short-of-connections":  asRobot,
	"partial-answers-200":            asRobot,
	"credentials-that-stop-working":  asRobot,
	"delete-and-recreate":            asRobot,
	"index-push-in-steps":            asRobot,
	"accessory-push-in-steps":        asRobot,
}

// byComment is whom an entry was sent as whose comment begins so.
var byComment = []struct {
	prefix string
	login  login
}{
	{"anonymous", asAnonymous},
	{"wrong password", asWrong},
	{"malformed basic", login{"malformed", "x"}},
	{"unknown robot", login{"robot$unknown", "x"}},
	{"unknown user", login{"unknown", "x"}},
	{"bearer garbage", login{"bearer", "garbage"}},
	{"guest", asGuest},
	{"limited guest", asLimited},
	{"project robot", asProjectRobot},
	{"system robot with system scope", asSystemRobot},
	{"system robot + system scope", asSystemRobot},
	{"system robot+system scope", asSystemRobot},
	{"system robot", asRobot},
	{"right password", asAdmin},
	{"robot, no cookie", asRobot},
	{"robot", asRobot},
	{"valid robot", asRobot},
	{"admin", asAdmin},
	{"only the sid", asAnonymous},
}

func credentials(e *entry) (string, string) {
	if !e.authenticated() {
		return "", ""
	}
	for _, c := range byComment {
		if strings.HasPrefix(e.comment, c.prefix) {
			return c.login.name, c.login.secret
		}
	}
	if l, ok := byRecording[e.recording]; ok {
		return l.name, l.secret
	}
	return asAdmin.name, asAdmin.secret
}

// prepare sets the conditions under which a recording was taken.
func prepare(run *replay, recording string) {
	run.who = credentials
	switch recording {
	case "webhook-api":
		run.addPolicies()
	case "database-down":
		run.server.Inject(Rule{Fault: DatabaseDown()})
	case "database-down-health":
		run.server.Inject(Rule{Fault: All(DatabaseDown(), Unhealthy("database", `failed to run SQL "SELECT 1": failed to connect to `+"`user=postgres database=registry`"+`: database.example.internal:5432 (harbor.example.com): dial error: dial tcp database.example.internal:5432: connect: connection refused`))})
	case "redis-down":
		refused := "dial tcp redis.example.internal:6379: connect: connection refused"
		run.server.Inject(Rule{Fault: All(
			Unhealthy("redis", refused),
			Unhealthy("jobservice", `received unexpected status code: 500 {"code":10004,"message":"check stats of server failed with error","details":"`+refused+`"}`),
		)})
	case "registry-down":
		run.server.Inject(Rule{Fault: RegistryDown()})
	case "core-down":
		run.server.Inject(Rule{Fault: CoreDown()})
	case "database-slow":
		run.server.Inject(Rule{Fault: ArtifactTableLocked()})
	case "harbor-read-only-mode":
		run.registry.SetReadOnly(true)
	case "credentials-that-stop-working":
		run.change = stopWorking
	case "database-short-of-connections", "partial-answers-200":
		run.random = true
	}
	if change, ok := steps[recording]; ok {
		run.change = change
		run.normalize = withoutTimes
	}
}

// stopWorking does to the robot what the comments say.
func stopWorking(run *replay, e *entry) {
	run.unset()
	run.unset = func() {}
	var err error
	switch {
	case strings.HasPrefix(e.comment, "robot, disabled"):
		err = run.registry.Disable(asRobot.name, true)
	case strings.HasPrefix(e.comment, "robot, secret rotated"):
		if err = run.registry.Disable(asRobot.name, false); err == nil {
			err = run.registry.SetSecret(asRobot.name, "rotated")
		}
	case strings.HasPrefix(e.comment, "robot, deleted") && run.registry.accounts[asRobot.name] != nil:
		err = run.registry.DeleteAccount(asRobot.name)
	case strings.HasPrefix(e.comment, "right password, while"):
		run.unset = run.server.Inject(Rule{Method: http.MethodGet, Fault: Anonymous()})
	}
	if err != nil {
		run.Fatal(err)
	}
}
