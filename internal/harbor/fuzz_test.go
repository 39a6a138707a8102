// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzDecodeArtifacts: any bytes are read, without panic and within the bounds;
// they are accepted exactly where they are a JSON array.
func FuzzDecodeArtifacts(f *testing.F) {
	for _, e := range recordings(f, "artifact-single-all-kinds", "accessories", "partial-answers-200") {
		if kindOf(e.url.EscapedPath()) == "artifacts" && len(e.body) < 20000 {
			f.Add([]byte("[" + strings.TrimSuffix(strings.TrimPrefix(e.body, "["), "]") + "]"))
		}
	}
	for _, text := range []string{`[]`, `[{"id":1},{"id":"2"}]`, `{}`, `[{"tags":[{"name":"\ud800"}]}]`, `[{"annotations":{"a":"b","a":"c"}}]`, `[`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		artifacts, err := list(strings.NewReader(string(body)), everything.decode, 0)
		if isArray := json.Valid(body) && strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "["); isArray != (err == nil) {
			t.Errorf("a JSON array: %v, decoded: %v", isArray, err)
		}
		if err != nil && !errorIs(badBody(err, nil, ""), ErrInvalidResponse) {
			t.Errorf("%v ends as %v", err, badBody(err, nil, ""))
		}
		for i := range artifacts {
			checkBounds(t, &artifacts[i])
		}
	})
}

func checkBounds(t *testing.T, a *Artifact) {
	t.Helper()
	texts := []string{a.RepositoryName, a.Digest, a.Type, a.MediaType, a.ManifestMediaType, a.ArtifactType}
	for _, tag := range a.Tags {
		texts = append(texts, tag.Name)
		if tag.Name == "" {
			t.Error("a tag without name")
		}
	}
	if a.Scan != nil {
		texts = append(texts, a.Scan.Status, a.Scan.Severity)
		if len(a.Scan.BySeverity) > maxSeverities {
			t.Errorf("%d severities", len(a.Scan.BySeverity))
		}
	}
	for _, s := range texts {
		if len(s) > maxText || !utf8.ValidString(s) {
			t.Errorf("%d bytes, %.40q", len(s), s)
		}
	}
	if len(a.Annotations) > maxAnnotations || len(a.Annotations) > a.AnnotationsTotal ||
		len(a.Annotations) < a.AnnotationsTotal && !slices.Contains(a.Cut, "annotations") {
		t.Errorf("%d annotations of %d, cut %v", len(a.Annotations), a.AnnotationsTotal, a.Cut)
	}
	for k, v := range a.Annotations {
		if len(k) > maxAnnotationBytes || len(v) > maxAnnotationBytes || !utf8.ValidString(v) {
			t.Errorf("annotation %.40q of %d bytes", k, len(v))
		}
	}
	if len(a.Platforms) > maxPlatforms || len(a.Platforms) > max(1, a.Children) {
		t.Errorf("%d platforms of %d children", len(a.Platforms), a.Children)
	}
	if a.ID < 0 || a.Size < 0 || !a.PushTime.IsZero() && (a.PushTime.Location() != time.UTC || a.PushTime.Year() > 9999) {
		t.Errorf("id %d, size %d, pushed %v", a.ID, a.Size, a.PushTime)
	}
}

