// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package harbor reads a Harbor registry over its REST API v2.0, the parts that
// an inventory needs. It changes nothing there but webhook policies, where it is
// asked to. It knows no Kubernetes.
//
// Lists come as pages ([Client.ArtifactsPage]) or as iterators over all pages
// ([Client.Artifacts]). Paging is by key: sorted by id, each page begins after
// the last id seen. That is the only paging that neither missed nor doubled a
// row of a running Harbor while others were pushed and deleted.
//
// Every method may return the errors of errors.go; tries and waits are those
// of [Config].Retry and end with the context.
package harbor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Client reads one Harbor with one account. It may be used by several
// goroutines at once.
type Client struct {
	base      *url.URL
	http      *http.Client // for GET and HEAD, with cookies
	writer    *http.Client // for other methods: with a cookie Harbor asks for a CSRF token
	idle      interface{ CloseIdleConnections() }
	retry     transport.RetryPolicy
	budget    transport.Budget
	spent     func()
	pages     *pageSizer
	maxBody   int64
	userAgent string
	anonymous bool
	troubled  atomic.Bool
}

// New returns a client. It makes no request. It fails on a URL that is none or
// that Config.Egress refuses, with an [*egress.RefusalError], and on a CA bundle
// without a certificate.
func New(config Config) (*Client, error) {
	base, err := ParseURL(config.URL)
	if err != nil {
		return nil, err
	}
	permit, err := config.permit(base)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := config.tls()
	if err != nil {
		return nil, err
	}
	jar, err := newCookies()
	if err != nil {
		return nil, err
	}
	wire := config.Timeouts.New(cmp.Or(config.MaxConnections, 5), tlsConfig, permit)
	if config.Dial != nil {
		wire.DialContext = config.Dial
	}
	tripper := config.Timeouts.Bound(wire)
	pages := newPageSizer()
	tripper = transport.Observe(tripper, config.observer(pages))
	tripper = transport.Limit(tripper, config.Limiters...)
	anonymous := config.Username == "" && config.Password == ""
	if !anonymous {
		tripper = transport.Auth(tripper, base, config.Username, config.Password)
	}
	return &Client{
		base:      base,
		http:      &http.Client{Transport: tripper, Jar: jar, CheckRedirect: sameHost},
		writer:    &http.Client{Transport: tripper, CheckRedirect: noRedirect},
		idle:      wire,
		retry:     config.Retry,
		spent:     config.BudgetSpent,
		pages:     pages,
		maxBody:   cmp.Or(config.MaxBodyBytes, 64<<20),
		userAgent: config.UserAgent,
		anonymous: anonymous,
	}, nil
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.idle.CloseIdleConnections() }

// Anonymous tells whether the client has no credentials.
func (c *Client) Anonymous() bool { return c.anonymous }

// Troubled tells whether a request of this client has met an answer that tells
// of trouble inside Harbor: a 5xx, none at all, a broken one, or a 401 despite
// credentials. A 408 or 429 is the word of a proxy in front of it.
func (c *Client) Troubled() bool { return c.troubled.Load() }

var errRedirect = errors.New("redirected to another host")

// maxRedirects bounds how many redirects are followed.
const maxRedirects = 3

// sameHost follows redirects within Harbor only: no credentials and no trust go elsewhere.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > maxRedirects || req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		return errRedirect
	}
	return nil
}

// noRedirect follows none: a method that changes something is not repeated elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return errRedirect }

// call is one request to the API.
type call struct {
	endpoint string // class, for errors and observers
	method   string // GET if empty
	path     string // below /api/v2.0, escaped
	query    url.Values
	header   http.Header
	rows     int    // of the page, for a listing of artifacts
	body     []byte // JSON, for POST and PUT
	// may401 tells that a 401 can be Harbor's last word although it knows the
	// credentials: it is no sign of trouble, and asking again is of no use.
	may401 bool
	// decode reads the body into a result of its own: after a failure in
	// mid-body it is called again. Nil for HEAD, POST, PUT and DELETE.
	decode func(http.Header, io.Reader) error
}

// reads tells whether a call changes nothing.
func (what *call) reads() bool {
	return what.method == http.MethodGet || what.method == http.MethodHead
}

