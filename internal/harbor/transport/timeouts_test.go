// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// trickle gives one byte after each pause.
type trickle struct {
	req   *http.Request
	pause time.Duration
	left  int
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if err := pause(r.req.Context(), r.pause); err != nil {
		return 0, err
	}
	p[0] = ' '
	r.left--
	return 1, nil
}

// TestTimeouts: what ends a request, and after what time.
func TestTimeouts(t *testing.T) {
	timeouts := Timeouts{Idle: 30 * time.Second, Request: 10 * time.Minute}
	for _, tt := range []struct {
		about   string
		body    func(*http.Request) io.Reader
		header  time.Duration
		patient time.Duration // of the caller
		bytes   int
		took    time.Duration
		timeout bool
		err     error
	}{
		{"complete", func(r *http.Request) io.Reader { return &trickle{r, time.Second, 5} }, 0, time.Hour, 5, 5 * time.Second, false, nil},
		{"slow but steady", func(r *http.Request) io.Reader { return &trickle{r, 29 * time.Second, 5} }, 0, time.Hour, 5, 145 * time.Second, false, nil},
		{"stands still at once", func(r *http.Request) io.Reader { return waiting{r} }, 0, time.Hour, 0, 30 * time.Second, true, nil},
		{"a pause too long", func(r *http.Request) io.Reader { return &trickle{r, 31 * time.Second, 5} }, 0, time.Hour, 0, 30 * time.Second, true, nil},
		{"an endless trickle", func(r *http.Request) io.Reader { return &trickle{r, 7 * time.Second, 1e6} }, 0, time.Hour, 85, 10 * time.Minute, true, nil},
		{"no header", nil, time.Hour, 2 * time.Hour, 0, 10 * time.Minute, true, nil},
		{"the caller ends it in the body", func(r *http.Request) io.Reader { return waiting{r} }, 0, 5 * time.Second, 0, 5 * time.Second, false, context.DeadlineExceeded},
		{"the caller ends it before the header", nil, time.Hour, 5 * time.Second, 0, 5 * time.Second, false, context.DeadlineExceeded},
	} {
		t.Run(tt.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.patient)
				defer cancel()
				start := time.Now()
				n, err := read(timeouts.Bound(roundTrip(func(req *http.Request) (*http.Response, error) {
					if err := pause(req.Context(), tt.header); err != nil {
						return nil, err
					}
					return answer(http.StatusOK, tt.body(req)), nil
				})), get(t, "http://harbor.example.com").WithContext(ctx))
				if took := time.Since(start); n != tt.bytes || took != tt.took {
					t.Errorf("%d bytes in %v, want %d in %v", n, took, tt.bytes, tt.took)
				}
				var slow net.Error
				isTimeout := errors.As(err, &slow) && slow.Timeout() && !errors.Is(err, context.DeadlineExceeded)
				if isTimeout != tt.timeout || tt.err != nil && !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil && !tt.timeout) {
					t.Errorf("error %v, want time-out %v, %v", err, tt.timeout, tt.err)
				}
			})
		})
	}
}

// TestNew: what goes to net/http, by default and as given.
func TestNew(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	for _, tt := range []struct {
		timeouts    Timeouts
		header, tls time.Duration
	}{
		{Timeouts{}, 75 * time.Second, 10 * time.Second},
		{Timeouts{Header: 3 * time.Second, TLS: 2 * time.Second}, 3 * time.Second, 2 * time.Second},
	} {
		got := tt.timeouts.New(7, config, nil)
		if got.ResponseHeaderTimeout != tt.header || got.TLSHandshakeTimeout != tt.tls {
			t.Errorf("%+v: header %v, TLS %v", tt.timeouts, got.ResponseHeaderTimeout, got.TLSHandshakeTimeout)
		}
		if got.MaxConnsPerHost != 7 || got.MaxIdleConnsPerHost != 7 || got.MaxIdleConns != 7 {
			t.Errorf("connections: %d, idle %d and %d", got.MaxConnsPerHost, got.MaxIdleConnsPerHost, got.MaxIdleConns)
		}
		if got.TLSClientConfig != config || !got.ForceAttemptHTTP2 || got.Proxy == nil {
			t.Errorf("TLS %v, HTTP/2 %v, a proxy from the environment %v", got.TLSClientConfig, got.ForceAttemptHTTP2, got.Proxy != nil)
		}
	}
}

func read(tripper http.RoundTripper, req *http.Request) (int, error) {
	resp, err := tripper.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return len(b), err
}

// TestClosingEndsTheTimers: nothing runs on after a request; synctest fails on
// goroutines and goleak on timers' work that are left.
func TestClosingEndsTheTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ctx context.Context
		resp, err := Timeouts{}.Bound(roundTrip(func(req *http.Request) (*http.Response, error) {
			ctx = req.Context()
			return answer(http.StatusOK, waiting{req}), nil
		})).RoundTrip(get(t, "http://harbor.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		time.Sleep(time.Hour)
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			t.Errorf("the request ended with %v, want canceled by its closing", cause)
		}
	})
}
