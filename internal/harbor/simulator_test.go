// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestWholeHarbor reads everything, page by page, and compares it with what the
// simulator knows.
func TestWholeHarbor(t *testing.T) {
	for name, reg := range map[string]*harbortest.Registry{
		"recorded":   harbortest.Recorded(),
		"believable": harbortest.Believable(),
		"generated":  harbortest.Generated(harbortest.Size{Projects: 3, Repositories: 7, Artifacts: 250}),
		"old":        harbortest.Recorded(harbortest.WithVersion(harbortest.Harbor28)),
	} {
		t.Run(name, func(t *testing.T) {
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			c := newClient(t, srv.URL)
			var got []harbortest.ListedArtifact
			var repositories []harbortest.ListedRepository
			for p, err := range c.Projects(t.Context()) {
				check(t, err)
				for r, err := range c.Repositories(t.Context(), p.Name) {
					check(t, err)
					repositories = append(repositories, harbortest.ListedRepository{
						ID: r.ID, ProjectID: p.ID, Project: p.Name, Name: r.Name,
						ArtifactCount: r.ArtifactCount, PullCount: r.PullCount, Updated: r.UpdateTime,
					})
					for a, err := range c.Artifacts(t.Context(), r.Name, harbor.ArtifactOptions{Details: harbor.Details{Tags: true, Labels: true}}) {
						check(t, err)
						if a.RepositoryName != r.Name || a.RepositoryID != r.ID || a.ProjectID != p.ID {
							t.Errorf("%s of %s in %s", a.Digest, a.RepositoryName, r.Name)
						}
						got = append(got, listed(p.Name, a))
					}
				}
			}
			want, _ := reg.Listed()
			compareListed(t, want, got)
			wantRepositories, _ := reg.Repositories()
			slices.SortFunc(repositories, func(a, b harbortest.ListedRepository) int { return cmp.Compare(a.Name, b.Name) })
			if diff := gocmp.Diff(wantRepositories, repositories, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
				t.Errorf("repositories there (-), read (+):\n%s", diff)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listed(project string, a *harbor.Artifact) harbortest.ListedArtifact {
	l := harbortest.ListedArtifact{
		ID: a.ID, Project: project, Repository: a.RepositoryName, Digest: a.Digest, Type: a.Type, Size: a.Size, Pushed: a.PushTime,
	}
	for _, tag := range a.Tags {
		l.Tags = append(l.Tags, tag.Name)
	}
	for _, label := range a.Labels {
		l.Labels = append(l.Labels, label.Name)
	}
	return l
}

func compareListed(t *testing.T, want, got []harbortest.ListedArtifact) {
	t.Helper()
	slices.SortFunc(got, func(a, b harbortest.ListedArtifact) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.ID, b.ID))
	})
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Millisecond),
		cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("artifacts there (-), read (+):\n%s", diff)
	}
}

