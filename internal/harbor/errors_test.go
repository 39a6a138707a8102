// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

var sentinels = []error{
	harbor.ErrUnauthorized, harbor.ErrForbidden, harbor.ErrNotFound, harbor.ErrBadRequest, harbor.ErrUnavailable,
	harbor.ErrInvalidResponse, harbor.ErrTooLarge, context.Canceled, context.DeadlineExceeded,
}

// is tells whether err is want, and none of the other sentinels.
func is(err, want error) bool {
	for _, e := range sentinels {
		if errors.Is(err, e) != errors.Is(e, want) {
			return false
		}
	}
	return true
}

func status(code int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

const leak = "SERVERTEXT" // what servers put wherever they can

func harborError(code string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"message":"%s"}]}`, code, leak)
}

// TestStatuses: what each answer means, how often it is asked for, and that
// nothing of it gets into the error's text.
func TestStatuses(t *testing.T) {
	const jsonType, htmlType, page = "application/json; charset=utf-8", "text/html", "<html>" + leak + "</html>"
	for _, tt := range []struct {
		about     string
		answer    http.HandlerFunc
		anonymous bool
		want      error
		tries     int
		text      string
	}{
		{"bad request", status(400, jsonType, harborError("BAD_REQUEST")), false, harbor.ErrBadRequest, 1, "HTTP status 400 Bad Request (BAD_REQUEST)"},
		{"unprocessable", status(422, jsonType, harborError("UNPROCESSABLE_ENTITY")), false, harbor.ErrBadRequest, 1, "HTTP status 422 Unprocessable Entity (UNPROCESSABLE_ENTITY)"},
		{"unauthorized with credentials", status(401, jsonType, harborError("UNAUTHORIZED")), false, harbor.ErrUnauthorized, 8, "HTTP status 401 Unauthorized (UNAUTHORIZED) (8 tries)"},
		{"unauthorized without", status(401, jsonType, harborError("UNAUTHORIZED")), true, harbor.ErrUnauthorized, 1, "HTTP status 401 Unauthorized (UNAUTHORIZED)"},
		{"forbidden", status(403, jsonType, harborError("FORBIDDEN")), false, harbor.ErrForbidden, 1, "HTTP status 403 Forbidden (FORBIDDEN)"},
		{"an unknown code", status(403, jsonType, harborError(leak)), false, harbor.ErrForbidden, 1, "HTTP status 403 Forbidden"},
		{"not found", status(404, jsonType, harborError("NOT_FOUND")), false, harbor.ErrNotFound, 1, "HTTP status 404 Not Found (NOT_FOUND)"},
		{
			"not found, says somebody else", status(404, "text/plain", "default backend - 404 "+leak), false, harbor.ErrInvalidResponse, 8,
			"a 404 that is not Harbor's; is something in front of Harbor answering in its place? (8 tries)",
		},
		{
			"not found, in another's JSON", status(404, "application/json", `{"message":"`+leak+`"}`), false, harbor.ErrInvalidResponse, 8,
			"a 404 that is not Harbor's; is something in front of Harbor answering in its place? (8 tries)",
		},
		{
			"a path that was decoded on its way", status(404, jsonType, `{"errors":[{"code":"NOT_FOUND","message":"path /api/v2.0/`+leak+` was not found"}]}`), false, harbor.ErrInvalidResponse, 8,
			"Harbor does not know the request's path; a proxy in front of it must pass on escaped paths as they are (8 tries)",
		},
		{"method not allowed", status(405, jsonType, harborError("METHOD_NOT_ALLOWED")), false, harbor.ErrInvalidResponse, 1, "HTTP status 405 Method Not Allowed (METHOD_NOT_ALLOWED)"},
		{"request time-out", status(408, htmlType, page), false, harbor.ErrUnavailable, 8, "HTTP status 408 Request Timeout (8 tries)"},
		{"too many requests", status(429, htmlType, page), false, harbor.ErrUnavailable, 8, "HTTP status 429 Too Many Requests (8 tries)"},
		{"internal error", status(500, jsonType, harborError("UNKNOWN")), false, harbor.ErrUnavailable, 8, "HTTP status 500 Internal Server Error (UNKNOWN) (8 tries)"},
		{"bad gateway", status(502, htmlType, page), false, harbor.ErrUnavailable, 8, "HTTP status 502 Bad Gateway (8 tries)"},
		{"unavailable", status(503, "", leak), false, harbor.ErrUnavailable, 8, "HTTP status 503 Service Unavailable (8 tries)"},
		{"gateway time-out", status(504, htmlType, page), false, harbor.ErrUnavailable, 8, "HTTP status 504 Gateway Timeout (8 tries)"},
		{"a made-up status", status(599, htmlType, page), false, harbor.ErrUnavailable, 8, "HTTP status 599 (8 tries)"},
		{"no content", status(204, "", ""), false, harbor.ErrInvalidResponse, 1, "HTTP status 204 No Content"},
		{"a redirect to nowhere", status(302, htmlType, page), false, harbor.ErrInvalidResponse, 1, "HTTP status 302 Found"},
		{
			"a login page", status(200, "text/html; charset=utf-8", page), false, harbor.ErrInvalidResponse, 8,
			"the answer is not JSON; is there something other than Harbor at this address, or a login page in front of it? (8 tries)",
		},
		{
			"no type", status(200, "", `{"id":1}`), false, harbor.ErrInvalidResponse, 8,
			"the answer is not JSON; is there something other than Harbor at this address, or a login page in front of it? (8 tries)",
		},
		{
			"JSON cut off", status(200, jsonType, `{"id":1,"name":"`+leak), false, harbor.ErrInvalidResponse, 8,
			"the answer's JSON is broken, cut off or of another form than Harbor's (8 tries)",
		},
		{
			"not JSON after all", status(200, jsonType, page), false, harbor.ErrInvalidResponse, 8,
			"the answer's JSON is broken, cut off or of another form than Harbor's (8 tries)",
		},
		{
			"nothing", status(200, jsonType, ""), false, harbor.ErrInvalidResponse, 8,
			"the answer's JSON is broken, cut off or of another form than Harbor's (8 tries)",
		},
		{
			"a list for a record", status(200, jsonType, `[]`), false, harbor.ErrInvalidResponse, 8,
			"the answer's JSON is broken, cut off or of another form than Harbor's (8 tries)",
		},
		{"a record of something else", status(200, jsonType, `{"hello":"`+leak+`"}`), false, harbor.ErrInvalidResponse, 8, "the answer holds a record without id or name (8 tries)"},
		{"any parameters of the type", status(200, "Application/JSON ;x", `{"id":1,"name":"library/nginx"}`), false, nil, 1, ""},
	} {
		srv := record(t, tt.answer)
		c := newClient(t, srv.URL, func(c *harbor.Config) {
			if tt.anonymous {
				anonymous(c)
			}
		})
		_, err := c.Repository(t.Context(), "library/nginx")
		if !is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.about, err, tt.want)
		}
		if got := len(srv.seen()); got != tt.tries {
			t.Errorf("%s: %d tries, want %d", tt.about, got, tt.tries)
		}
		proxy := strings.Contains(tt.text, "status 408") || strings.Contains(tt.text, "status 429")
		if troubled := tt.tries > 1 && !proxy; c.Troubled() != troubled {
			t.Errorf("%s: troubled %v", tt.about, c.Troubled())
		}
		if err != nil && err.Error() != "GET /projects/library/repositories/nginx: "+tt.text {
			t.Errorf("%s: %q", tt.about, err)
		}
	}
}

