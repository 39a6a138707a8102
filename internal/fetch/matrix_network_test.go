// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Faults of connections hit requests because the server keeps none of them open.

// handshakes fails the TLS handshake of so many connections.
func handshakes(tb testing.TB, reg *harbortest.Registry, rate float64) (*harbortest.Server, change) {
	tb.Helper()
	return overTLS(tb, reg, func() (*tls.Config, error) {
		if rand.Float64() < rate {
			return nil, errors.New("no handshake")
		}
		return nil, nil
	})
}

// certificates shows so many connections a certificate of another server.
func certificates(tb testing.TB, reg *harbortest.Registry, rate float64) (*harbortest.Server, change) {
	tb.Helper()
	pair, err := tls.X509KeyPair(harbortest.NewAuthority().Issue(time.Now().Add(time.Hour)))
	if err != nil {
		tb.Fatal(err)
	}
	strange := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	return overTLS(tb, reg, func() (*tls.Config, error) {
		if rand.Float64() < rate {
			return strange, nil
		}
		return nil, nil
	})
}

// overTLS serves the registry; pick says with what, nil for as it should be.
func overTLS(tb testing.TB, reg *harbortest.Registry, pick func() (*tls.Config, error)) (*harbortest.Server, change) {
	tb.Helper()
	srv := harbortest.NewServer(tb, reg, harbortest.Options{Latency: matrixLatency, TLS: true, TLSConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return pick() },
	}})
	srv.Inject(harbortest.Rule{Fault: harbortest.CloseConnection()})
	return srv, func(c *harbor.Config) { c.CABundle = srv.CertificatePEM() }
}

// names makes so many resolutions of the server's name fail; see serveNames.
func names(tb testing.TB, reg *harbortest.Registry, rate float64) (*harbortest.Server, change) {
	tb.Helper()
	srv := harbortest.NewServer(tb, reg, harbortest.Options{Latency: matrixLatency})
	srv.Inject(harbortest.Rule{Fault: harbortest.CloseConnection()})
	return srv, func(c *harbor.Config) {
		c.URL = strings.Replace(c.URL, "127.0.0.1", fmt.Sprintf("unknown-%d.harbor.test", int(rate*100)), 1)
	}
}

// serveNames has a name server of its own answer until the test ends: names like
// unknown-20.harbor.test are 127.0.0.1, and 20 % of the time nobody's.
func serveNames(tb testing.TB) {
	tb.Helper()
	before := net.DefaultResolver
	tb.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			answerName(there)
		}()
		return here, nil
	}}
}

// answerName answers one question over a stream (RFC 1035, section 4).
func answerName(conn io.ReadWriter) {
	var length uint16
	if binary.Read(conn, binary.BigEndian, &length) != nil || length < 17 {
		return
	}
	query := make([]byte, length)
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	end := 12 // of the name: labels with their lengths, then 0
	var labels []string
	for query[end] != 0 {
		labels = append(labels, string(query[end+1:end+1+int(query[end])]))
		end += 1 + int(query[end])
	}
	question := query[12 : end+5]
	percent := 100
	if strings.HasSuffix(strings.Join(labels, "."), ".harbor.test") {
		_, _ = fmt.Sscanf(labels[0], "unknown-%d", &percent)
	}
	address, unknown := query[end+2] == 1, byte(0) // type A
	if address && rand.IntN(100) < percent {
		address, unknown = false, 3
	}
	answer := append([]byte{query[0], query[1], 0x81, 0x80 | unknown, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if address {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}