// do makes the call, again while that can help and it changes nothing: the unit of a retry is the
// whole answer, its body included.
func (c *Client) do(ctx context.Context, what call) error {
	what.method = cmp.Or(what.method, http.MethodGet)
	c.budget.Call()
	after := ""
	for try := 1; ; try++ {
		err := c.try(ctx, what, try, after)
		if err == nil {
			return nil
		}
		failed := &CallError{Method: what.method, Endpoint: what.endpoint, Path: shown(what.path), Tries: try, err: err}
		again, retryAfter := c.retryable(what, err)
		if !again {
			return failed
		}
		if ctx.Err() != nil {
			return callEnded(ctx, what.endpoint)
		}
		c.noteTrouble(err)
		if what.rows > c.pages.now() && late(err) {
			failed.err = fmt.Errorf("%w: %w", ErrTooSlow, err)
			return failed
		}
		if try >= c.retry.Attempts() || !c.spend() {
			return failed
		}
		after = inOneWord(err)
		if !c.retry.Wait(ctx, try+1, retryAfter) {
			if ctx.Err() != nil {
				return callEnded(ctx, what.endpoint)
			}
			return failed // the context would end while waiting
		}
	}
}

// spend takes a retry out of the budget, or tells that there is none left.
func (c *Client) spend() bool {
	ok := c.budget.Spend()
	if !ok && c.spent != nil {
		c.spent()
	}
	return ok
}

// noteTrouble notes what tells of trouble inside Harbor; see [Client.Troubled].
func (c *Client) noteTrouble(err error) {
	var status *StatusError
	if !errors.As(err, &status) || status.StatusCode >= 500 || status.StatusCode == http.StatusUnauthorized {
		c.troubled.Store(true)
	}
}

// retryable tells whether another try can succeed and do no harm. After a 401 one
// can, where there are credentials: Harbor makes a request anonymous when its
// database fails it.
func (c *Client) retryable(what call, err error) (again bool, retryAfter time.Duration) {
	if !what.reads() || what.may401 && errors.Is(err, ErrUnauthorized) {
		return false, 0
	}
	var status *StatusError
	var response *ResponseError
	var connection *ConnectionError
	switch {
	case errors.As(err, &status):
		again = status.passing() || status.StatusCode == http.StatusUnauthorized && !c.anonymous
		return again, status.RetryAfter
	case errors.As(err, &response):
		return response.Reason != reasonRedirect, 0
	case errors.As(err, &connection):
		return !connection.lasting(), 0
	default:
		return false, 0 // ErrTooLarge
	}
}

// late tells whether an answer did not come in time.
func late(err error) bool {
	var status *StatusError
	var connection *ConnectionError
	return errors.As(err, &status) && status.StatusCode == http.StatusGatewayTimeout ||
		errors.As(err, &connection) && connection.Failure == transport.FailureTimeout
}

// drainBytes of an unread body are read so that the connection can be used again.
const drainBytes = 256 << 10

func (c *Client) try(ctx context.Context, what call, try int, after string) (err error) {
	attempt := &transport.Attempt{Endpoint: what.endpoint, Rows: what.rows, Try: try, After: after}
	client := c.http
	if !what.reads() {
		client = c.writer
	}
	resp, err := client.Do(c.request(transport.WithAttempt(ctx, attempt), what))
	if err != nil {
		return noAnswer(err, what.endpoint)
	}
	defer func() {
		attempt.Fail(failureOf(err))
		_, _ = io.CopyN(io.Discard, resp.Body, drainBytes) // as far as it comes
		_ = resp.Body.Close()
	}()
	switch {
	case !what.reads() && resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode != http.StatusOK:
		return statusError(resp, what)
	case what.method == http.MethodHead:
		// Harbor's answer has no Content-Type, a login page's has.
		if resp.Header.Get("Content-Type") != "" && !isJSON(resp.Header) {
			return &ResponseError{Endpoint: what.endpoint, Reason: reasonNotJSON}
		}
		return nil
	case !isJSON(resp.Header):
		return &ResponseError{Endpoint: what.endpoint, Reason: reasonNotJSON}
	}
	body := &limited{r: resp.Body, left: c.maxBody}
	if err := what.decode(resp.Header, body); err != nil {
		return badBody(err, body.broken, what.endpoint)
	}
	return nil
}

func (c *Client) request(ctx context.Context, what call) *http.Request {
	u := *c.base
	u.RawPath = c.base.EscapedPath() + "/api/v2.0" + what.path
	u.Path, _ = url.PathUnescape(u.RawPath) // made by this package: always valid
	u.RawQuery = what.query.Encode()
	req := &http.Request{Method: what.method, URL: &u, Header: http.Header{}, Host: u.Host, Body: bodyOf(what.body), ContentLength: int64(len(what.body))}
	maps.Copy(req.Header, what.header)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if what.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req.WithContext(ctx)
}

// limited ends with ErrTooLarge when there is more than so many bytes. It keeps
// the error that reading ended with.
type limited struct {
	r      io.Reader
	left   int64 // -1: there was more
	broken error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left+1] // one more, to see whether there is more
	}
	n, err := l.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		l.broken = err
	}
	l.left -= int64(n)
	if l.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