// TestProjectProbe: only Harbor's own 404 says that a project is gone.
func TestProjectProbe(t *testing.T) {
	for _, tt := range []struct {
		about  string
		answer http.HandlerFunc
		exists bool
		want   error
	}{
		{"there", status(200, "", ""), true, nil},
		{"there, typed", status(200, "application/json", ""), true, nil},
		{"gone", status(404, "application/json; charset=utf-8", ""), false, nil},
		{"unauthorized", status(401, "application/json; charset=utf-8", ""), false, harbor.ErrUnauthorized},
		{"trouble", status(500, "application/json; charset=utf-8", ""), false, harbor.ErrUnavailable},
		{"an ingress without backend", status(404, "text/plain", ""), false, harbor.ErrInvalidResponse},
		{"nothing to go by", status(404, "", ""), false, harbor.ErrInvalidResponse},
		{"a login page", status(200, "text/html", ""), false, harbor.ErrInvalidResponse},
	} {
		srv := record(t, tt.answer)
		exists, err := newClient(t, srv.URL, once).ProjectExists(t.Context(), "x")
		if exists != tt.exists || !is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, %v", tt.about, exists, err)
		}
	}
}

// TestErrorTypes: callers find the parts of an error below any wrapping.
func TestErrorTypes(t *testing.T) {
	srv := record(t, status(503, "text/html", leak, "Retry-After", "17"))
	_, err := newClient(t, srv.URL, once).Artifact(t.Context(), "library/nginx", "latest", harbor.Details{})
	err = fmt.Errorf("fetch: %w", err)
	var answered *harbor.StatusError
	if !errors.As(err, &answered) || *answered != (harbor.StatusError{
		Method: http.MethodGet, Endpoint: "artifacts.get", StatusCode: 503, RetryAfter: 17 * time.Second,
	}) {
		t.Errorf("%+v", answered)
	}
	var call *harbor.CallError
	if !errors.As(err, &call) || call.Method != http.MethodGet || call.Endpoint != "artifacts.get" || call.Tries != 1 ||
		call.Path != "/projects/library/repositories/nginx/artifacts/latest" {
		t.Errorf("%+v", call)
	}

	srv = record(t, status(200, "text/html", leak))
	_, err = newClient(t, srv.URL, once).SystemInfo(t.Context())
	var response *harbor.ResponseError
	if !errors.As(err, &response) || response.Endpoint != "systeminfo" || response.Reason == "" {
		t.Errorf("%+v", response)
	}

	srv.Close()
	_, err = newClient(t, srv.URL, once).SystemInfo(t.Context())
	var connection *harbor.ConnectionError
	if !errors.As(err, &connection) || connection.Failure != transport.FailureConnection {
		t.Errorf("%+v", connection)
	}
}

