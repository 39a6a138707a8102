// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// quick retries at once, nearly.
var quick = transport.RetryPolicy{Base: time.Microsecond, Max: time.Microsecond, MaxRetryAfter: time.Microsecond}

func newClient(t *testing.T, url string, change ...func(*harbor.Config)) *harbor.Client {
	t.Helper()
	config := harbor.Config{URL: url, Username: "robot$inventory", Password: "secret", UserAgent: "harbor-inventory/test", Retry: quick}
	for _, f := range change {
		f(&config)
	}
	c, err := harbor.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func anonymous(c *harbor.Config) { c.Username, c.Password = "", "" }

func once(c *harbor.Config) { c.Retry.Tries = 1 }

// collect reads a list to its end or first error.
func collect[T any](seq iter.Seq2[*T, error]) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, *item)
	}
	return all, nil
}

// recorder is a server that notes requests and answers them with a function.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func record(t *testing.T, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req)
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) seen() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// lines are the requests as they were sent.
func (r *recorder) lines() []string {
	var lines []string
	for _, req := range r.seen() {
		lines = append(lines, req.Method+" "+req.RequestURI)
	}
	return lines
}

func answerJSON(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func TestURL(t *testing.T) {
	for url, fine := range map[string]bool{
		"https://harbor.example.com":                true,
		"https://harbor.example.com/":               true,
		"http://harbor.example.com:8080/a/prefix//": true,
		"https://[::1]:8443":                        true,
		"":                                          false,
		"harbor.example.com":                        false,
		"//harbor.example.com":                      false,
		"ftp://harbor.example.com":                  false,
		"https://":                                  false,
		"https://:443":                              false,
		"https://robot:s3cret@harbor.example.com":   false,
		"https://s3cret@harbor.example.com":         false,
		"https://harbor.example.com/?x=s3cret":      false,
		"https://harbor.example.com/?":              false,
		"https://harbor.example.com/#s3cret":        false,
		"https://harbor.example.com:s3cret":         false,
		"https://harbor.example.com/\x7f":           false,
	} {
		_, err := harbor.New(harbor.Config{URL: url})
		if (err == nil) != fine {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error repeats it: %v", url, err)
		}
	}
}

// TestRequests: each method's request line, exactly as it is sent.
func TestRequests(t *testing.T) {
	const noDetails = "&with_accessory=false&with_immutable_status=false&with_label=false&with_sbom_overview=false&with_scan_overview=false&with_tag=false"
	for _, tt := range []struct {
		about string
		call  func(context.Context, *harbor.Client) error
		want  string
	}{
		{"system information", func(ctx context.Context, c *harbor.Client) error { _, err := c.SystemInfo(ctx); return err }, "GET /api/v2.0/systeminfo?"},
		{"does a project exist", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.ProjectExists(ctx, "team-a&x=y")
			return err
		}, "HEAD /api/v2.0/projects?project_name=team-a%26x%3Dy"},
		{"a project", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Project(ctx, "data.science")
			return err
		}, "GET /api/v2.0/projects/data.science?"},
		{"projects", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.ProjectsPage(ctx, harbor.PageOptions{})
			return err
		}, "GET /api/v2.0/projects?page=1&page_size=50&sort=project_id"},
		{"projects from an id", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.ProjectsPage(ctx, harbor.PageOptions{FromID: 7, PageSize: 20})
			return err
		}, "GET /api/v2.0/projects?page=1&page_size=20&q=project_id%253D%255B7~%255D&sort=project_id"},
		{"repositories in a window", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.RepositoriesPage(ctx, "library", harbor.PageOptions{FromID: 7, ToID: 9, Page: 3})
			return err
		}, "GET /api/v2.0/projects/library/repositories?page=3&page_size=100&q=repository_id%253D%255B7~9%255D&sort=repository_id"},
		{"a repository", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Repository(ctx, "library/nginx")
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx?"},
		{"a nested one", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Repository(ctx, "team-a/backend/services/payment/v2")
			return err
		}, "GET /api/v2.0/projects/team-a/repositories/backend%252Fservices%252Fpayment%252Fv2?"},
		{"odd names", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Artifact(ctx, "p%20q/a b+c%2F?#", "v1+x;y", harbor.Details{})
			return err
		}, "GET /api/v2.0/projects/p%2520q/repositories/a%2520b+c%25252F%253F%2523/artifacts/v1+x%3By?" + noDetails[1:]},
		{"artifacts", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.ArtifactsPage(ctx, "library/nginx", harbor.ArtifactOptions{})
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts?page=1&page_size=100&sort=id" + noDetails},
		{"artifacts with a query", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.ArtifactsPage(ctx, "library/nginx", harbor.ArtifactOptions{
				PageOptions: harbor.PageOptions{ToID: 9}, Query: "media_type=a+b&c%, tags=x", Details: harbor.Details{Tags: true},
			})
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts?page=1&page_size=100" +
			"&q=id%253D%255B~9%255D%252Cmedia_type%253Da%252Bb%2526c%2525%252C%2520tags%253Dx&sort=id" + strings.Replace(noDetails, "with_tag=false", "with_tag=true", 1)},
		{"counting", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.CountArtifacts(ctx, "library/nginx", "tags=nil")
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts?page=1&page_size=1&q=tags%253Dnil&sort=id" + noDetails},
		{"all details", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Artifact(ctx, "library/nginx", "sha256:abc", harbor.Details{
				Tags: true, Labels: true, Accessories: true, Immutability: true, Scan: true, SBOM: true, Annotations: true, Platforms: true,
			})
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts/sha256:abc?" + strings.ReplaceAll(noDetails[1:], "false", "true")},
		{"immutability needs tags", func(ctx context.Context, c *harbor.Client) error {
			_, err := c.Artifact(ctx, "library/nginx", "latest", harbor.Details{Immutability: true})
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts/latest?" +
			strings.NewReplacer("with_tag=false", "with_tag=true", "immutable_status=false", "immutable_status=true").Replace(noDetails[1:])},
		{"tags", func(ctx context.Context, c *harbor.Client) error {
			_, err := collect(c.Tags(ctx, "library/nginx", "latest"))
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts/latest/tags?page=1&page_size=100&sort=id&with_immutable_status=false"},
		{"tags with immutability", func(ctx context.Context, c *harbor.Client) error {
			_, err := collect(c.TagsWith(ctx, "library/nginx", "latest", harbor.TagOptions{Immutability: true, PageOptions: harbor.PageOptions{FromID: 4, Page: 9}}))
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts/latest/tags?page=1&page_size=100&q=id%253D%255B4~%255D&sort=id&with_immutable_status=true"},
		{"accessories", func(ctx context.Context, c *harbor.Client) error {
			_, err := collect(c.Accessories(ctx, "library/nginx", "sha256:abc"))
			return err
		}, "GET /api/v2.0/projects/library/repositories/nginx/artifacts/sha256:abc/accessories?page=1&page_size=100&sort=id"},
	} {
		srv := record(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Total-Count", "0")
			if strings.Contains(r.URL.RawQuery, "page=") {
				answerJSON(`[]`)(w, r)
			} else {
				answerJSON(`{"id":1,"project_id":1,"name":"x","digest":"x"}`)(w, r)
			}
		})
		for _, prefix := range []string{"", "/a/prefix"} {
			srv.forget()
			if err := tt.call(t.Context(), newClient(t, srv.URL+prefix+"/", once)); err != nil {
				t.Errorf("%s: %v", tt.about, err)
			}
			method, line, _ := strings.Cut(strings.TrimSuffix(tt.want, "?"), " ")
			if diff := cmp.Diff([]string{method + " " + prefix + line}, srv.lines()); diff != "" {
				t.Errorf("%s: want (-), sent (+):\n%s", tt.about, diff)
			}
		}
	}
}

// TestRefusedArguments: what cannot be asked for is refused without a request.
func TestRefusedArguments(t *testing.T) {
	srv := record(t, answerJSON(`[]`))
	c := newClient(t, srv.URL)
	ctx := t.Context()
	for about, err := range map[string]error{
		"no project":           second(c.Project(ctx, "")),
		"dots":                 second(c.Project(ctx, "..")),
		"a slash":              second(c.Project(ctx, "a/b")),
		"no name":              second(c.ProjectExists(ctx, "")),
		"no repository":        second(c.Repository(ctx, "library")),
		"no repository either": second(c.Repository(ctx, "library/")),
		"dots as a repository": second(c.Repository(ctx, "library/..")),
		"dots as a project":    second(c.Repository(ctx, "../x")),
		"no reference":         second(c.Artifact(ctx, "library/nginx", "", harbor.Details{})),
		"dots as a reference":  second(c.Artifact(ctx, "library/nginx", "..", harbor.Details{})),
		"a path as reference":  second(c.Artifact(ctx, "library/nginx", "a/tags", harbor.Details{})),
		"tags of nothing":      second(collect(c.Tags(ctx, "library/nginx", "."))),
		"accessories":          second(collect(c.Accessories(ctx, "library", "x"))),
		"too large a page":     second(c.ProjectsPage(ctx, harbor.PageOptions{PageSize: 101})),
		"too small a page":     second(c.ProjectsPage(ctx, harbor.PageOptions{PageSize: -1})),
		"a page before":        second(c.RepositoriesPage(ctx, "library", harbor.PageOptions{Page: -1})),
		"a negative id":        second(c.RepositoriesPage(ctx, "library", harbor.PageOptions{FromID: -1})),
		"an id in the query":   second(c.CountArtifacts(ctx, "library/nginx", "tags=nil, id =[5~]")),
	} {
		if !errors.Is(err, harbor.ErrBadRequest) {
			t.Errorf("%s: %v", about, err)
		}
	}
	if lines := srv.lines(); len(lines) > 0 {
		t.Errorf("sent: %q", lines)
	}
}

func second[T any](_ T, err error) error { return err }

// TestHeaders: what is sent besides the request line.
func TestHeaders(t *testing.T) {
	srv := record(t, answerJSON(`{"id":1,"project_id":1,"name":"x","digest":"x"}`))
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("robot$inventory:secret"))
	for _, tt := range []struct {
		about  string
		change func(*harbor.Config)
		call   func(*harbor.Client) error
		want   http.Header
	}{
		{
			"a plain call", func(*harbor.Config) {}, func(c *harbor.Client) error { return second(c.SystemInfo(t.Context())) },
			http.Header{"Authorization": {basic}},
		},
		{"anonymous", anonymous, func(c *harbor.Client) error { return second(c.SystemInfo(t.Context())) }, http.Header{}},
		{
			"digits as a project's name", anonymous, func(c *harbor.Client) error { return second(c.Project(t.Context(), "2026")) },
			http.Header{"X-Is-Resource-Name": {"true"}},
		},
		{"not only digits", anonymous, func(c *harbor.Client) error { return second(c.Project(t.Context(), "2026a")) }, http.Header{}},
		{"scan results", anonymous, func(c *harbor.Client) error {
			return second(c.Artifact(t.Context(), "a/b", "c", harbor.Details{Scan: true}))
		}, http.Header{"X-Accept-Vulnerabilities": {"application/vnd.security.vulnerability.report; version=1.1"}}},
	} {
		srv.forget()
		if err := tt.call(newClient(t, srv.URL, tt.change)); err != nil {
			t.Error(tt.about, err)
		}
		tt.want.Set("Accept", "application/json")
		tt.want.Set("User-Agent", "harbor-inventory/test")
		tt.want.Set("Accept-Encoding", "gzip") // net/http's own
		if diff := cmp.Diff(tt.want, srv.seen()[0].Header); diff != "" {
			t.Errorf("%s: want (-), sent (+):\n%s", tt.about, diff)
		}
	}
}

// TestCookies: a session is taken up again, and a server cannot fill the memory.
func TestCookies(t *testing.T) {
	n := 0
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: strings.Repeat("s", n), Path: "/", HttpOnly: true})
		for i := range 100 {
			http.SetCookie(w, &http.Cookie{Name: "other" + strings.Repeat("x", n*100+i), Value: "1"})
		}
		http.SetCookie(w, &http.Cookie{Name: "huge", Value: strings.Repeat("x", 5000)})
		answerJSON(`{}`)(w, r)
	})
	c := newClient(t, srv.URL)
	for range 3 {
		if _, err := c.SystemInfo(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, req := range srv.seen() {
		sid, err := req.Cookie("sid")
		if (err == nil) != (i > 0) || i > 0 && sid.Value != strings.Repeat("s", i) {
			t.Errorf("request %d: sid %v, %v", i, sid, err)
		}
		if got := len(req.Cookies()); got > 16 {
			t.Errorf("request %d: %d cookies", i, got)
		}
	}
}

// TestMaxBodyBytes: a body as long as allowed is read, a byte more is too much.
func TestMaxBodyBytes(t *testing.T) {
	const body = `[{"project_id":1,"name":"library"}]`
	srv := record(t, answerJSON(body))
	for limit, want := range map[int64]error{int64(len(body)): nil, int64(len(body)) - 1: harbor.ErrTooLarge, 1: harbor.ErrTooLarge, 0: nil} {
		srv.forget()
		c := newClient(t, srv.URL, func(c *harbor.Config) { c.MaxBodyBytes = limit })
		_, err := c.ProjectsPage(t.Context(), harbor.PageOptions{})
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("limit %d of %d: %v", limit, len(body), err)
		}
		if got := len(srv.seen()); got != 1 {
			t.Errorf("limit %d: %d requests, want 1", limit, got)
		}
	}
}

// TestCompressedBodies: the bound is that of the content, not of what comes over
// the wire: a small answer may hold a great deal.
func TestCompressedBodies(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(`{"harbor_version":"v2.16.0","x":"`))
	_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
	_, _ = w.Write([]byte(`"}`))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		answerJSON(packed.String())(w, r)
	})
	for limit, want := range map[int64]error{2 << 20: nil, 1 << 20: harbor.ErrTooLarge, int64(packed.Len()): harbor.ErrTooLarge} {
		c := newClient(t, srv.URL, func(c *harbor.Config) { c.MaxBodyBytes = limit })
		info, err := c.SystemInfo(t.Context())
		if !is(err, want) || (err == nil) != (info.Version == "v2.16.0") {
			t.Errorf("limit %d of %d, %d packed: %+v, %v", limit, 1<<20, packed.Len(), info, err)
		}
	}
}
