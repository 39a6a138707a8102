// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Timeouts bounds the steps of a request. The zero value of a field stands for
// its default.
type Timeouts struct {
	// Dial bounds name resolution and connection. Default 10 s.
	Dial time.Duration
	// TLS bounds the handshake. Default 10 s.
	TLS time.Duration
	// Header bounds the wait for the answer's header. Default 75 s: the nginx in
	// front of Harbor gives up after 60 s, and its 504 tells more than a time-out.
	Header time.Duration
	// Idle bounds the wait for the next byte of a body. Default 30 s.
	Idle time.Duration
	// Request bounds the whole, against an endless trickle. Default 10 min.
	Request time.Duration
}

// New returns an http.Transport with these time-outs that keeps as many idle
// connections as may be in use. The proxy comes from the environment
// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). An address that is about to be dialed,
// after its name was resolved, is shown to permit, whose error refuses it; a nil
// permit allows all.
func (t Timeouts) New(connections int, config *tls.Config, permit func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{Timeout: cmp.Or(t.Dial, 10*time.Second), KeepAlive: 30 * time.Second}
	if permit != nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			dialed, err := netip.ParseAddrPort(address)
			if err == nil {
				err = permit(dialed.Addr())
			}
			if err != nil {
				return &AddressError{err: err}
			}
			return nil
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   cmp.Or(t.TLS, 10*time.Second),
		ResponseHeaderTimeout: cmp.Or(t.Header, 75*time.Second),
		ForceAttemptHTTP2:     true,
		// Without, a connection that died silently stays in use.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxConnsPerHost:        connections,
		MaxIdleConns:           connections,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Bound returns a round tripper that cancels a request whose body stands still
// or that takes too long in all, be it byte by byte. The error is then a
// time-out in the sense of net.Error, and not the end of a context.
func (t Timeouts) Bound(next http.RoundTripper) http.RoundTripper {
	return &bound{next: next, idle: cmp.Or(t.Idle, 30*time.Second), request: cmp.Or(t.Request, 10*time.Minute)}
}

type bound struct {
	next          http.RoundTripper
	idle, request time.Duration
}

// tooSlowError is what the reader of a body gets that stands still; it is a
// time-out in the sense of net.Error.
type tooSlowError struct{}

func (tooSlowError) Error() string   { return "the answer's body stopped coming" }
func (tooSlowError) Timeout() bool   { return true }
func (tooSlowError) Temporary() bool { return true }

func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	whole := time.AfterFunc(b.request, func() { cancel(tooSlowError{}) })
	end := func() { whole.Stop(); cancel(nil) }
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		err = cause(ctx, err)
		end()
		return nil, err
	}
	body := &watched{ReadCloser: resp.Body, ctx: ctx, idle: b.idle}
	body.timer = time.AfterFunc(b.idle, func() { cancel(tooSlowError{}) })
	resp.Body = &onClose{ReadCloser: body, do: func() { body.timer.Stop(); end() }}
	return resp, nil
}

// cause says too slow where that, and not the caller, ended the context.
func cause(ctx context.Context, err error) error {
	if slow, ok := context.Cause(ctx).(tooSlowError); ok { //nolint:errorlint // set by this file, never wrapped
		return slow
	}
	return err
}

type watched struct {
	io.ReadCloser
	ctx   context.Context //nolint:containedctx // a body has no other way to know its request's
	idle  time.Duration
	timer *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.timer.Reset(w.idle)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = cause(w.ctx, err)
	}
	return n, err
}
