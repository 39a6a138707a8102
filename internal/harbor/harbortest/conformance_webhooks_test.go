// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// addPolicies gives the registry the webhook policies that the recording lists,
// as it does with the other rows.
func (run *replay) addPolicies() {
	run.Helper()
	for _, e := range run.entries {
		if e.recording != "webhook-api" || e.number != 0 {
			continue
		}
		type row struct {
			policyJSON
			ID      int64     `json:"id"`
			Project int64     `json:"project_id"`
			Created time.Time `json:"creation_time"`
			Updated time.Time `json:"update_time"`
		}
		var rows []row
		decode(run.T, e.body, &rows)
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.ID, b.ID) })
		for _, shown := range rows {
			p := run.registry.projectByID[shown.Project]
			run.registry.ids.Policy = shown.ID - 1
			w := Webhook{Name: shown.Name, Disabled: !shown.Enabled, EventTypes: shown.EventTypes}
			for _, t := range shown.Targets {
				w.Targets = append(w.Targets, WebhookTarget{t.Type, t.Address, t.AuthHeader, t.SkipCertVerify, t.PayloadFormat})
			}
			run.registry.addPolicy(p, w, toInstant(shown.Created)).updated = toInstant(shown.Updated)
		}
	}
}

// Differences between a recorded webhook and the simulator's that are allowed.
const (
	recordedQuota reason = "left out: quotas are not simulated"
	recordedSBOM  reason = "left out: an SBOM that could not be made is not simulated"
	recordedSlack reason = "left out: nothing is delivered to Slack"
)

// allowedParts are what is random, or the time, or made up by the scanner, or
// the account's name: it is the administrator here.
var allowedParts = []struct {
	what string
	is   *regexp.Regexp
	put  string
}{
	{"who did it", regexp.MustCompile(`"operator":"[^"]*"`), `"operator":"someone"`},
	{"random ids", regexp.MustCompile(`"(id|requestid|report_id)":"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"`), `"$1":"id"`},
	{"when", regexp.MustCompile(`"(occur_at|date_created)":1\d{9}\b`), `"$1":1`},
	{"when", regexp.MustCompile(`"(time|start_time|end_time)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"`), `"$1":"time"`},
	{"how long a scan took", regexp.MustCompile(`"duration":\d+`), `"duration":1`},
	{"the scanner", regexp.MustCompile(`"scanner":\{"name":"[^"]+","vendor":"[^"]+","version":"[^"]+"\}`), `"scanner":{}`},
}