// TestNoSecretsInErrors: neither credentials nor the query nor the server's
// texts get into an error, however it is printed.
func TestNoSecretsInErrors(t *testing.T) {
	const secret = "S3CRET"
	closed := record(t, nil)
	closed.Close()
	garbage := record(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 " + leak + "\r\n\r\n"))
		conn.Close()
	})
	elsewhere := record(t, status(302, "text/html", leak, "Location", "http://elsewhere.example/"+leak))
	header := record(t, status(200, "application/"+leak, leak))
	for about, srv := range map[string]*recorder{"closed": closed, "garbage": garbage, "elsewhere": elsewhere, "header": header} {
		c := newClient(t, srv.URL, func(c *harbor.Config) { c.Username, c.Password = secret, secret })
		_, err := c.CountArtifacts(t.Context(), "library/nginx", "tags="+secret)
		if err == nil {
			t.Errorf("%s: no error", about)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
				if strings.Contains(text, secret) || strings.Contains(text, leak) {
					t.Errorf("%s: %s", about, text)
				}
			}
		}
	}
}

// TestRedirects: within Harbor they are followed, elsewhere neither request
// nor credentials go.
func TestRedirects(t *testing.T) {
	elsewhere := record(t, answerJSON(`{"harbor_version":"v9"}`))
	var location string
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2.0/systeminfo" {
			http.Redirect(w, r, location, http.StatusFound)
			return
		}
		if left, loops := strings.CutPrefix(r.URL.Path, "/loop"); loops && left != "" {
			http.Redirect(w, r, "/loop"+left[1:], http.StatusTemporaryRedirect)
			return
		}
		if user, password, _ := r.BasicAuth(); user != "robot$inventory" || password != "secret" {
			t.Errorf("%s: credentials %q %q", r.URL, user, password)
		}
		answerJSON(`{"harbor_version":"v2.16.0"}`)(w, r)
	})
	for _, tt := range []struct {
		about, location string
		want            error
		requests        int
	}{
		{"to a path", "/elsewhere", nil, 2},
		{"to the same host", srv.URL + "/elsewhere", nil, 2},
		{"three times", "/loop12", nil, 4},
		{"four times", "/loop123", harbor.ErrInvalidResponse, 4},
		{"to another host", elsewhere.URL, harbor.ErrInvalidResponse, 1},
		{"to another name of it", strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), harbor.ErrInvalidResponse, 1},
		{"to another scheme", strings.Replace(srv.URL, "http:", "https:", 1), harbor.ErrInvalidResponse, 1},
		{"to a file", "file:///etc/passwd", harbor.ErrInvalidResponse, 1},
	} {
		srv.forget()
		location = tt.location
		info, err := newClient(t, srv.URL).SystemInfo(t.Context())
		if !is(err, tt.want) || (err == nil) != (info.Version == "v2.16.0") {
			t.Errorf("%s: %+v, %v", tt.about, info, err)
		}
		if got := len(srv.seen()); got != tt.requests {
			t.Errorf("%s: %d requests, want %d", tt.about, got, tt.requests)
		}
	}
	if lines := elsewhere.lines(); len(lines) > 0 {
		t.Errorf("sent elsewhere: %q", lines)
	}
}