// FuzzDecodeAudit: whatever an entry's resource is, the names in it are none or
// such as Harbor has, and the repository is the project's.
func FuzzDecodeAudit(f *testing.F) {
	for _, e := range recordings(f, "audit-feed") {
		f.Add([]byte(e.body))
	}
	for _, resource := range []string{"a/b", "a/b:c", "a/b@sha256:0", "a", "a/", "/b", "a/../b:c", "A/b:c", ":", "a/b:c@d", ""} {
		for _, kind := range []string{"artifact", "tag", "repository", "project", "robot"} {
			f.Add(fmt.Appendf(nil, `[{"id":1,"resource_type":%q,"resource":%q}]`, kind, resource))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := list(strings.NewReader(string(body)), decodeAudit, 0)
		if err != nil {
			return
		}
		for _, e := range entries {
			project, _, _ := SplitRepository(e.Repository)
			if e.Repository != "" && (!ValidRepository(e.Repository) || project != e.Project) || e.Project != "" && !ValidProject(e.Project) || e.ID < 0 {
				t.Errorf("%+v", e)
			}
			if about := e.ResourceType == "project"; about && e.Repository != "" || !about && e.Project != "" && e.Repository == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// FuzzDecodeErrorBody: whatever an error's body is, an error's text has nothing
// of it but a known code, and a 404 counts only with Harbor's own.
func FuzzDecodeErrorBody(f *testing.F) {
	for _, e := range recordings(f, "not-found-and-forbidden", "auth-errors", "core-down", "database-slow") {
		if e.status != http.StatusOK {
			f.Add(e.status, []byte(e.body))
		}
	}
	f.Add(404, []byte(`{"errors":[{"code":"SECRET","message":"x"}]}`))
	f.Add(500, []byte(`{"errors":[{"message":"pq: password authentication failed"}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		resp := httptest.NewRecorder()
		resp.Body.Write(body)
		answer := resp.Result()
		answer.StatusCode = status
		err := statusError(answer, call{method: http.MethodGet, endpoint: "projects.get"})
		code, _ := errorBody(strings.NewReader(string(body)))
		want := (&StatusError{StatusCode: status, Code: code}).Error()
		if text := err.Error(); text != want && !slices.Contains([]string{reasonForeign, reasonPath}, text) {
			t.Errorf("%d %q: %q", status, body, text)
		}
		if code != "" && !slices.Contains(harborCodes, code) {
			t.Errorf("code %q", code)
		}
		if errorIs(err, ErrNotFound) && (status != http.StatusNotFound || code == "") {
			t.Errorf("%d %q counts as not found", status, body)
		}
	})
}

// FuzzQueryEncoding: what Harbor reads after its two decodings is what was given.
func FuzzQueryEncoding(f *testing.F) {
	for _, seed := range []string{
		"media_type=application/vnd.oci.image.config.v1+json", "push_time=[2026-01-01T00:00:00~]", "tags=a&b", "labels=(1 2)",
		"tags=100%", "annotations=~%2B", "a=\x00\xff", "k==;#?/", "ä=ö",
	} {
		f.Add(seed, int64(3), int64(0))
	}
	f.Fuzz(func(t *testing.T, conditions string, from, to int64) {
		o, err := artifactListing(Details{}).resolved(PageOptions{FromID: from, ToID: to})
		if err != nil {
			if from >= 0 && to >= 0 {
				t.Error(err)
			}
			return
		}
		sent, err := url.ParseRequestURI("/x?" + o.values("id", conditions).Encode()) // the server's first
		if err != nil {
			t.Fatal(err)
		}
		once, err := url.ParseQuery(sent.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := url.QueryUnescape(once.Get("q")) // lib/q/builder.go
		if err != nil {
			t.Fatal(err)
		}
		bare, hasWindow := strings.CutPrefix(twice, "id=["+bound(from)+"~"+bound(to)+"]")
		if hasWindow && conditions != "" {
			bare = strings.TrimPrefix(bare, ",")
		}
		if hasWindow != (from != 0 || to != 0) && !strings.HasPrefix(conditions, "id=[") || bare != conditions {
			t.Errorf("%q with %d to %d arrives as %q", conditions, from, to, twice)
		}
		if (conditions == "" && from == 0 && to == 0) == once.Has("q") {
			t.Errorf("q is there: %v", once.Has("q"))
		}
	})
}

// FuzzPath: a name is refused, or arrives as it was given after nginx and
// Harbor's router have decoded it, and is never more or less than its segments.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"library/nginx", "team-a/backend/services/payment/v2", "p/a%2Fb", "p/..", "../x", "p/a/../b", "p/a b+c&d=e?f#g", "p//", "p/\x00\xff", "1/2"} {
		f.Add(seed, "sha256:abc", "")
	}
	f.Add("library/nginx", "a..b", "/prefix")
	f.Add("library/nginx", "..", "/pre%2Ffix")
	f.Fuzz(func(t *testing.T, repository, reference, prefix string) {
		path, err := artifactPath(repository, reference)
		if err != nil {
			if !errorIs(err, ErrBadRequest) {
				t.Error(err)
			}
			return
		}
		base, err := ParseURL("http://harbor.example.com" + prefix)
		if err != nil || prefix != "" && !strings.HasPrefix(prefix, "/") {
			return
		}
		c := &Client{base: base}
		u := c.request(t.Context(), call{method: http.MethodGet, path: path}).URL
		line := u.RequestURI()
		sent, found := strings.CutPrefix(line, base.EscapedPath()+"/api/v2.0/projects/")
		if !found {
			t.Fatalf("%q: %q", prefix, line)
		}
		parts := strings.Split(sent, "/")
		if len(parts) != 5 || parts[1] != "repositories" || parts[3] != "artifacts" {
			t.Fatalf("%q: %q", repository, sent)
		}
		project, rest, _ := SplitRepository(repository)
		if got := []string{unescape(t, parts[0]), unescape(t, unescape(t, parts[2])), unescape(t, parts[4])}; !slices.Equal(got, []string{project, rest, reference}) {
			t.Errorf("%q, %q arrive as %q", repository, reference, got)
		}
		for _, part := range parts {
			if part == "." || part == ".." || part == "" || strings.ContainsAny(part, "?#\r\n ") {
				t.Errorf("%q is in the path %q", part, sent)
			}
		}
	})
}

func unescape(t *testing.T, s string) string {
	t.Helper()
	s, err := url.PathUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
