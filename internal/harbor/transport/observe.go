// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Observation tells of one request, each try of its own.
type Observation struct {
	// Endpoint is the class of the endpoint, such as artifacts.list: few in number.
	Endpoint string
	// Status of the answer; 0 when there was none.
	Status int
	// Duration from the request's sending to the end of its answer.
	Duration time.Duration
	// Bytes of the answer's body that were read.
	Bytes int64
}

// Observer is called with each request when it has ended, by several goroutines at once.
type Observer func(Observation)

type endpointKey struct{}

// WithEndpoint names the class of the endpoint that requests of this context go to.
func WithEndpoint(ctx context.Context, endpoint string) context.Context {
	return context.WithValue(ctx, endpointKey{}, endpoint)
}

// Observe returns a round tripper that tells the observer of each request.
func Observe(next http.RoundTripper, observer Observer) http.RoundTripper {
	if observer == nil {
		return next
	}
	return &observe{next: next, observer: observer}
}

type observe struct {
	next     http.RoundTripper
	observer Observer
}

func (o *observe) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	endpoint, _ := req.Context().Value(endpointKey{}).(string)
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		o.observer(Observation{Endpoint: endpoint, Duration: time.Since(start)})
		return nil, err
	}
	body := &counted{ReadCloser: resp.Body}
	body.end = sync.OnceFunc(func() {
		o.observer(Observation{Endpoint: endpoint, Status: resp.StatusCode, Duration: time.Since(start), Bytes: body.bytes})
	})
	resp.Body = body
	return resp, nil
}

type counted struct {
	io.ReadCloser
	bytes int64
	end   func()
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes += int64(n)
	return n, err
}

func (c *counted) Close() error {
	err := c.ReadCloser.Close()
	c.end()
	return err
}
