// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

func issued(t *testing.T, authority *harbortest.Authority, notAfter time.Time) *tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(authority.Issue(notAfter))
	if err != nil {
		t.Fatal(err)
	}
	return &pair
}

// TestClientCertificate: a server that asks for a certificate gets the one that
// was given, and lets nobody else in; that is said as such, and not tried again.
func TestClientCertificate(t *testing.T) {
	authority, tomorrow := harbortest.NewAuthority(), time.Now().Add(24*time.Hour)
	mine := issued(t, authority, tomorrow)
	old := authority.Required()
	old.MaxVersion = tls.VersionTLS12
	http2 := authority.Required()
	http2.NextProtos = []string{"h2"}
	for protocol, config := range map[string]*tls.Config{"TLS 1.2": old, "TLS 1.3": authority.Required(), "HTTP/2": http2} {
		srv := harbortest.NewServer(t, harbortest.New(), harbortest.Options{TLS: true, TLSConfig: config})
		for _, tt := range []struct {
			about string
			shown *tls.Certificate
			ok    bool
		}{
			{"the right one", mine, true},
			{"another authority's", issued(t, harbortest.NewAuthority(), tomorrow), false},
			{"an expired one", issued(t, authority, time.Now().Add(-time.Minute)), false},
			{"none", nil, false},
		} {
			tries := 0
			c := newClient(t, srv.URL, anonymous, func(c *harbor.Config) {
				c.CABundle, c.ClientCertificate = srv.CertificatePEM(), tt.shown
				c.Observer = func(transport.Observation) { tries++ }
			})
			_, err := c.SystemInfo(t.Context())
			if (err == nil) != tt.ok || !tt.ok && !is(err, harbor.ErrUnavailable) {
				t.Errorf("%s, %s: %v", protocol, tt.about, err)
			}
			// A server with TLS 1.2 that is shown none says no more than that the
			// handshake failed. One with TLS 1.3 refuses after the handshake, and the
			// connection may break before its word has come.
			isTold := err != nil && strings.Contains(err.Error(), "client certificate")
			if tt.ok == isTold && (protocol != "TLS 1.2" || tt.shown != nil) || isTold && protocol == "TLS 1.2" && tries != 1 {
				t.Errorf("%s, %s: %v after %d tries", protocol, tt.about, err, tries)
			}
		}
	}
}
