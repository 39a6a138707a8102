// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// wantCompared is the number of requests that TestConformance compares: every
// GET and HEAD of the recordings but those that leftOut names, and what was
// posted to webhook policies.
const wantCompared = 1394

// unserved are the endpoints that the simulator does not serve and an inventory
// never asks.
var unserved = regexp.MustCompile(`^/api/v2\.0/(?:quotas|security|users$|users/current/permissions|robots|search|registries|` +
	`scanners|scans|configurations|system/|systeminfo/volumes|usergroups|replication|auditlog-exts/events|` +
	`projects/[^/]+/(?:members|scanner|immutabletagrules|metadatas|_deletable|webhook/(?:events|lasttrigger|jobs|policies/\d+/)))`)

// reason says why a recorded request was not compared, or a difference was
// allowed. Each is counted and printed.
type reason string

// Requests that are left out.
const (
	notServed   reason = "left out: endpoint not served by the simulator"
	notReading  reason = "left out: no GET or HEAD (the change is made through the registry's methods where a recording depends on it)"
	wholeLog    reason = "left out: rows and total of the whole audit log, of which the recordings show a small part"
	registryAPI reason = "left out: registry API below /v2"
)

// Differences that are allowed.
const (
	currentTime      reason = "allowed: current_time in /systeminfo is the time of the request"
	movingRepository reason = "allowed: artifact_count, update_time and storage of perf/big20k, pushed to while it was recorded, are set from the answer before it is compared"
	tieOrder         reason = "allowed: order of rows that the sort leaves equal, on which PostgreSQL promises nothing"
	writeTimes       reason = "allowed: times of writes that the test repeats"
	randomOutcome    reason = "allowed: outcome of a database short of connections, which is random; the answer must be that of one outcome"
)

// tally counts what became of the recorded requests.
type tally struct {
	compared int
	by       map[reason]int
}

func (c *tally) count(r reason) { c.by[r]++ }

// replay is one recording being replayed.
type replay struct {
	*testing.T
	tally    *tally
	entries  []*entry // of all recordings
	server   *Server
	registry *Registry
	client   *http.Client
	who      func(*entry) (name, secret string)
	// change is called before each entry; it may change what is served.
	change func(*replay, *entry)
	// normalize is applied to both bodies.
	normalize func(string) string
	unset     func()
	// random is true for a recording whose answers were left to chance.
	random bool
}

// TestConformance replays every recorded GET and HEAD against the simulator,
// which holds the recorded content as rows, and compares status, headers and
// body.
func TestConformance(t *testing.T) {
	recordings := readRecordings(t)
	entries := inOrder(recordings)
	total := &tally{by: map[reason]int{}}
	for _, name := range sortedKeys(recordings) {
		t.Run(name, func(t *testing.T) {
			one := &tally{by: map[reason]int{}}
			run := newReplay(t, entries, recordings[name], one)
			for _, e := range recordings[name] {
				run.entry(e)
			}
			t.Logf("%-38s %4d requests, %4d compared%s", name, len(recordings[name]), one.compared, one.reasons())
			total.compared += one.compared
			for r, n := range one.by {
				total.by[r] += n
			}
		})
	}
	t.Logf("all recordings: %d requests, %d compared%s", len(entries), total.compared, total.reasons())
	if total.compared != wantCompared {
		t.Errorf("compared %d requests, want %d", total.compared, wantCompared)
	}
}

func (c *tally) reasons() string {
	var text strings.Builder
	for _, r := range sortedKeys(c.by) {
		fmt.Fprintf(&text, "\n    %4d %s", c.by[r], r)
	}
	return text.String()
}

// newReplay serves the content as it was when the recording ended.
func newReplay(t *testing.T, entries, recording []*entry, count *tally) *replay {
	t.Helper()
	run := &replay{T: t, tally: count, entries: entries, normalize: func(s string) string { return s }, unset: func() {}}
	if _, ok := steps[recording[0].recording]; ok {
		run.load(recording[0].started, false) // the test makes the changes itself
	} else {
		run.load(recording[len(recording)-1].started, true)
	}
	prepare(run, recording[0].recording)
	return run
}

// load serves the content of the given time, with or without the artifacts that
// were only counted.
func (run *replay) load(at time.Time, fill bool) {
	run.Helper()
	state := stateAt(run.T, run.entries, at)
	for _, repo := range state.Repositories {
		if !fill {
			repo.Fill = 0
		}
	}
	registry, err := state.load()
	if err != nil {
		run.Fatal(err)
	}
	registry.addRecordedAccounts()
	run.serve(registry)
}

func (run *replay) serve(registry *Registry) {
	run.registry = registry
	run.server = NewServer(run.T, registry, Options{ExternalURL: "http://harbor.example.com"})
	run.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	run.Cleanup(run.client.CloseIdleConnections)
}

// entry replays one entry.
func (run *replay) entry(e *entry) {
	run.Helper()
	if run.change != nil {
		run.change(run, e)
	}
	if left, out := leftOut(e); out {
		run.tally.count(left)
		return
	}
	if run.random {
		run.anyOutcome(e)
		return
	}
	if strings.Contains(e.body, `"perf/big20k"`) || strings.Contains(e.body, "total_storage_consumption") && e.recording == "system" && e.status == 200 {
		run.follow(e)
	}
	name, secret := run.who(e)
	if (name != "") != e.authenticated() {
		run.Fatalf("%s, entry %d: replayed as %q, but recorded with credentials: %t", e.recording, e.number, name, e.authenticated())
	}
	got := run.send(e, name, secret)
	run.tally.compared++
	if difference := run.compare(e, got); difference != "" && !run.equalButTies(e, got) {
		run.Errorf("entry %d: %s (as %q, %s)\n%s", e.number, e.request(), name, e.comment, difference)
	}
}

