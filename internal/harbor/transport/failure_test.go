// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestFailureOf(t *testing.T) {
	for want, errs := range map[Failure][]error{
		FailureNone:        {nil},
		FailureCanceled:    {context.Canceled, fmt.Errorf("get: %w", context.Canceled)},
		FailureTimeout:     {context.DeadlineExceeded, tooSlowError{}, &net.DNSError{IsTimeout: true}, &net.OpError{Op: "dial", Err: tooSlowError{}}},
		FailureName:        {&net.DNSError{IsNotFound: true}, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}},
		FailureCertificate: {&tls.CertificateVerificationError{}, x509.HostnameError{}, x509.UnknownAuthorityError{}, x509.CertificateInvalidError{}},
		FailureClientCertificate: {
			&net.OpError{Op: "remote error", Err: tls.AlertError(116)}, fmt.Errorf("read: %w", &net.OpError{Op: "remote error", Err: tls.AlertError(42)}),
		},
		FailureScheme:     {http.ErrSchemeMismatch, tls.RecordHeaderError{}},
		FailureConnection: {&net.OpError{Op: "remote error", Err: tls.AlertError(80)}, errReset, io.EOF, io.ErrUnexpectedEOF, errors.New("anything else")},
	} {
		for _, err := range errs {
			if got := FailureOf(err); got != want {
				t.Errorf("%T %v: %q, want %q", err, err, got, want)
			}
		}
	}
}

// TestFailuresOfTheRealTransport: net/http's own errors are sorted as they come.
func TestFailuresOfTheRealTransport(t *testing.T) {
	stall := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stall":
			<-stall
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 300<<10))
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	t.Cleanup(func() { close(stall); plain.Close(); secure.Close() })
	closed := httptest.NewServer(nil)
	closed.Close()
	mute := listenMute(t)
	garbage := listen(t, "SSH-2.0-OpenSSH_9.7\r\n")

	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	for _, tt := range []struct {
		about, url string
		config     *tls.Config
		want       Failure
	}{
		{"all is well", plain.URL, &tls.Config{}, FailureNone},
		{"trusted", secure.URL, &tls.Config{RootCAs: trusted}, FailureNone},
		{"unknown authority", secure.URL, &tls.Config{}, FailureCertificate},
		{"another host's certificate", secure.URL, &tls.Config{RootCAs: trusted, ServerName: "harbor.example.org"}, FailureCertificate},
		{"an old TLS version", secure.URL, &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, FailureConnection},
		{"HTTPS to a plain port", strings.Replace(plain.URL, "http:", "https:", 1), &tls.Config{}, FailureScheme},
		{"nobody listens", closed.URL, &tls.Config{}, FailureConnection},
		{"not HTTP", garbage, &tls.Config{}, FailureConnection},
		{"a name that nobody has", "http://nobody..example", &tls.Config{}, FailureName},
		{"no connection in time", plain.URL + "/dial", &tls.Config{}, FailureTimeout},
		{"no handshake in time", strings.Replace(mute, "http:", "https:", 1), &tls.Config{}, FailureTimeout},
		{"a header without end", plain.URL + "/header", &tls.Config{}, FailureConnection},
		{"no header in time", plain.URL + "/stall", &tls.Config{}, FailureTimeout},
	} {
		t.Run(tt.about, func(t *testing.T) {
			timeouts := Timeouts{}
			switch {
			case strings.HasSuffix(tt.url, "/dial"):
				timeouts.Dial = time.Nanosecond
			case strings.HasPrefix(tt.url, "https:") && tt.want == FailureTimeout:
				timeouts.TLS = time.Millisecond
			case tt.want == FailureTimeout:
				timeouts.Header = time.Millisecond
			}
			tripper := timeouts.New(1, tt.config, nil)
			defer tripper.CloseIdleConnections()
			_, err := read(tripper, get(t, tt.url))
			if got := FailureOf(err); got != tt.want {
				t.Errorf("%v: %q, want %q", err, got, tt.want)
			}
		})
	}
}

// listenMute takes connections and says nothing.
func listenMute(t *testing.T) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}

// TestNamesAreResolvedInTime: Timeouts.Dial bounds the wait for a name server that
// never answers; one that cannot be asked is told apart from that.
func TestNamesAreResolvedInTime(t *testing.T) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	ended := make(chan error, 100)
	for want, ask := range map[Failure]func(context.Context) error{
		FailureTimeout: func(ctx context.Context) error { <-ctx.Done(); ended <- ctx.Err(); return ctx.Err() },
		FailureName:    func(context.Context) error { return errors.New("no name server") },
	} {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, ask(ctx) }}
		tripper := Timeouts{Dial: 50 * time.Millisecond}.New(1, &tls.Config{}, nil)
		_, err := read(tripper, get(t, "http://harbor.example.com"))
		if got := FailureOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	// The resolver's own patience of 5 s would end in DeadlineExceeded.
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the name server's time ended with %v", err)
	}
}
