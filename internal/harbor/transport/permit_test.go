// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest/names"
)

// resolveBy gives every name these addresses, one after another, the last one
// again and again.
func resolveBy(t *testing.T, answers ...string) {
	t.Helper()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	asked := atomic.Int64{}
	net.DefaultResolver = names.Resolver(func(string) netip.Addr {
		return netip.MustParseAddr(answers[min(int(asked.Add(1)), len(answers))-1])
	})
}

// TestAddressesAreJudgedWhenDialed: what counts is the address that a name has at
// that moment, on each connection; one that is refused sees no packet.
func TestAddressesAreJudgedWhenDialed(t *testing.T) {
	hits := atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		w.Header().Set("Connection", "close") // so that the next request resolves the name anew
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	defer srv.Close()
	port := srv.URL[strings.LastIndexByte(srv.URL, ':'):]
	only := egress.Policy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, tt := range []struct {
		about   string
		answers []string
		policy  egress.Policy
		path    string
		reached int64
		cause   egress.Cause
	}{
		{"allowed", []string{"127.0.0.1"}, only, "/", 1, ""},
		{"a name of the loopback", []string{"127.0.0.1"}, egress.Policy{}, "/", 0, egress.AddressSpecial},
		{"a name of the metadata service", []string{"169.254.169.254"}, egress.Policy{}, "/", 0, egress.AddressSpecial},
		{"a name of a denied address", []string{"127.0.0.1"}, egress.Policy{Denied: only.Allowed, Allowed: only.Allowed}, "/", 0, egress.AddressDenied},
		{"a name of an address not allowed", []string{"203.0.113.1"}, only, "/", 0, egress.AddressNotAllowed},
		{"another address after a redirect", []string{"127.0.0.1", "127.0.0.2"}, only, "/moved", 1, egress.AddressSpecial},
		{"the same address after a redirect", []string{"127.0.0.1"}, only, "/moved", 2, ""},
	} {
		t.Run(tt.about, func(t *testing.T) {
			resolveBy(t, tt.answers...)
			hits.Store(0)
			tripper := Timeouts{}.New(1, &tls.Config{}, tt.policy.Address)
			defer tripper.CloseIdleConnections()
			resp, err := (&http.Client{Transport: tripper}).Do(get(t, "http://harbor.example.com"+port+tt.path))
			if err == nil {
				resp.Body.Close()
			}
			var refusal *egress.RefusalError
			switch {
			case tt.cause == "" && err != nil:
				t.Error(err)
			case tt.cause != "" && (!errors.As(err, &refusal) || refusal.Cause != tt.cause || FailureOf(err) != FailureAddress):
				t.Errorf("%v: %q, want %s", err, FailureOf(err), tt.cause)
			}
			if hits.Load() != tt.reached {
				t.Errorf("%d requests arrived, want %d", hits.Load(), tt.reached)
			}
		})
	}
}

// TestRebinding: a name that first had an allowed address, and then another one.
func TestRebinding(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	defer srv.Close()
	resolveBy(t, "127.0.0.1", "169.254.169.254")
	policy := egress.Policy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	tripper := Timeouts{}.New(1, &tls.Config{}, policy.Address)
	defer tripper.CloseIdleConnections()
	for i, want := range []Failure{FailureNone, FailureAddress, FailureAddress} {
		_, err := read(tripper, get(t, "http://harbor.example.com"+srv.URL[strings.LastIndexByte(srv.URL, ':'):]))
		if got := FailureOf(err); got != want {
			t.Errorf("request %d: %v: %q, want %q", i+1, err, got, want)
		}
	}
}