func leftOut(e *entry) (reason, bool) {
	switch {
	case strings.HasPrefix(e.url.Path, "/v2/"):
		return registryAPI, true
	case e.method != http.MethodGet && e.method != http.MethodHead && !strings.HasSuffix(e.url.Path, "/webhook/policies"):
		return notReading, true
	case unserved.MatchString(e.url.Path):
		return notServed, true
	case e.url.Path == apiPrefix+"/auditlog-exts" && e.status == http.StatusOK && !slices.Contains([]string{"0", "1"}, e.answer["X-Total-Count"]):
		return wholeLog, true
	}
	return "", false
}

// got is the simulator's answer.
type got struct {
	status int
	header http.Header
	body   string
}

func (run *replay) send(e *entry, name, secret string) got {
	run.Helper()
	request, err := http.NewRequest(e.method, run.server.URL+"/", strings.NewReader(e.sent))
	if err != nil {
		run.Fatal(err)
	}
	host := request.URL.Host
	*request.URL = *e.url
	request.URL.Host = host
	for _, header := range []string{"X-Is-Resource-Name", "X-Accept-Vulnerabilities", "Accept", "Accept-Encoding", "If-None-Match", "If-Modified-Since"} {
		if value := e.header[header]; value != "" {
			request.Header.Set(header, value)
		}
	}
	if e.header["Cookie"] != "" {
		request.Header.Set("Cookie", "sid=0123456789abcdef")
	}
	if strings.HasPrefix(e.header["Authorization"], "Bearer") {
		request.Header.Set("Authorization", "Bearer "+secret)
	} else if name != "" {
		request.SetBasicAuth(name, secret)
	}
	response, err := run.client.Do(request)
	if err != nil {
		run.Fatalf("%s: %v", e.request(), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		run.Fatalf("%s: %v", e.request(), err)
	}
	return got{response.StatusCode, response.Header, string(body)}
}

var systemTime = regexp.MustCompile(`"current_time":"[^"]*"`)

// compare says how the answers differ, "" where they do not.
func (run *replay) compare(e *entry, g got) string {
	var text strings.Builder
	check := func(what, got, want string) {
		if got != want {
			fmt.Fprintf(&text, "  %s:\n    got  %s\n    want %s\n", what, around(got, want), around(want, got))
		}
	}
	check("status", fmt.Sprint(g.status), fmt.Sprint(e.status))
	for _, name := range []string{"X-Total-Count", "Link", "Content-Type", "X-Frame-Options", "Vary"} {
		check(name, g.header.Get(name), e.answer[name])
	}
	for _, name := range []string{"X-Request-Id", "X-Harbor-Csrf-Token", "Retry-After", "ETag"} {
		check("presence of "+name, fmt.Sprint(g.header.Get(name) != ""), fmt.Sprint(e.answer[name] != ""))
	}
	cookie := func(s string) string { name, _, _ := strings.Cut(s, "="); return name }
	check("Set-Cookie", cookie(g.header.Get("Set-Cookie")), cookie(e.answer["Set-Cookie"]))
	gotBody, wantBody := run.normalize(g.body), run.normalize(e.body)
	if wantBody != e.body {
		run.tally.count(writeTimes)
	}
	if systemTime.MatchString(wantBody) {
		run.tally.count(currentTime)
		gotBody, wantBody = systemTime.ReplaceAllString(gotBody, ""), systemTime.ReplaceAllString(wantBody, "")
	}
	check("body", gotBody, wantBody)
	return text.String()
}

// around shortens a text to where it differs from the other.
func around(text, other string) string {
	if len(text) < 200 {
		return text
	}
	at := 0
	for at < min(len(text), len(other)) && text[at] == other[at] {
		at++
	}
	return fmt.Sprintf("(byte %d of %d) ...%s", at, len(text), text[max(0, at-60):min(len(text), at+140)])
}

// follow sets the repository that was pushed to all the time to what the answer
// shows of it.
func (run *replay) follow(e *entry) {
	run.Helper()
	run.tally.count(movingRepository)
	if strings.HasSuffix(e.url.Path, "/statistics") {
		run.followStorage(e)
		return
	}
	each(run.T, e, func(shown *repositoryAnswer) {
		if shown.Name != "perf/big20k" {
			return
		}
		run.registry.mu.Lock()
		defer run.registry.mu.Unlock()
		repo := run.registry.repositories[shown.Name]
		for len(repo.artifacts) > shown.ArtifactCount {
			run.registry.remove(repo.artifacts[len(repo.artifacts)-1])
		}
		run.registry.fill(repo, shown.ArtifactCount-len(repo.artifacts))
		repo.updated = toInstant(shown.UpdateTime)
	})
}

func (run *replay) followStorage(e *entry) {
	run.Helper()
	each(run.T, e, func(shown *struct {
		Total int64 `json:"total_storage_consumption"`
	},
	) {
		run.registry.mu.Lock()
		defer run.registry.mu.Unlock()
		perf := run.registry.projects["perf"]
		perf.storageUsed = shown.Total
		for _, p := range run.registry.projects {
			if p != perf {
				perf.storageUsed -= p.storageUsed
			}
		}
	})
}
