// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"net/http"
	"net/url"
)

// Auth returns a round tripper that adds basic authentication to requests for
// the scheme and host of base, and to no others.
func Auth(next http.RoundTripper, base *url.URL, username, password string) http.RoundTripper {
	return &auth{next: next, scheme: base.Scheme, host: base.Host, username: username, password: password}
}

type auth struct {
	next               http.RoundTripper
	scheme, host       string
	username, password string
}

func (a *auth) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == a.scheme && req.URL.Host == a.host {
		req = req.Clone(req.Context())
		req.SetBasicAuth(a.username, a.password)
	}
	return a.next.RoundTrip(req)
}
