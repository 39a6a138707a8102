// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// steppingClock gives times a second apart.
func steppingClock() func() time.Time {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// client is a caller of a server, as one account.
type client struct {
	*testing.T
	server       *Server
	http         *http.Client
	name, secret string
}

func newClient(t *testing.T, s *Server, name, secret string) *client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{T: t, server: s, http: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, name: name, secret: secret}
}

// seen is an answer, read to its end.
type seen struct {
	status int
	header http.Header
	body   string
}

// do sends a request and reads the answer, as far as it comes.
func (c *client) do(method, path string) (seen, error) {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.server.URL+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	if c.name != "" {
		request.SetBasicAuth(c.name, c.secret)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return seen{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return seen{response.StatusCode, response.Header, string(body)}, err
}

// get is do for a GET below /api/v2.0 that is answered.
func (c *client) get(path string) seen {
	c.Helper()
	answer, err := c.do(http.MethodGet, apiPrefix+path)
	if err != nil {
		c.Fatal(err)
	}
	return answer
}

// rows decodes a listing.
func rows[T any](c *client, path string) []T {
	c.Helper()
	answer := c.get(path)
	if answer.status != http.StatusOK {
		c.Fatalf("GET %s: status %d, want 200: %s", path, answer.status, answer.body)
	}
	var list []T
	decode(c.T, answer.body, &list)
	return list
}

func decode(t *testing.T, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}
