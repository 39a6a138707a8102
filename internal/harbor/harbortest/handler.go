// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	crand "crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a [Handler].
type Options struct {
	// ExternalURL is what /systeminfo says. The default is made from the request.
	ExternalURL string
	// Latency delays the answer of every request.
	Latency time.Duration
	// LatencyOf, if set, takes the place of Latency.
	LatencyOf func(*http.Request) time.Duration
	// OverviewLatency delays an answer by so much more for each artifact in it that
	// has the overview of its scan asked for: it costs Harbor more than anything else.
	OverviewLatency time.Duration
	// Observer, if set, is called with every request before it is answered,
	// from many goroutines at once.
	Observer func(*http.Request)
	// Seed of the random choices of rules with a rate; the default is 1.
	Seed uint64
	// Webhooks say how the registry's webhooks are delivered: by the first of the
	// handlers that serve it.
	Webhooks WebhookOptions
	// ErrorText is a text that every answer holds, in its body and in a header, that
	// is no success, and every page of something in front of Harbor: what a client
	// must not repeat.
	ErrorText string
	// Control serves the endpoints below /simulator, see [Handler].
	Control bool
	// TLS makes [NewServer] serve HTTPS, with the certificate of net/http/httptest.
	TLS bool
	// TLSConfig, with TLS, is the server's; without certificates it gets that of
	// net/http/httptest. Handshakes that fail are then not logged.
	TLSConfig *tls.Config
}

// Handler serves a [Registry] as Harbor does. Besides Harbor's API it answers,
// when Options.Control is set, for a demo or tests in another process:
//
//	POST /simulator/push    {"repository": "library/nginx", "tag": "1.27"} -> {"digest": ...}
//	POST /simulator/tag     {"repository": ..., "reference": digest, "tag": new or another's} -> {}
//	POST /simulator/delete  {"repository": ..., "reference": tag or digest} -> {}
//	GET  /simulator/stats   [Stats]
//	GET  /simulator/listed  {"sequence": n, "artifacts": [ListedArtifact, ...]}
//
// Requests to those are not counted and never delayed or failed.
type Handler struct {
	registry *Registry
	options  Options
	latency  atomic.Int64 // nanoseconds
	counters counters
	faults   faults
	closed   chan struct{}
	close    sync.Once
	webhooks *webhooks
}

// NewHandler returns a handler for the registry. Close it when it is no longer
// served: that ends answers that stall.
func NewHandler(registry *Registry, options Options) *Handler {
	if options.Seed == 0 {
		options.Seed = 1
	}
	h := &Handler{registry: registry, options: options, closed: make(chan struct{})}
	h.webhooks = newWebhooks(options.Webhooks, hostOf(options.ExternalURL))
	registry.deliverTo(h.webhooks)
	h.latency.Store(int64(options.Latency))
	h.counters.reset()
	h.faults.random = rand.New(rand.NewPCG(options.Seed, 0)) //nolint:gosec // choices that can be repeated, no secrets
	return h
}

// Registry is the content that the handler serves.
func (h *Handler) Registry() *Registry { return h.registry }

// SetLatency changes Options.Latency.
func (h *Handler) SetLatency(d time.Duration) { h.latency.Store(int64(d)) }

// Close ends every answer that stalls, trickles or waits, and the delivery of
// webhooks.
func (h *Handler) Close() {
	h.close.Do(func() {
		close(h.closed)
		h.registry.deliverNoMore(h.webhooks)
		h.webhooks.close()
	})
}