// TestTriesAfterTrouble: what passes is got over, and no try is made too many.
func TestTriesAfterTrouble(t *testing.T) {
	for _, tries := range []int{1, 2, 5} {
		for failures := range 7 {
			srv := record(t, nil)
			srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				srv.mu.Lock()
				srv.requests = append(srv.requests, r)
				n := len(srv.requests)
				srv.mu.Unlock()
				if n <= failures {
					status(500+n%4, "text/html", "")(w, r)
					return
				}
				answerJSON(`{"harbor_version":"v2.16.0"}`)(w, r)
			})
			var seen []int
			c := newClient(t, srv.URL, func(c *harbor.Config) {
				c.Retry.Tries = tries
				c.Observer = func(o transport.Observation) { seen = append(seen, o.Try) }
			})
			_, err := c.SystemInfo(t.Context())
			if (err == nil) != (failures < tries) {
				t.Errorf("%d tries, %d failures: %v", tries, failures, err)
			}
			if want := min(tries, failures+1); len(srv.seen()) != want || len(seen) != want || seen[want-1] != want {
				t.Errorf("%d tries, %d failures: %d requests, observed %v", tries, failures, len(srv.seen()), seen)
			}
		}
	}
}

// TestContextEnd: it is told as such, and nothing else is; a wait that would
// outlast the deadline is not begun.
func TestContextEnd(t *testing.T) {
	release := make(chan struct{})
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("project_name") {
		case "stall":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "later":
			status(503, "", "", "Retry-After", "3600")(w, r)
		}
	})
	defer close(release)
	c := newClient(t, srv.URL, func(c *harbor.Config) { c.Retry = transport.RetryPolicy{} })

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.ProjectExists(ctx, "x"); !is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	if n := len(srv.seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}

	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := c.ProjectExists(ctx, "stall"); done <- err }()
	for len(srv.seen()) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !is(err, context.Canceled) {
		t.Errorf("canceled in mid-call: %v", err)
	}

	why := fmt.Errorf("another call: %w", harbor.ErrNotFound)
	ctx, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(why)
	if _, err := c.ProjectExists(ctx, "x"); !is(err, context.Canceled) || !strings.Contains(err.Error(), why.Error()) {
		t.Errorf("canceled for a reason: %v", err)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Second) // less than the wait of 60 s
	defer cancel()
	if _, err := c.ProjectExists(ctx, "later"); !is(err, harbor.ErrUnavailable) {
		t.Errorf("no time to wait: %v", err)
	}
	if c.Troubled() != true {
		t.Error("a 503 is no trouble")
	}
}

// TestContextEndAtTheLimiter needs no server: no request gets that far.
func TestContextEndAtTheLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := transport.NewLimiter(1)
		release, err := limiter.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		c := newClient(t, "http://harbor.invalid", func(c *harbor.Config) { c.Limiters = []*transport.Limiter{limiter} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := c.SystemInfo(ctx); !is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if got := limiter.InFlight(); got != 1 {
			t.Errorf("in flight %d, want 1", got)
		}
	})
}
