// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// send is a request with a body below /api/v2.0.
func (c *client) send(method, path, body string) seen {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.server.URL+apiPrefix+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if c.name != "" {
		request.SetBasicAuth(c.name, c.secret)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return seen{response.StatusCode, response.Header, string(text)}
}

const policies = "/projects/library/webhook/policies"

// TestWebhookPolicies makes, reads, changes and removes policies over the API.
func TestWebhookPolicies(t *testing.T) {
	registry := New(WithClock(steppingClock()))
	server := NewServer(t, registry, Options{})
	admin := newClient(t, server, AdminName, AdminSecret)
	policy := func(name, more string) string {
		return `{"name":"` + name + `","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"http://receiver.example.com/v1?a=b"` + more + `}]}`
	}
	for _, step := range []struct {
		about, method, path, body string
		status                    int
		want                      string // part of the answer
	}{
		{"none", "GET", "", "", 200, `[]`},
		{"made", "POST", "", policy("inventory", ""), 201, ""},
		{"made again", "POST", "", policy("inventory", ""), 409, "notification policy named inventory already exists"},
		{
			"read", "GET", "/1", "", 200, `{"creation_time":"2026-05-01T00:00:03.000Z","enabled":true,"event_types":["PUSH_ARTIFACT"],"id":1,"name":"inventory",` +
				`"project_id":1,"targets":[{"address":"http://receiver.example.com/v1","payload_format":"Default","type":"http"}],"update_time":"2026-05-01T00:00:03.000Z"}`,
		},
		{"another", "POST", "", policy("other", `,"payload_format":"CloudEvents","auth_header":"Bearer x","skip_cert_verify":true`), 201, ""},
		{"the newest first", "GET", "", "", 200, `[{"creation_time":"2026-05-01T00:00:04.000Z","enabled":true,"event_types":["PUSH_ARTIFACT"],"id":2,"name":"other"`},
		{"by name", "GET", "?q=name%3Dinventory", "", 200, `"id":1,"name":"inventory"`},
		{"changed to a name that is taken", "PUT", "/1", policy("other", ""), 409, "already exists"},
		{"changed", "PUT", "/1", strings.Replace(policy("inventory", ""), "true", "false", 1), 200, ""},
		{"read again", "GET", "/1", "", 200, `"enabled":false`},
		{"no event type", "POST", "", `{"name":"x","targets":[{"address":"a"}]}`, 400, "empty event type"},
		{"no target", "POST", "", `{"name":"x","event_types":["PUSH_ARTIFACT"]}`, 400, "empty notification target"},
		{"a target of another type", "POST", "", strings.Replace(policy("x", ""), `"http"`, `"mail"`, 1), 400, "unsupported target type mail"},
		{"another format", "POST", "", policy("x", `,"payload_format":"XML"`), 400, "unsupported payload format type: XML"},
		{"no JSON", "POST", "", `{`, 400, "BAD_REQUEST"},
		{"one that is not there", "GET", "/7", "", 404, "webhook policy id: 7 not found"},
		{"no number", "GET", "/x", "", 422, "must be of type int64"},
		{"removed", "DELETE", "/1", "", 200, ""},
		{"removed again", "DELETE", "/1", "", 404, "NOT_FOUND"},
		{"another method", "PATCH", "", "", 405, "[POST,GET]"},
	} {
		got := admin.send(step.method, policies+step.path, step.body)
		if got.status != step.status || !strings.Contains(got.body, step.want) {
			t.Errorf("%s: %s %s: %d %s, want %d %s", step.about, step.method, step.path, got.status, got.body, step.status, step.want)
		}
		if location := got.header.Get("Location"); (location != "") != (got.status == 201) {
			t.Errorf("%s: Location %q", step.about, location)
		}
	}
	if got := registry.Webhooks("library"); len(got) != 1 || got[2].Name != "other" || !got[2].Targets[0].SkipCertVerify {
		t.Errorf("%+v", got)
	}
}

// TestWebhookRights: who may list and who may change policies.
func TestWebhookRights(t *testing.T) {
	registry := New()
	server := NewServer(t, registry, Options{})
	for _, name := range []string{"one", "two"} {
		if err := registry.CreateProject(name, false); err != nil {
			t.Fatal(err)
		}
	}
	body := `{"name":"n","event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"a"}]}`
	user := func(name string, role Role) string {
		return registry.AddUser(User{Name: name, Secret: "s", Roles: map[string]Role{"one": role}})
	}
	for _, tt := range []struct {
		name         string
		list, change int
	}{
		{"", 401, 401},
		{registry.AddRobot(Robot{Name: "reader", Secret: "s"}), 403, 403},
		{registry.AddRobot(Robot{Name: "hooks", Secret: "s", Webhooks: true}), 200, 404},
		{registry.AddRobot(Robot{Name: "hooks", Secret: "s", Project: "one", Webhooks: true}), 200, 404},
		{registry.AddRobot(Robot{Name: "hooks", Secret: "s", Project: "two", Webhooks: true}), 403, 403},
		{user("pia", ProjectAdmin), 200, 404},
		{user("max", Maintainer), 200, 403},
		{user("dev", Developer), 403, 403},
	} {
		c := newClient(t, server, tt.name, "s")
		if got := c.get("/projects/one/webhook/policies"); got.status != tt.list {
			t.Errorf("%q lists: %d, want %d", tt.name, got.status, tt.list)
		}
		if got := c.send("PUT", "/projects/one/webhook/policies/9", body); got.status != tt.change {
			t.Errorf("%q changes: %d, want %d", tt.name, got.status, tt.change)
		}
	}
}

// target takes webhooks and answers as told.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	status []int // of the next answers; then 200
	bodies []string
}

