// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"testing"
)

// TestWhoSeesWhat covers what the recordings do not: accounts that stop working
// and come back, robots of some projects, roles.
func TestWhoSeesWhat(t *testing.T) {
	r := Recorded()
	r.AddRobot(Robot{Name: "some", Secret: "s", Projects: []string{"team-a", "perf"}})
	r.AddUser(User{Name: "maintainer", Secret: "m", Roles: map[string]Role{"team-a": Maintainer}})
	s := NewServer(t, r, Options{})
	for _, test := range []struct {
		name, secret        string
		change              func() error
		projects, status    int // of team-a's log
		authenticated, repo bool
	}{
		{name: "robot$some", secret: "s", projects: 6, status: 403, authenticated: true, repo: true},
		{name: "robot$some", secret: "wrong", projects: 4, status: 401},
		{name: "robot$some", secret: "s", change: func() error { return r.Disable("robot$some", true) }, projects: 4, status: 401},
		{name: "robot$some", secret: "s", change: func() error { return r.Disable("robot$some", false) }, projects: 6, status: 403, authenticated: true, repo: true},
		{name: "robot$some", secret: "s", change: func() error { return r.SetSecret("robot$some", "t") }, projects: 4, status: 401},
		{name: "robot$some", secret: "t", projects: 6, status: 403, authenticated: true, repo: true},
		{name: "robot$some", secret: "t", change: func() error { return r.DeleteAccount("robot$some") }, projects: 4, status: 401},
		{name: "maintainer", secret: "m", projects: 5, status: 200, authenticated: true, repo: true},
		{name: "dev1", secret: RecordedGuestSecret, projects: 5, status: 200, authenticated: true, repo: true},
		{projects: 4, status: 401},
	} {
		if test.change != nil {
			if err := test.change(); err != nil {
				t.Fatal(err)
			}
		}
		c := newClient(t, s, test.name, test.secret)
		if got := rows[any](c, "/projects?page_size=100"); len(got) != test.projects {
			t.Errorf("%s/%s: %d projects, want %d", test.name, test.secret, len(got), test.projects)
		}
		if got := c.get("/projects/team-a/logs").status; got != test.status {
			t.Errorf("%s/%s: log: status %d, want %d", test.name, test.secret, got, test.status)
		}
		if got := c.get("/projects/team-a/repositories/api").status; (got == http.StatusOK) != test.repo {
			t.Errorf("%s/%s: repository: status %d", test.name, test.secret, got)
		}
		head, err := c.do(http.MethodHead, apiPrefix+"/projects?project_name=data.science")
		if err != nil || (head.status == http.StatusOK) != test.authenticated {
			t.Errorf("%s/%s: probe: %+v, error %v, want it to be answered: %t", test.name, test.secret, head, err, test.authenticated)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, test := range []struct {
		version              Version
		text                 string
		artifacts, log, sbom bool
		parsed               string
	}{
		{Harbor28, "v2.8.0-00000000", false, false, false, "2.8"},
		{Harbor211, "v2.11.0-00000000", false, false, true, "2.11.0"},
		{Harbor212, "v2.12.0-00000000", true, false, true, "v2.12"},
		{Harbor213, "v2.13.0-00000000", true, true, true, "2.13"},
		{Harbor2151, "v2.15.1-00000000", true, true, true, "2.15.1"},
		{Harbor216, "v2.16.0-c50c7ddd6e", true, true, true, "2.16"},
	} {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := ParseVersion(test.parsed)
			if err != nil || parsed != test.version {
				t.Errorf("ParseVersion(%q): got %v, error %v, want %v", test.parsed, parsed, err, test.version)
			}
			c := newClient(t, NewServer(t, Recorded(WithVersion(test.version)), Options{}), asAdmin.name, asAdmin.secret)
			var info struct {
				Version string `json:"harbor_version"`
			}
			decode(t, c.get("/systeminfo").body, &info)
			if info.Version != test.text {
				t.Errorf("harbor_version %q, want %q", info.Version, test.text)
			}
			for path, want := range map[string]bool{"/projects/library/artifacts": test.artifacts, "/auditlog-exts": test.log, "/projects/library/auditlog-exts": test.log} {
				if status := c.get(path).status; (status == http.StatusOK) != want || !want && status != http.StatusNotFound {
					t.Errorf("GET %s: status %d, want it to exist: %t", path, status, want)
				}
			}
			shown := rows[struct {
				SBOM any `json:"sbom_overview"`
			}](c, "/projects/team-a/repositories/signed/artifacts?with_sbom_overview=true")
			if got := shown[0].SBOM != nil; got != test.sbom {
				t.Errorf("sbom_overview: %t, want %t", got, test.sbom)
			}
		})
	}
	for _, text := range []string{"", "2", "two.one", "2.-1", "2.1.2.3"} {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", text, v)
		}
	}
}

// TestImmutableOnlyWhenAsked: a tag says that it is immutable only to a request
// that asks for it.
func TestImmutableOnlyWhenAsked(t *testing.T) {
	c := newClient(t, NewServer(t, Recorded(), Options{}), asAdmin.name, asAdmin.secret)
	for query, want := range map[string]bool{"": false, "?with_immutable_status=true": true} {
		shown := rows[struct{ Immutable bool }](c, "/projects/immutable-rel/repositories/rel/artifacts/v1/tags"+query)
		if len(shown) != 1 || shown[0].Immutable != want {
			t.Errorf("%q: tags %v, want one with immutable %t", query, shown, want)
		}
	}
}

// TestOnlyReading: what is no reading is refused, as Harbor refuses it.
func TestOnlyReading(t *testing.T) {
	s := NewServer(t, Recorded(), Options{})
	robot, anonymous := newClient(t, s, asRobot.name, asRobot.secret), newClient(t, s, "", "")
	for _, test := range []struct {
		client       *client
		method, path string
		want         int
	}{
		{robot, http.MethodDelete, "/projects/library/repositories/nginx", 403},
		{anonymous, http.MethodDelete, "/projects/library/repositories/nginx", 401},
		{robot, http.MethodPost, "/projects", 403},
		{robot, http.MethodPatch, "/projects/library/repositories/nginx/artifacts", 405},
		{robot, http.MethodHead, "/projects/library/repositories", 405},
		{robot, http.MethodPost, "/nosuch", 404},
		{robot, http.MethodHead, "/projects", 422},
	} {
		r, err := test.client.do(test.method, apiPrefix+test.path)
		if err != nil || r.status != test.want {
			t.Errorf("%s %s as %q: got %+v, error %v, want status %d", test.method, test.path, test.client.name, r, err, test.want)
		}
	}
	if r, err := anonymous.do(http.MethodGet, "/harbor/projects"); err != nil || r.status != 200 || r.header.Get("Content-Type") != "text/html" || r.body == "" {
		t.Errorf("a page of the web interface: %+v, error %v", r, err)
	}
	if r, err := anonymous.do(http.MethodGet, "/simulator/stats"); err != nil || r.header.Get("Content-Type") != "text/html" {
		t.Errorf("/simulator without Options.Control: %+v, error %v, want the web interface", r, err)
	}
}