// TestAccounts: who is asked as whom, and what silence about it looks like.
func TestAccounts(t *testing.T) {
	srv := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	for _, tt := range []struct {
		about, user, secret string
		authenticated       bool
		projects            int
		probe, read         error // of a private project
	}{
		{"a robot", "robot$inventory", harbortest.RecordedRobotSecret, true, 0, nil, nil},
		{"a wrong secret", "robot$inventory", "wrong", false, 4, harbor.ErrUnauthorized, harbor.ErrUnauthorized},
		{"nobody", "", "", false, 4, harbor.ErrUnauthorized, harbor.ErrUnauthorized},
		{"a robot of another project", "robot$team-a+ci", harbortest.RecordedRobotSecret, true, 0, nil, harbor.ErrForbidden},
	} {
		c := newClient(t, srv.URL, func(c *harbor.Config) { c.Username, c.Password = tt.user, tt.secret })
		if c.Anonymous() != (tt.user == "") {
			t.Errorf("%s: anonymous %v", tt.about, c.Anonymous())
		}
		info, err := c.SystemInfo(t.Context())
		if err != nil || info.Authenticated() != tt.authenticated {
			t.Errorf("%s: %+v, %v", tt.about, info, err)
		}
		projects, err := collect(c.Projects(t.Context()))
		if err != nil || tt.projects > 0 && len(projects) != tt.projects {
			t.Errorf("%s: %d projects, %v", tt.about, len(projects), err)
		}
		exists, err := c.ProjectExists(t.Context(), "data.science")
		if !is(err, tt.probe) || exists != (tt.probe == nil) {
			t.Errorf("%s: exists %v, %v", tt.about, exists, err)
		}
		if _, err := c.Project(t.Context(), "data.science"); !is(err, tt.read) {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
}

// TestOneThing: single records, and what is not there.
func TestOneThing(t *testing.T) {
	srv := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	c := newClient(t, srv.URL)
	p, err := c.Project(t.Context(), "team-a")
	if err != nil || p.Name != "team-a" || p.ID == 0 || p.Public || p.RepoCount == 0 {
		t.Errorf("%+v, %v", p, err)
	}
	r, err := c.Repository(t.Context(), "team-a/backend/services/payment/v2")
	if err != nil || r.Name != "team-a/backend/services/payment/v2" || r.ProjectID != p.ID || r.ArtifactCount != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	a, err := c.Artifact(t.Context(), "team-a/signed", "stable", harbor.Details{Tags: true, Accessories: true, SBOM: true})
	if err != nil || len(a.Tags) != 2 || len(a.Accessories) != 6 || a.SBOM == nil || a.SBOM.Digest == "" {
		t.Errorf("%+v, %v", a, err)
	}
	tags, err := collect(c.Tags(t.Context(), "team-a/odd-tags", "latest"))
	if err != nil || len(tags) != 15 {
		t.Errorf("%d tags, %v", len(tags), err)
	}
	immutable, err := collect(c.TagsWith(t.Context(), "immutable-rel/rel", "v1", harbor.TagOptions{Immutability: true}))
	if err != nil || len(immutable) != 1 || !immutable[0].Immutable {
		t.Errorf("%+v, %v", immutable, err)
	}
	accessories, err := collect(c.Accessories(t.Context(), "team-a/signed", "stable"))
	if diff := gocmp.Diff(a.Accessories, accessories); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	n, err := c.CountArtifacts(t.Context(), "team-a/api", "media_type=application/vnd.oci.image.config.v1+json")
	if err != nil || n != 6 { // recording encoding-of-q; 0 if the plus became a blank
		t.Errorf("%d artifacts, %v", n, err)
	}
	if n, err := c.CountArtifacts(t.Context(), "team-a/nothing", ""); err != nil || n != 0 {
		t.Errorf("%d artifacts where there is no repository, %v", n, err)
	}
	for _, err := range []error{
		second(c.Repository(t.Context(), "team-a/nothing")),
		second(c.Artifact(t.Context(), "team-a/signed", "nothing", harbor.Details{})),
		second(collect(c.Tags(t.Context(), "team-a/signed", "nothing"))),
	} {
		if !is(err, harbor.ErrNotFound) {
			t.Errorf("%v is not ErrNotFound", err)
		}
	}
	if exists, err := c.ProjectExists(t.Context(), "nothing"); exists || err != nil {
		t.Errorf("exists %v, %v", exists, err)
	}
	if _, err := c.CountArtifacts(t.Context(), "team-a/api", "nonsense"); !is(err, harbor.ErrBadRequest) {
		t.Errorf("a query without =: %v", err)
	}
}

// shortTimeouts make faults that stall end soon. On a busy machine an answer may
// be late as well; that only costs one try more, but then the failure is not
// that of another fault: those have the real time-outs.
func shortTimeouts(c *harbor.Config) {
	c.Timeouts = transport.Timeouts{Header: 200 * time.Millisecond, Idle: 200 * time.Millisecond}
}

// TestFaultsArePassed: each fault that hits some tries is got over, and the
// answer is complete; one that stays ends in the right error.
func TestFaultsArePassed(t *testing.T) {
	reg := harbortest.New()
	check(t, reg.CreateProject("private", false))
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
	for range 120 {
		reg.Push("private/app", harbortest.Image{})
	}
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	want, _ := reg.Listed()
	for _, tt := range []struct {
		about string
		fault harbortest.Fault
		stays error
	}{
		{"500", harbortest.InternalError(), harbor.ErrUnavailable},
		{"502", harbortest.Gateway(502), harbor.ErrUnavailable},
		{"503", harbortest.Gateway(503), harbor.ErrUnavailable},
		{"504", harbortest.ArtifactTableLocked(), harbor.ErrUnavailable},
		{"429", harbortest.TooManyRequests("1"), harbor.ErrUnavailable},
		{"429 with a date", harbortest.TooManyRequests("Mon, 23 Nov 2099 12:00:30 GMT"), harbor.ErrUnavailable},
		{"core is down", harbortest.CoreDown(), harbor.ErrUnavailable},
		{"the database is down", harbortest.DatabaseDown(), harbor.ErrUnavailable},
		{"reset", harbortest.Reset(), harbor.ErrUnavailable},
		{"stalls", harbortest.Stall(), harbor.ErrUnavailable},
		{"stalls in mid-body", harbortest.StallMidBody(), harbor.ErrUnavailable},
		{"reset in mid-body", harbortest.ResetMidBody(), harbor.ErrUnavailable},
		{"cut off", harbortest.Truncate(), harbor.ErrInvalidResponse},
		{"invalid JSON", harbortest.InvalidJSON(), harbor.ErrInvalidResponse},
		{"a login page", harbortest.HTML(), harbor.ErrInvalidResponse},
		{"another content type", harbortest.ContentType("text/plain"), harbor.ErrInvalidResponse},
		{"anonymous for a moment", harbortest.Anonymous(), harbor.ErrUnauthorized},
	} {
		t.Run(tt.about, func(t *testing.T) {
			read := func(tries int) ([]harbor.Artifact, error) {
				c := newClient(t, srv.URL, func(c *harbor.Config) {
					c.Retry.Tries = tries
					if strings.Contains(tt.about, "stalls") {
						shortTimeouts(c)
					}
				})
				return collect(c.Artifacts(t.Context(), "private/app", harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: 50}, Details: harbor.Details{Tags: true}}))
			}
			remove := srv.Inject(
				harbortest.Rule{Class: harbortest.ClassArtifacts, Count: 4, Fault: tt.fault},
				harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 6, Count: 4, Fault: tt.fault},
			)
			artifacts, err := read(100)
			remove()
			if err != nil {
				t.Fatal("the fault passes:", err)
			}
			var got []harbortest.ListedArtifact
			for i := range artifacts {
				got = append(got, listed("private", &artifacts[i]))
			}
			compareListed(t, want, got)

			remove = srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: tt.fault})
			defer remove()
			if _, err := read(2); !is(err, tt.stays) {
				t.Errorf("the fault stays: %v, want %v", err, tt.stays)
			}
		})
	}
}

