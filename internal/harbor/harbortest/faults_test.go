// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nginxArtifacts = "/projects/library/repositories/nginx/artifacts"

// verdict says what is wrong with an answer to a request that a fault hit, "" when
// it is as the fault should make it.
type verdict func(whole, got seen, err error) string

// TestFaultsAsAClientSeesThem switches each fault on and off again.
func TestFaultsAsAClientSeesThem(t *testing.T) {
	s := NewServer(t, Recorded(), Options{})
	c := newClient(t, s, asRobot.name, asRobot.secret)
	whole := c.get(nginxArtifacts)
	for name, test := range map[string]struct {
		fault Fault
		check verdict
	}{
		"500":                  {InternalError(), answered(500, "Content-Type", "application/json; charset=utf-8")},
		"502":                  {Gateway(502), answered(502, "Content-Type", "text/html")},
		"503":                  {Gateway(503), answered(503, "Content-Type", "text/html")},
		"504":                  {Gateway(504), answered(504, "Content-Type", "text/html")},
		"429":                  {TooManyRequests(""), answered(429, "Retry-After", "")},
		"429 with Retry-After": {TooManyRequests("7"), answered(429, "Retry-After", "7")},
		"503 with Retry-After": {All(Gateway(503), RetryAfter("3")), answered(503, "Retry-After", "3")},
		"HTML":                 {HTML(), answered(200, "Content-Type", "text/html")},
		"redirect":             {Redirect("https://elsewhere.example.org/"), answered(302, "Location", "https://elsewhere.example.org/")},
		"content type":         {ContentType("text/plain"), answered(200, "Content-Type", "text/plain")},
		"total":                {TotalCount(5), answered(200, "X-Total-Count", "9")},
		"trickle":              {Trickle(100, 0), body(func(whole, got string) bool { return got == whole })},
		"invalid JSON": {InvalidJSON(), body(func(whole, got string) bool {
			return got != "" && strings.HasPrefix(whole, got) && !json.Valid([]byte(got))
		})},
		"reset":             {Reset(), broken(syscall.ECONNRESET, io.EOF)},
		"reset in mid-body": {ResetMidBody(), broken(syscall.ECONNRESET, io.ErrUnexpectedEOF)},
		"truncated":         {Truncate(), broken(io.ErrUnexpectedEOF)},
	} {
		t.Run(name, func(t *testing.T) {
			remove := s.Inject(Rule{Class: ClassArtifacts, Fault: test.fault})
			got, err := c.do(http.MethodGet, apiPrefix+nginxArtifacts)
			if wrong := test.check(whole, got, err); wrong != "" {
				t.Errorf("%s: got status %d, %d bytes of %d, header %v, error %v", wrong, got.status, len(got.body), len(whole.body), got.header, err)
			}
			if status := c.get("/ping").status; status != http.StatusOK {
				t.Errorf("another endpoint: status %d, want 200", status)
			}
			remove()
			remove() // harmless
			if after := c.get(nginxArtifacts); after.body != whole.body {
				t.Errorf("after the fault: %d bytes of %d", len(after.body), len(whole.body))
			}
		})
	}
}

func answered(status int, header, value string) verdict {
	return func(_, got seen, err error) string {
		if err != nil || got.status != status || got.header.Get(header) != value {
			return fmt.Sprintf("want status %d and %s %q", status, header, value)
		}
		return ""
	}
}

func body(right func(whole, got string) bool) verdict {
	return func(whole, got seen, err error) string {
		if err != nil || got.status != http.StatusOK || !right(whole.body, got.body) {
			return "want another body"
		}
		return ""
	}
}

func broken(wanted ...error) verdict {
	return func(whole, got seen, err error) string {
		if len(got.body) >= len(whole.body) || !slices.ContainsFunc(wanted, func(want error) bool { return errors.Is(err, want) }) {
			return fmt.Sprintf("want one of the errors %v", wanted)
		}
		return ""
	}
}

func TestStallsEnd(t *testing.T) {
	for name, fault := range map[string]Fault{"before the answer": Stall(), "in mid-body": StallMidBody(), "delay": Delay(time.Hour), "trickle": Trickle(1, time.Hour)} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(t, Recorded(), Options{})
			c := newClient(t, s, asRobot.name, asRobot.secret)
			started := make(chan struct{}, 1)
			s.options.Observer = func(*http.Request) { started <- struct{}{} }

			t.Log("the client goes")
			s.Inject(Rule{Fault: fault})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- read(ctx, c) }()
			<-started
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want context.Canceled", err)
			}

			t.Log("the rule is removed")
			go func() { done <- read(t.Context(), c) }()
			<-started
			s.ClearFaults()
			if err := <-done; err != nil {
				t.Errorf("after the release: %v", err)
			}
		})
	}
}