func newTarget(t *testing.T, status ...int) *target {
	t.Helper()
	to := &target{status: status}
	to.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		to.mu.Lock()
		defer to.mu.Unlock()
		to.bodies = append(to.bodies, string(body))
		if len(to.status) > 0 {
			w.WriteHeader(to.status[0])
			to.status = to.status[1:]
		}
	}))
	t.Cleanup(to.Close)
	return to
}

// took returns the types of what came, with the tags.
func (to *target) took(t *testing.T) []string {
	t.Helper()
	to.mu.Lock()
	defer to.mu.Unlock()
	var all []string
	for _, text := range to.bodies {
		var body defaultJSON
		decode(t, text, &body)
		what := body.Type
		for _, resource := range body.Data.Resources {
			what += " " + strings.TrimPrefix(resource.URL, "harbor.example.com/")
		}
		all = append(all, what)
	}
	return all
}

func withWebhook(t *testing.T, address string, o WebhookOptions) (*Registry, *Server) {
	t.Helper()
	registry := New(WithClock(steppingClock()))
	if _, err := registry.AddWebhook("library", Webhook{Name: "hook", Targets: []WebhookTarget{{Address: address}}}); err != nil {
		t.Fatal(err)
	}
	return registry, NewServer(t, registry, Options{Webhooks: o})
}

// TestEventsFired: which changes fire events, and which do not.
func TestEventsFired(t *testing.T) {
	to := newTarget(t)
	registry, server := withWebhook(t, to.URL, WebhookOptions{})
	label, err := registry.CreateLabel(Label{Name: "l"})
	if err != nil {
		t.Fatal(err)
	}
	registry.Push("library/a", Image{Tags: []string{"v1"}})
	if err := server.WaitForWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		about string
		do    func() error
		want  []string
	}{
		{"two tags are two pushes", func() error { registry.Push("library/a", Image{Tags: []string{"v2", "v3"}}); return nil }, []string{
			"PUSH_ARTIFACT library/a:v2", "PUSH_ARTIFACT library/a:v3",
		}},
		{"a tag by the API", func() error { return registry.AddTag("library/a", "v2", "v4") }, nil},
		{"a tag's delete", func() error { return registry.DeleteTag("library/a", "v4") }, nil},
		{"a label", func() error {
			return errors.Join(registry.AddLabel("library/a", "v1", label), registry.RemoveLabel("library/a", "v1", label))
		}, nil},
		{"a project", func() error {
			return errors.Join(registry.CreateProject("new", false), registry.DeleteProject("new"))
		}, nil},
		{"a push elsewhere", func() error {
			return errors.Join(registry.CreateProject("other", false), func() error { _, err := registry.TryPush("other/a", Image{}); return err }())
		}, nil},
		{"a description", func() error { return registry.EditDescription("library/a", "text") }, nil},
		{"a scan that goes on", func() error { return registry.SetScan("library/a", "v1", Scan{Status: "Running"}) }, nil},
		{"a refused delete", func() error {
			if err := registry.DeleteArtifact("library/a", "v9"); !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("deleted what is not there: %w", err)
			}
			return nil
		}, nil},
		{"nothing that is switched off", func() error {
			registry.SetNotifications(false)
			defer registry.SetNotifications(true)
			_, err := registry.TryPush("library/a", Image{})
			return err
		}, nil},
		{"a delete", func() error { return registry.DeleteArtifact("library/a", "v1") }, []string{"DELETE_ARTIFACT library/a:v1"}},
		{"retention that keeps all", func() error { return registry.RunRetention("library/a", 5) }, nil},
		{"retention", func() error { return registry.RunRetention("library/a", 1) }, []string{"DELETE_ARTIFACT library/a:v3", "TAG_RETENTION"}},
		{"a repository's delete", func() error {
			registry.Push("library/b", Image{Tags: []string{"v1"}})
			return registry.DeleteRepository("library/b")
		}, []string{"DELETE_ARTIFACT library/b:v1", "PUSH_ARTIFACT library/b:v1"}},
	} {
		to.mu.Lock()
		to.bodies = nil
		to.mu.Unlock()
		if err := tt.do(); err != nil {
			t.Fatalf("%s: %v", tt.about, err)
		}
		if err := server.WaitForWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := to.took(t)
		slices.Sort(got)
		if diff := gocmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.about, diff)
		}
	}
}

