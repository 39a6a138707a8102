// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest/names"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestHarborNotAllowed: a URL is refused before, an address when it is dialed,
// and that at once: another try would meet the same.
func TestHarborNotAllowed(t *testing.T) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = names.Resolver(func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	srv := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
	byName := strings.Replace(srv.URL, "127.0.0.1", "harbor.example.com", 1)
	var refusal *egress.RefusalError
	if _, err := harbor.New(harbor.Config{URL: srv.URL, Egress: &egress.Policy{PlainHTTP: true}}); !errors.As(err, &refusal) || refusal.Cause != egress.AddressSpecial {
		t.Errorf("an address in the URL: %v", err)
	}
	tries := 0
	count := func(c *harbor.Config) {
		c.Observer = func(o transport.Observation) {
			tries++
			if o.Failure != transport.FailureAddress {
				t.Errorf("observed as %q", o.Failure)
			}
		}
	}
	c := newClient(t, byName, count, func(c *harbor.Config) { c.Egress = &egress.Policy{PlainHTTP: true} })
	_, err := c.SystemInfo(t.Context())
	if !errors.As(err, &refusal) || refusal.Kind != "loopback" || !errors.Is(err, harbor.ErrUnavailable) || tries != 1 {
		t.Errorf("a name: %v after %d tries", err, tries)
	}
	if err == nil || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error tells the address: %v", err)
	}
	allowed := &egress.Policy{PlainHTTP: true, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	if _, err := newClient(t, byName, func(c *harbor.Config) { c.Egress = allowed }).SystemInfo(t.Context()); err != nil {
		t.Errorf("allowed: %v", err)
	}
}