// read gets nginx's artifacts, which must be JSON.
func read(ctx context.Context, c *client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+apiPrefix+nginxArtifacts, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(&[]any{})
}

func TestRulesChooseRequests(t *testing.T) {
	h := NewHandler(Recorded(), Options{})
	send := func(path, account string) int {
		request := httptest.NewRequest(http.MethodGet, apiPrefix+path, nil)
		request.SetBasicAuth(account, RecordedRobotSecret)
		response := httptest.NewRecorder()
		h.ServeHTTP(response, request)
		return response.Code
	}
	for name, test := range map[string]struct {
		rule Rule
		want string // of eight requests, two each: x for those hit
	}{
		"all":          {Rule{}, "xxxxxxxx"},
		"class":        {Rule{Class: ClassPing}, "xx......"},
		"path":         {Rule{Path: "/team-a/"}, "....xx.."},
		"account":      {Rule{Account: "robot$inventory"}, "xxxxxx.."},
		"method":       {Rule{Method: http.MethodHead}, "........"},
		"function":     {Rule{If: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "projects") }}, "..xx...."},
		"second only":  {Rule{Skip: 1, Count: 1}, ".x......"},
		"first three":  {Rule{Count: 3}, "xxx....."},
		"all but four": {Rule{Skip: 4}, "....xxxx"},
		"never":        {Rule{Rate: 1e-12}, "........"},
	} {
		t.Run(name, func(t *testing.T) {
			test.rule.Fault = Gateway(502)
			defer h.Inject(test.rule)()
			got := ""
			for _, r := range []struct{ path, account string }{
				{"/ping", "robot$inventory"},
				{"/projects", "robot$inventory"},
				{"/projects/team-a/repositories", "robot$inventory"},
				{"/systeminfo", "robot$other"},
			} {
				for range 2 {
					if send(r.path, r.account) == 502 {
						got += "x"
					} else {
						got += "."
					}
				}
			}
			if got != test.want {
				t.Errorf("hit %s, want %s", got, test.want)
			}
		})
	}
}

func TestRateIsSeeded(t *testing.T) {
	hits := func(seed uint64) string {
		h := NewHandler(New(), Options{Seed: seed})
		h.Inject(Rule{Rate: 0.3, Fault: InternalError()})
		text := ""
		for range 200 {
			response := httptest.NewRecorder()
			h.ServeHTTP(response, httptest.NewRequest(http.MethodGet, apiPrefix+"/ping", nil))
			text += map[bool]string{true: "x", false: "."}[response.Code == 500]
		}
		return text
	}
	first := hits(1)
	if hits(1) != first || hits(2) == first {
		t.Error("the same seed does not give the same hits, or another seed does")
	}
	if n := strings.Count(first, "x"); n < 40 || n > 80 {
		t.Errorf("%d of 200 were hit at a rate of 0.3", n)
	}
}

// TestDatabaseShort: every answer is of one of the recorded kinds, all kinds
// come up, and totals are right in every answer with status 200 that the robot
// got as itself.
func TestDatabaseShort(t *testing.T) {
	h := NewHandler(Recorded(), Options{})
	h.Inject(Rule{Fault: DatabaseShort(Shortage{Anonymous: 0.2, Fail: 0.2, Forbidden: 0.1, Drop: 0.1})})
	kinds := map[string]int{}
	for range 400 {
		request := httptest.NewRequest(http.MethodGet, apiPrefix+"/projects/team-a/repositories/api/artifacts?with_label=true", nil)
		request.SetBasicAuth(asRobot.name, asRobot.secret)
		response := httptest.NewRecorder()
		h.ServeHTTP(response, request)
		switch response.Code {
		case 200:
			if got := response.Header().Get("X-Total-Count"); got != "6" {
				t.Errorf("X-Total-Count %s, want 6", got)
			}
			kinds["200 tags missing: "+map[bool]string{true: "yes", false: "no"}[strings.Contains(response.Body.String(), `"tags":null`)]]++
		case 401, 403, 500:
			kinds[http.StatusText(response.Code)]++
		default:
			t.Errorf("status %d", response.Code)
		}
	}
	if len(kinds) != 5 {
		t.Errorf("kinds of answers: %v, want 5", kinds)
	}
}
