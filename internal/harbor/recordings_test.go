// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"cmp"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest/har"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// golden compares got with a file, or writes it there with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("golden (-), decoded (+):\n%s", diff)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// exchange is a recorded request and its answer.
type exchange struct {
	recording, method string
	url               *url.URL
	status            int
	header            http.Header
	body              string
}

func (e exchange) String() string { return e.recording + ": " + e.method + " " + e.url.RequestURI() }

// recordings are the answers of a running Harbor that the simulator's
// conformance is tested with; all of them, or the named ones.
func recordings(tb testing.TB, names ...string) []exchange {
	tb.Helper()
	read, err := har.Read("harbortest/testdata/recordings", names...)
	if err != nil {
		tb.Fatal(err)
	}
	var all []exchange
	for _, r := range read {
		for _, e := range r.Entries {
			header := http.Header{}
			for _, h := range e.Response.Headers {
				header.Add(h.Name, h.Value)
			}
			all = append(all, exchange{r.Name, e.Request.Method, e.Request.URL.URL, e.Response.Status, header, e.Response.Content.Text})
		}
	}
	return all
}

var everything = Details{
	Tags: true, Labels: true, Accessories: true, Immutability: true, Scan: true, SBOM: true, Annotations: true, Platforms: true,
}

// TestRecordedRowsAsAnotherDecoderReadsThem: every list and every record of the
// recordings is read as a plain decoder reads it into maps.
func TestRecordedRowsAsAnotherDecoderReadsThem(t *testing.T) {
	read := map[string]int{}
	for _, e := range recordings(t) {
		if e.method != http.MethodGet || e.status != http.StatusOK || !isJSON(e.header) {
			continue
		}
		kind := kindOf(e.url.EscapedPath())
		switch kind {
		case "artifacts":
			compareRows(t, e, everything.decode, plainArtifact)
		case "tags":
			compareRows(t, e, decodeTag, plainTag)
		case "accessories":
			compareRows(t, e, decodeAccessory, plainAccessory)
		case "repositories":
			compareRows(t, e, decodeRepository, plainRepository)
		case "projects":
			compareRows(t, e, decodeProject, plainProject)
		case "audit":
			compareRows(t, e, decodeAudit, plainAudit)
		case "vulnerabilities":
			compareRows(t, e, decodeReports, plainReports)
		default:
			continue
		}
		read[kind]++
	}
	for _, kind := range []string{"artifacts", "tags", "accessories", "repositories", "projects", "audit", "vulnerabilities"} {
		if least := map[string]int{"vulnerabilities": 10}[kind]; read[kind] < cmp.Or(least, 30) {
			t.Errorf("only %d answers about %s were read", read[kind], kind)
		}
	}
}

var kinds = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"projects", regexp.MustCompile(`^/api/v2\.0/projects(/[^/]+)?$`)},
	{"repositories", regexp.MustCompile(`^/api/v2\.0/(projects/[^/]+/)?repositories(/[^/]+)?$`)},
	{"artifacts", regexp.MustCompile(`^/api/v2\.0/projects/[^/]+(/repositories/[^/]+)?/artifacts(/[^/]+)?$`)},
	{"tags", regexp.MustCompile(`^/api/v2\.0/projects/[^/]+/repositories/[^/]+/artifacts/[^/]+/tags$`)},
	{"audit", regexp.MustCompile(`^/api/v2\.0/(projects/[^/]+/)?(auditlog-exts|audit-logs|logs)$`)},
	{"vulnerabilities", regexp.MustCompile(`^/api/v2\.0/projects/[^/]+/repositories/[^/]+/artifacts/[^/]+/additions/vulnerabilities$`)},
	{"accessories", regexp.MustCompile(`^/api/v2\.0/projects/[^/]+/repositories/[^/]+/artifacts/[^/]+/accessories$`)},
}

func kindOf(path string) string {
	for _, k := range kinds {
		if k.pattern.MatchString(path) {
			return k.kind
		}
	}
	return ""
}

func compareRows[T any](t *testing.T, e exchange, decode func(*decoder, *T) error, plain func(map[string]any) T) {
	t.Helper()
	var got, want []T
	if strings.HasPrefix(e.body, "[") {
		rows, err := list(strings.NewReader(e.body), decode, 0)
		if err != nil {
			t.Errorf("%v: %v", e, err)
			return
		}
		got = rows
		var maps []map[string]any
		unmarshal(t, e.body, &maps)
		for _, m := range maps {
			want = append(want, plain(m))
		}
	} else {
		row, err := single(strings.NewReader(e.body), decode)
		if err != nil {
			t.Errorf("%v: %v", e, err)
			return
		}
		got = []T{row}
		var m map[string]any
		unmarshal(t, e.body, &m)
		want = []T{plain(m)}
	}
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(reports{})); diff != "" {
		t.Errorf("%v: plainly decoded (-), decoded (+):\n%s", e, diff)
	}
}