// exchange is a request, what goes wrong with it, and its answer.
type exchange struct {
	handler *Handler
	request *http.Request
	class   Class
	// released is closed when the rule is removed whose fault is at work; held
	// is that of the rule which set the answer's delivery.
	released, held <-chan struct{}
	// anonymous is true when the credentials could not be checked.
	anonymous bool
	partial   *partial
	answer    *answer
	body      []byte // of a request that writes
	overviews int    // of scans, in the answer
	// answered is true when Harbor made the answer, not a fault, as account.
	answered bool
	account  *account
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, request: r, class: classify(r, h.registry.version)}
	if x.class == ClassSimulator && h.options.Control {
		h.control(w, r)
		return
	}
	flight := h.counters.begin()
	defer func() { flight.end(x) }()
	if h.options.Observer != nil {
		h.options.Observer(r)
	}
	latency := time.Duration(h.latency.Load())
	if h.options.LatencyOf != nil {
		latency = h.options.LatencyOf(r)
	}
	if !x.wait(latency, nil) {
		panic(http.ErrAbortHandler) // the client has gone
	}
	hits := h.faults.pick(x)
	for _, hit := range hits {
		x.released = hit.off
		for _, step := range hit.fault.before {
			step(x)
		}
	}
	if x.class.writes() && !safe(r.Method) {
		x.body, _ = io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what is cut off is no JSON
	}
	x.reply()
	x.wait(time.Duration(x.overviews)*h.options.OverviewLatency, nil)
	for _, hit := range hits {
		x.released = hit.off
		for _, step := range hit.fault.after {
			step(x)
		}
	}
	x.answer.say(h.options.ErrorText)
	x.write(w, func() { flight.end(x) })
}

// wait lets d pass; false when the request or the handler ends before, or
// released is closed.
func (x *exchange) wait(d time.Duration, released <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.request.Context().Done():
	case <-x.handler.closed:
	case <-released:
	}
	return false
}

// reply makes the answer, unless a fault already has.
func (x *exchange) reply() {
	if x.answer != nil {
		return
	}
	r := x.handler.registry
	if x.class.writes() && !safe(x.request.Method) {
		r.mu.Lock()
		defer r.mu.Unlock()
	} else {
		r.mu.RLock()
		defer r.mu.RUnlock()
	}
	if name, secret, ok := x.request.BasicAuth(); ok && !x.anonymous {
		x.account = r.authenticate(name, secret)
	}
	x.answer, x.answered = x.dispatch(), true
}

// dispatch finds the endpoint and calls it. The registry is locked for reading.
func (x *exchange) dispatch() *answer {
	path := cleanPath(x.request.URL.Path)
	switch x.class {
	case ClassAPIVersion:
		version := okJSON([]byte(`{"version":"v2.0"}`))
		version.contentType = "text/plain; charset=utf-8"
		return version
	case ClassPortal, ClassSimulator:
		return &answer{status: http.StatusOK, contentType: "text/html", body: []byte("<!doctype html><html><title>Harbor</title></html>\n"), nginx: true}
	default:
	}
	if cookie, err := x.request.Cookie("sid"); err == nil && cookie.Value != "" && !safe(x.request.Method) {
		return forbidden("CSRF token not found in request").answer()
	}
	found, args, ok := resolve(x.request.Method, path, x.handler.registry.version)
	if !ok {
		return notFound("path " + path + " was not found").answer()
	}
	if failure := x.allowed(found); failure != nil {
		return failure.answer()
	}
	query, _ := url.ParseQuery(x.request.URL.RawQuery)
	return found.handle(&call{
		registry: x.handler.registry, request: x.request, query: query, path: path, args: args,
		account: x.account, url: x.handler.externalURL(x.request), partial: x.partial, body: x.body, overviews: &x.overviews,
	})
}

// allowed refuses what is no reading. Of Harbor's writing endpoints only those
// of webhook policies are simulated: the others answer as to an account without
// rights.
func (x *exchange) allowed(r route) *apiError {
	method := x.request.Method
	switch {
	case method == http.MethodGet, method == http.MethodHead && r.class == ClassProjectHead:
		return nil
	case !listsMethod(r.allow, method):
		return &apiError{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "method " + method + " is not allowed, but [" + r.allow + "] are"}
	case r.class.writes():
		return nil
	case x.account == nil:
		return unauthorized()
	}
	return forbidden("forbidden")
}

func (h *Handler) externalURL(r *http.Request) string {
	if h.options.ExternalURL != "" {
		return h.options.ExternalURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// token returns n random bytes in hexadecimal, for request and session ids.
func token(n int) string {
	b := make([]byte, n)
	_, _ = crand.Read(b) // never fails
	return hex.EncodeToString(b)
}