// withoutAllowed is a body's value without what may differ.
func withoutAllowed(t *testing.T, body string) string {
	t.Helper()
	for _, part := range allowedParts {
		body = part.is.ReplaceAllString(body, part.put)
	}
	var value any
	decode(t, body, &value)
	text, err := json.MarshalIndent(value, "", " ") // sorted
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// causes repeats the actions that caused the recorded webhooks, in their order,
// by the methods of Registry. digest returns that of the n-th push or scan
// event, from 1, of a cause.
func causes(r *Registry, digest func(cause string, n int) string) []struct {
	name string
	do   func() error
} {
	push := func(repository, digest string, tags ...string) error {
		_, err := r.TryPush("hooks-lab/"+repository, Image{Digest: digest, Tags: tags})
		return err
	}
	app := func(cause string) string { return digest(cause, 1) }
	found := func(d string) map[string]int {
		if d == digest("16-scan-index-completed", 1) {
			return map[string]int{"Critical": 8, "High": 8, "Low": 15, "Medium": 16, "None": 6, "Unknown": 7}
		}
		return map[string]int{"Critical": 1, "High": 1, "Low": 1}
	}
	scan := func(repository, d string, fixable int) error {
		return r.SetScan("hooks-lab/"+repository, d, Scan{Findings: found(d), Fixable: fixable, Duration: 3 * time.Second})
	}
	const moved = "04-push-move-tag"
	return []struct {
		name string
		do   func() error
	}{
		{"01-push-tagged", func() error { return push("app", app("01-push-tagged"), "v1") }},
		{"02-push-untagged", func() error { return push("app", app("02-push-untagged")) }},
		{"03-push-second-tag-same-digest", func() error {
			return cmp.Or(r.Pull("hooks-lab/app", app("01-push-tagged")), push("app", app("01-push-tagged"), "v1-alias"))
		}},
		{moved, func() error { return push("app", app(moved), "v1") }},
		{"05-push-same-again", func() error { return cmp.Or(r.Pull("hooks-lab/app", app(moved)), push("app", app(moved), "v1")) }},
		{"07-pull-by-tag", func() error { return r.Pull("hooks-lab/app", "v1") }},
		{"08-pull-by-digest", func() error { return r.Pull("hooks-lab/app", app("01-push-tagged")) }},
		{"10-push-index-with-children", func() error {
			r.PushIndex("hooks-lab/idx", Index{
				Image: Image{Digest: digest("10-push-index-with-children", 3), Tags: []string{"multi"}},
				Children: []Child{
					{Image: Image{Digest: digest("10-push-index-with-children", 1)}},
					{Image: Image{Digest: digest("10-push-index-with-children", 2)}},
				},
			})
			return nil
		}},
		{"11-push-helm-like-chart", func() error { return push("chart", app("11-push-helm-like-chart"), "1.0.0") }},
		{"12-push-accessory-with-subject", func() error {
			r.PushAccessory("hooks-lab/app", "v1-alias", Accessory{Image: Image{Digest: app("12-push-accessory-with-subject")}})
			return nil
		}},
		{"13-push-nested-repo", func() error { return push("deep/er/app", app("13-push-nested-repo"), "n1") }},
		{"14-scan-completed", func() error { return scan("app", app(moved), 2) }},
		{"15-sbom-generated", func() error {
			r.PushAccessory("hooks-lab/app", "v1", Accessory{Image: Image{Digest: app("15-sbom-generated")}, Type: sbomAccessory})
			return nil
		}},
		{"16-scan-index-completed", func() error {
			return cmp.Or(scan("idx", digest("16-scan-index-completed", 1), 49), scan("idx", digest("16-scan-index-completed", 2), 3))
		}},
		{"17-push-scan-fail", func() error { return push("scan-fail", app("17-push-scan-fail"), "v1") }},
		{"19-sbom-failed", func() error {
			return r.SetScan("hooks-lab/scan-fail", "v1", Scan{Status: "Error", Duration: 5 * time.Second})
		}},
		{"20-push-scan-slow", func() error { return push("scan-slow", app("20-push-scan-slow"), "v1") }},
		{"22-scan-stopped", func() error {
			return r.SetScan("hooks-lab/scan-slow", "v1", Scan{Status: "Stopped", Duration: 4 * time.Second})
		}},
		{"25-artifact-delete-untagged", func() error { return r.DeleteArtifact("hooks-lab/app", app("02-push-untagged")) }},
		{"26-artifact-delete-with-two-tags", func() error {
			return cmp.Or(r.Pull("hooks-lab/app", app(moved)), push("app", app(moved), "v1b"), r.DeleteArtifact("hooks-lab/app", app(moved)))
		}},
		{"27-manifest-delete-by-registry-api", func() error { return r.DeleteArtifact("hooks-lab/app", app("01-push-tagged")) }},
		{"28-repository-delete-idx", func() error { return r.DeleteRepository("hooks-lab/idx") }},
		{"29-repository-delete-nested", func() error { return r.DeleteRepository("hooks-lab/deep/er/app") }},
		{"30-quota-warning-push", func() error { return push("quota", app("30-quota-warning-push"), "w1") }},
		{"31-quota-exceed-push", func() error { // events of what was done next came late, too: of five pushes three were kept
			return cmp.Or(
				push("ret", digest("31-quota-exceed-push", 1), "r0"), push("ret", digest("31-quota-exceed-push", 2), "r1"),
				push("ret", digest("31-quota-exceed-push", 3), "r2"),
			)
		}},
		{"32-tag-retention-run", func() error {
			r.silent = true
			if err := cmp.Or(push("ret", "", "r3"), push("ret", "", "r4")); err != nil {
				return err
			}
			r.silent = false
			return r.RunRetention("hooks-lab/ret", 2)
		}},
	}
}

// TestWebhookConformance repeats the actions that caused the recorded webhooks
// and compares what is delivered with what was recorded: the headers, and the
// bodies field by field but for allowedParts.
func TestWebhookConformance(t *testing.T) {
	left := &tally{by: map[reason]int{}}
	want := map[string][]string{} // by cause and format
	digests := map[string][]string{}
	for _, webhook := range inOrderOfArrival(RecordedWebhooks()) {
		cause, rest, _ := strings.Cut(webhook.Name, ".")
		switch {
		case webhook.Format == "Slack":
			left.count(recordedSlack)
			continue
		case strings.Contains(strings.ToLower(rest), "quota"):
			left.count(recordedQuota)
			continue
		case strings.HasPrefix(cause, "19-") && strings.Contains(webhook.Body, `"scan_type":"sbom"`):
			left.count(recordedSBOM)
			continue
		}
		left.compared++
		want[cause+" "+webhook.Format] = append(want[cause+" "+webhook.Format], webhook.Header.Get("Content-Type")+" "+webhook.Header.Get("User-Agent")+
			"\n"+withoutAllowed(t, webhook.Body))
		if webhook.Format == formatDefault && !strings.Contains(rest, "PULL") {
			var body defaultJSON
			decode(t, webhook.Body, &body)
			for _, resource := range body.Data.Resources {
				digests[cause] = append(digests[cause], fmt.Sprintf("%s %s", body.Type, resource.Digest))
			}
		}
	}
	digest := recordedDigests(t, digests)

	received := map[string][]string{}
	var mu sync.Mutex
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer hook-secret" {
			t.Errorf("%v, authorization %q", err, r.Header.Get("Authorization"))
		}
		format := strings.TrimPrefix(r.URL.Path, "/")
		mu.Lock()
		defer mu.Unlock()
		received[format] = append(received[format], r.Header.Get("Content-Type")+" "+r.Header.Get("User-Agent")+"\n"+withoutAllowed(t, string(body)))
	}))
	defer target.Close()
	registry := New(WithClock(steppingClock()))
	registry.ids.Project = 19 // as the recorded one
	if err := registry.CreateProject("hooks-lab", false); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{formatDefault, formatCloudEvents} {
		if _, err := registry.AddWebhook("hooks-lab", Webhook{Name: format, Targets: []WebhookTarget{
			{Address: target.URL + "/" + format, PayloadFormat: format, AuthHeader: "Bearer hook-secret"},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	server := NewServer(t, registry, Options{ExternalURL: "http://harbor.example.com"})

	for _, cause := range causes(registry, digest) {
		if err := cause.do(); err != nil {
			t.Fatalf("%s: %v", cause.name, err)
		}
		if err := server.WaitForWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		for _, format := range []string{formatDefault, formatCloudEvents} {
			key := cause.name + " " + format
			slices.Sort(received[format])
			slices.Sort(want[key])
			if diff := gocmp.Diff(want[key], received[format]); diff != "" {
				t.Errorf("%s (-recorded +simulated)\n%s", key, diff)
			}
			delete(want, key)
		}
		clear(received)
		mu.Unlock()
	}
	for key := range want {
		t.Errorf("%s was not compared", key)
	}
	t.Logf("%d webhooks compared%s", left.compared, left.reasons())
}

// inOrderOfArrival: of equal names the one without a number came first.
func inOrderOfArrival(webhooks []RecordedWebhook) []RecordedWebhook {
	numbered := regexp.MustCompile(`-\d$`)
	slices.SortStableFunc(webhooks, func(a, b RecordedWebhook) int {
		return cmp.Or(
			cmp.Compare(numbered.ReplaceAllString(a.Name, ""), numbered.ReplaceAllString(b.Name, "")), cmp.Compare(len(a.Name), len(b.Name)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return webhooks
}

// recordedDigests finds the digests of a cause's recorded events: of a push or a
// scan, in the order of their arrival; of anything else, whichever it is.
func recordedDigests(t *testing.T, digests map[string][]string) func(string, int) string {
	t.Helper()
	return func(cause string, n int) string {
		t.Helper()
		var all []string
		for _, text := range digests[cause] {
			typ, digest, _ := strings.Cut(text, " ")
			if typ == "PUSH_ARTIFACT" || strings.HasPrefix(cause, "16-") {
				all = append(all, digest)
			}
		}
		if len(all) < n {
			t.Fatalf("%s has %d digests", cause, len(all))
		}
		return all[n-1]
	}
}
