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
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &client{T: t, server: s, http: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, name: name, secret: secret}
}

// do sends a request and returns the answer with its body.
func (c *client) do(method, path string) (*http.Response, string, error) {
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
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// get is do for a GET below /api/v2.0 that must work.
func (c *client) get(path string) (*http.Response, string) {
	c.Helper()
	response, body, err := c.do(http.MethodGet, apiPrefix+path)
	if err != nil {
		c.Fatal(err)
	}
	return response, body
}

// rows decodes a listing.
func rows[T any](c *client, path string) []T {
	c.Helper()
	response, body := c.get(path)
	if response.StatusCode != http.StatusOK {
		c.Fatalf("GET %s: status %d, want 200: %s", path, response.StatusCode, body)
	}
	var list []T
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		c.Fatalf("GET %s: %v", path, err)
	}
	return list
}
