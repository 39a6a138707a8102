// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"net/http"
	"net/url"
	"testing"
)

func TestAuthGoesToHarborAlone(t *testing.T) {
	for _, tt := range []struct {
		base, request string
		want          bool
	}{
		{"https://harbor.example.com", "https://harbor.example.com/api/v2.0/projects", true},
		{"https://harbor.example.com/prefix", "https://harbor.example.com/elsewhere", true},
		{"https://harbor.example.com:8443", "https://harbor.example.com:8443/", true},
		{"https://harbor.example.com", "http://harbor.example.com/", false},
		{"https://harbor.example.com", "https://harbor.example.com:8443/", false},
		{"https://harbor.example.com", "https://harbor.example.com.evil.example/", false},
		{"https://harbor.example.com", "https://evil.example/", false},
	} {
		base, err := url.Parse(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		var sent *http.Request
		tripper := Auth(roundTrip(func(req *http.Request) (*http.Response, error) {
			sent = req
			return nil, errReset
		}), base, "robot$inventory", "s:e:cret")
		req := get(t, tt.request)
		_, _ = read(tripper, req)
		user, password, found := sent.BasicAuth()
		if found != tt.want || found && (user != "robot$inventory" || password != "s:e:cret") {
			t.Errorf("%s for %s: credentials %v %q %q, want %v", tt.request, tt.base, found, user, password, tt.want)
		}
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s: the caller's request was changed", tt.request)
		}
	}
}
