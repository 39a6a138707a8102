// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
)

// TB is the part of testing.TB that [NewServer] uses.
type TB interface {
	Helper()
	Cleanup(func())
}

// Server is a Harbor on a port of the loopback interface.
type Server struct {
	*Handler
	// URL of the server, without a slash at its end.
	URL  string
	http *httptest.Server
}

// NewServer serves the registry until the test ends.
func NewServer(t TB, registry *Registry, options Options) *Server {
	t.Helper()
	h := NewHandler(registry, options)
	s := &Server{Handler: h, http: httptest.NewUnstartedServer(h)}
	s.http.Config.ConnState = h.ConnState
	if options.TLSConfig != nil {
		s.http.TLS = options.TLSConfig.Clone()
		s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	}
	if options.TLS {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	s.URL = s.http.URL
	t.Cleanup(s.Close)
	return s
}

// Close ends the server. It waits for requests in flight, after it has ended
// those that stall. The test's end calls it.
func (s *Server) Close() {
	s.Handler.Close()
	s.http.Close()
}

// Client returns an HTTP client that trusts the server's certificate.
func (s *Server) Client() *http.Client { return s.http.Client() }

// CertificatePEM is the certificate of a server with TLS, nil of one without.
func (s *Server) CertificatePEM() []byte { return certificatePEM(s.http.Certificate()) }