// TestFaultsThatAreNoErrors: a wrong total and a trickle change nothing.
func TestFaultsThatAreNoErrors(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 1, Repositories: 1, Artifacts: 30})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	names, _ := reg.Repositories()
	c := newClient(t, srv.URL)
	for about, fault := range map[string]harbortest.Fault{
		"a total too high":  harbortest.TotalCount(1000),
		"a total too low":   harbortest.TotalCount(-20),
		"a negative total":  harbortest.TotalCount(-100),
		"a trickle":         harbortest.Trickle(500, 0),
		"another parameter": harbortest.ContentType("application/json; charset=iso-8859-1"),
	} {
		remove := srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: fault})
		artifacts, err := collect(c.Artifacts(t.Context(), names[0].Name, harbor.ArtifactOptions{PageOptions: harbor.PageOptions{PageSize: 10}}))
		if err != nil || len(artifacts) != 30 {
			t.Errorf("%s: %d artifacts, %v", about, len(artifacts), err)
		}
		remove()
	}
	if c.Troubled() {
		t.Error("troubled by nothing")
	}
}

// TestConnectionsAreKept: requests one after the other share a connection, also
// after answers that are not read to their end.
func TestConnectionsAreKept(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 1, Repositories: 1, Artifacts: 30})
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	names, _ := reg.Repositories()
	c := newClient(t, srv.URL)
	srv.Inject(
		harbortest.Rule{Class: harbortest.ClassArtifacts, Count: 2, Fault: harbortest.HTML()},
		harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 5, Count: 2, Fault: harbortest.InvalidJSON()},
		harbortest.Rule{Class: harbortest.ClassArtifacts, Skip: 9, Count: 2, Fault: harbortest.InternalError()},
	)
	for range 20 {
		if _, err := c.ArtifactsPage(t.Context(), names[0].Name, harbor.ArtifactOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Artifact(t.Context(), names[0].Name, "nothing", harbor.Details{}); !is(err, harbor.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if got := srv.Stats().Connections; got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

// TestNeverMoreThanMaxConnections: at Harbor there are never more requests, nor
// connections, than allowed, whatever goes wrong with them, and in the end none
// is left.
func TestNeverMoreThanMaxConnections(t *testing.T) {
	reg := harbortest.Generated(harbortest.Size{Projects: 2, Repositories: 6, Artifacts: 10})
	for _, n := range []int{1, 5, 20} {
		for protocol, start := range map[string]func(*httptest.Server){
			"HTTP/1.1 without TLS": (*httptest.Server).Start,
			"HTTP/1.1":             (*httptest.Server).StartTLS,
			"HTTP/2.0":             func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
		} {
			t.Run(fmt.Sprintf("%d, %s", n, protocol), func(t *testing.T) {
				const requests = 100
				handler := harbortest.NewHandler(reg, harbortest.Options{LatencyOf: spread(), Observer: func(r *http.Request) {
					if !strings.HasPrefix(protocol, r.Proto) {
						t.Errorf("%s", r.Proto)
					}
				}})
				srv := httptest.NewUnstartedServer(handler)
				srv.Config.ConnState = handler.ConnState
				start(srv)
				defer func() { handler.Close(); srv.Close() }()
				for _, fault := range []harbortest.Fault{
					harbortest.InternalError(), harbortest.Gateway(503), harbortest.TooManyRequests("0"), harbortest.HTML(),
					harbortest.InvalidJSON(), harbortest.Trickle(400, 0),
				} {
					handler.Inject(harbortest.Rule{Rate: 0.06, Fault: fault})
				}
				own, shared := transport.NewLimiter(n), transport.NewLimiter(n+1)
				c := newClient(t, srv.URL, func(c *harbor.Config) {
					c.Limiters, c.MaxConnections, c.InsecureSkipVerify = []*transport.Limiter{own, shared}, n, true
					c.Retry.Tries = 50
				})
				readOften(t, c, reg, requests)
				stats := handler.Stats()
				if stats.HighestEver > n || stats.HighestEver < min(n, 3) || stats.Connections > n {
					t.Errorf("highest %d in %d connections", stats.HighestEver, stats.Connections)
				}
				if own.InFlight() != 0 || shared.InFlight() != 0 {
					t.Errorf("left %d and %d", own.InFlight(), shared.InFlight())
				}
				if stats.Total < requests*11/10 {
					t.Errorf("only %d requests, so hardly anything was tried again", stats.Total)
				}
			})
		}
	}
}

// readOften reads pages of the registry, so many at once, each of 10 artifacts.
func readOften(t *testing.T, c *harbor.Client, reg *harbortest.Registry, requests int) {
	t.Helper()
	names, _ := reg.Repositories()
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			page, err := c.ArtifactsPage(t.Context(), names[i%len(names)].Name, harbor.ArtifactOptions{})
			if err != nil || len(page.Items) != 10 {
				t.Errorf("%d artifacts, %v", len(page.Items), err)
			}
		})
	}
	all.Wait()
}

// spread gives every request another latency, up to a millisecond.
func spread() func(*http.Request) time.Duration {
	var mu sync.Mutex
	var n time.Duration
	return func(*http.Request) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		n = (n*7 + 13*time.Microsecond) % (1009 * time.Microsecond)
		return n
	}
}