// TestGolden pins what the artifacts of some repositories decode to.
func TestGolden(t *testing.T) {
	got := map[string][]Artifact{}
	for _, e := range recordings(t, "artifacts-all-repositories-flags-on") {
		artifacts, err := list(strings.NewReader(e.body), everything.decode, 0)
		if err != nil {
			t.Fatal(e, err)
		}
		if len(artifacts) == 0 {
			continue
		}
		switch name := artifacts[0].RepositoryName; name {
		case "library/multi", "team-a/attest", "team-a/nested-index", "team-a/signed", "team-a/labels-edge", "team-a/created-edge",
			"team-a/charts/app", "team-a/scan-fail", "team-a/scan-many", "team-a/untagged", "team-a/wasm/module",
			"team-a/oras/generic", "immutable-rel/rel", "data.science/models/tiny":
			got[name] = artifacts
		}
	}
	text, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/artifacts.golden.json", string(text)+"\n")
}

// TestRecordedAnswers replays every recorded answer of the endpoints that the
// client asks, errors too, and checks how the call ends.
func TestRecordedAnswers(t *testing.T) {
	var current exchange
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Content-Type", "X-Total-Count", "Link", "Retry-After"} {
			if v := current.header.Get(name); v != "" {
				w.Header().Set(name, v)
			} else {
				w.Header()[name] = nil // keeps net/http from guessing
			}
		}
		w.WriteHeader(current.status)
		_, _ = w.Write([]byte(current.body))
	}))
	defer srv.Close()
	c, err := New(Config{URL: srv.URL, UserAgent: "test", Retry: transport.RetryPolicy{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	seen := map[string]int{}
	for _, e := range recordings(t) {
		current = e
		var err error
		switch kind := kindOf(e.url.EscapedPath()); {
		case e.method == http.MethodHead && kind == "projects":
			var exists bool
			exists, err = c.ProjectExists(t.Context(), "x")
			if exists != (e.status == http.StatusOK) {
				t.Errorf("%v: exists %v", e, exists)
			}
			if e.status == http.StatusNotFound && err == nil {
				seen["gone"]++
				continue
			}
		case e.method != http.MethodGet:
			continue
		case e.url.Path == "/api/v2.0/systeminfo":
			_, err = c.SystemInfo(t.Context())
		case kind == "artifacts" && strings.HasSuffix(e.url.Path, "/artifacts"):
			_, err = c.ArtifactsPage(t.Context(), "a/b", ArtifactOptions{})
		case kind == "artifacts":
			_, err = c.Artifact(t.Context(), "a/b", "c", everything)
		case kind == "repositories" && strings.HasSuffix(e.url.Path, "/repositories"):
			_, err = c.RepositoriesPage(t.Context(), "a", PageOptions{})
		case kind == "repositories":
			_, err = c.Repository(t.Context(), "a/b")
		case kind == "projects" && strings.HasSuffix(e.url.Path, "/projects"):
			_, err = c.ProjectsPage(t.Context(), PageOptions{})
		case kind == "projects":
			_, err = c.Project(t.Context(), "a")
		case kind == "tags":
			_, err = c.TagsPage(t.Context(), "a/b", "c", TagOptions{})
		case kind == "accessories":
			_, err = c.AccessoriesPage(t.Context(), "a/b", "c", PageOptions{})
		case kind == "vulnerabilities":
			_, err = c.Vulnerabilities(t.Context(), "a/b", "c")
		case kind == "audit":
			_, err = c.AuditPage(t.Context(), AuditOptions{})
		default:
			continue
		}
		if !asRecorded(e, err) {
			t.Errorf("%v: status %d, body %.80q: %v", e, e.status, e.body, err)
		}
		seen[http.StatusText(e.status)]++
	}
	t.Log(seen)
	for _, status := range []int{200, 400, 401, 403, 404, 422, 500, 502, 504} {
		if seen[http.StatusText(status)] == 0 {
			t.Errorf("no recorded answer with status %d", status)
		}
	}
}

// asRecorded tells whether err is how a call with this answer must end.
func asRecorded(e exchange, err error) bool {
	switch {
	case e.status == http.StatusOK:
		// Recorded with other sorting and paging than the client asks for.
		return err == nil || strings.Contains(err.Error(), reasonOrder)
	case e.status == http.StatusNotFound && strings.Contains(e.body, `"path /`):
		return errorIs(err, ErrInvalidResponse)
	default:
		return errorIs(err, map[int]error{
			400: ErrBadRequest, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 405: ErrInvalidResponse, 422: ErrBadRequest,
			500: ErrUnavailable, 502: ErrUnavailable, 504: ErrUnavailable,
		}[e.status])
	}
}
