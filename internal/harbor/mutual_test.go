// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// selfSigned returns a certificate of its own authority.
func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestClientCertificate: a server that asks for a certificate gets the one that
// was given, and lets nobody else in.
func TestClientCertificate(t *testing.T) {
	mine := selfSigned(t)
	authority, err := x509.ParseCertificate(mine.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(answerJSON(`{"harbor_version":"v2.16.0-c50c7ddd"}`))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.EnableHTTP2 = true
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	srv.StartTLS()
	defer srv.Close()
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	for _, tt := range []struct {
		about string
		shown *tls.Certificate
		ok    bool
	}{{"the right one", mine, true}, {"another", selfSigned(t), false}, {"none", nil, false}} {
		c := newClient(t, srv.URL, anonymous, once, func(c *harbor.Config) { c.CABundle, c.ClientCertificate = bundle, tt.shown })
		info, err := c.SystemInfo(t.Context())
		if (err == nil) != tt.ok || tt.ok && info.Version == "" || !tt.ok && !is(err, harbor.ErrUnavailable) {
			t.Errorf("%s: version %q, error %v", tt.about, info.Version, err)
		}
	}
}