// TestAttempts: a delivery that is not answered with 2xx is made three times.
func TestAttempts(t *testing.T) {
	for _, tt := range []struct {
		about  string
		status []int
		want   WebhookStats
	}{
		{"at once", []int{200}, WebhookStats{Fired: 1, Delivered: 1, Attempts: 1}},
		{"204", []int{204}, WebhookStats{Fired: 1, Delivered: 1, Attempts: 1}},
		{"at the third", []int{500, 401}, WebhookStats{Fired: 1, Delivered: 1, Attempts: 3}},
		{"never", []int{500, 503, 404}, WebhookStats{Fired: 1, Failed: 1, Attempts: 3}},
	} {
		to := newTarget(t, tt.status...)
		registry, server := withWebhook(t, to.URL, WebhookOptions{Pauses: []time.Duration{time.Millisecond, time.Millisecond}})
		registry.Push("library/a", Image{Tags: []string{"v1"}})
		if err := server.WaitForWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := server.WebhookStats(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.about, got, tt.want)
		}
		if n := len(slices.Compact(to.bodies)); n != 1 {
			t.Errorf("%s: the attempts have %d different bodies", tt.about, n)
		}
	}
}

// TestSlowTarget: an answer that does not come in time is none.
func TestSlowTarget(t *testing.T) {
	ended := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	defer slow.Close()
	defer close(ended)
	registry, server := withWebhook(t, slow.URL, WebhookOptions{Timeout: 10 * time.Millisecond, Pauses: []time.Duration{0, 0}})
	registry.Push("library/a", Image{})
	if err := server.WaitForWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := server.WebhookStats(), (WebhookStats{Fired: 1, Failed: 1, Attempts: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestDisturbedWebhooks: some are lost, some come twice, some late.
func TestDisturbedWebhooks(t *testing.T) {
	to := newTarget(t)
	held := time.Hour
	registry, server := withWebhook(t, to.URL, WebhookOptions{Queue: 3, Disturb: func(d WebhookDelivery) Disturbance {
		switch d.Repository {
		case "library/lost":
			return Disturbance{Lose: true}
		case "library/twice":
			return Disturbance{Copies: 1}
		}
		return Disturbance{Delay: held}
	}})
	registry.Push("library/lost", Image{Tags: []string{"v1"}})
	registry.Push("library/twice", Image{Tags: []string{"v1"}})
	if err := server.WaitForWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"PUSH_ARTIFACT library/twice:v1", "PUSH_ARTIFACT library/twice:v1"}, to.took(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for range 5 {
		registry.Push("library/late", Image{})
	}
	want := WebhookStats{Fired: 8, Pending: 3, Delivered: 2, Lost: 1, Dropped: 2, Attempts: 2}
	if got := server.WebhookStats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The end of the server does not wait for them, and leaves no goroutine.
}

// TestTwoServers of a registry deliver an event once.
func TestTwoServers(t *testing.T) {
	to := newTarget(t)
	registry, first := withWebhook(t, to.URL, WebhookOptions{})
	second := NewServer(t, registry, Options{})
	registry.Push("library/a", Image{})
	if err := first.WaitForWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one, two := first.WebhookStats().Fired, second.WebhookStats().Fired; one != 1 || two != 0 {
		t.Errorf("%d and %d were sent", one, two)
	}
}
