// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// TestTLS: Harbor's certificate is verified, with the bundle alone where there is one.
func TestTLS(t *testing.T) {
	srv := harbortest.NewServer(t, harbortest.New(), harbortest.Options{TLS: true})
	for _, tt := range []struct {
		about  string
		change func(*harbor.Config)
		want   error
	}{
		{"the right bundle", func(c *harbor.Config) { c.CABundle = srv.CertificatePEM() }, nil},
		{"the system's", func(*harbor.Config) {}, harbor.ErrCertificate},
		{"not verified", func(c *harbor.Config) { c.InsecureSkipVerify = true }, nil},
		{"another host", func(c *harbor.Config) {
			c.CABundle = srv.CertificatePEM()
			c.URL = strings.Replace(c.URL, "127.0.0.1", "localhost", 1)
		}, harbor.ErrCertificate},
	} {
		tries := 0
		c := newClient(t, srv.URL, anonymous, tt.change, func(c *harbor.Config) {
			c.Observer = func(transport.Observation) { tries++ }
		})
		_, err := c.SystemInfo(t.Context())
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || tries != 1 {
			t.Errorf("%s: %v after %d tries", tt.about, err, tries)
		}
		if err != nil && !errors.Is(err, harbor.ErrUnavailable) {
			t.Errorf("%s: %v is not ErrUnavailable", tt.about, err)
		}
	}
	old := httptest.NewUnstartedServer(answerJSON(`{}`))
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	c := newClient(t, old.URL, anonymous, once, func(c *harbor.Config) { c.InsecureSkipVerify = true })
	if _, err := c.SystemInfo(t.Context()); !is(err, harbor.ErrUnavailable) {
		t.Errorf("TLS 1.1: %v", err)
	}
	for _, bundle := range []string{"", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if _, err := harbor.New(harbor.Config{URL: srv.URL, CABundle: []byte(bundle)}); !errors.Is(err, harbor.ErrNoCertificate) {
			t.Errorf("%q: %v", bundle, err)
		}
	}
}
