// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Config of a [Receiver].
type Config struct {
	// Secrets is asked who may send. It is called by many goroutines.
	Secrets Secrets
	// Hint is called with every hint, by one goroutine, in the order of names. It
	// should return at once: while it does not, hints are folded.
	Hint func(Hint)
	// Registerer of the receiver's metrics.
	Registerer prometheus.Registerer
	Limits     Limits
	// Now is the clock; the default is time.Now.
	Now func() time.Time
}

// Receiver is the HTTP handler. Its [Receiver.Run] passes the hints on.
type Receiver struct {
	limits     Limits
	now        func() time.Time
	metrics    *metrics
	authorizer *authorizer
	repeats    *repeats
	queue      *queue
	bodies     *semaphore.Weighted
	inWork     atomic.Int64

	mu       sync.Mutex
	failures *generations[netip.Prefix, *rate.Limiter]
	rates    *generations[Name, *rates]
}

// New returns a receiver, and registers its metrics.
func New(c Config) (*Receiver, error) {
	if c.Secrets == nil || c.Hint == nil || c.Registerer == nil {
		return nil, errors.New("a receiver needs Secrets, Hint and Registerer")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	limits, m := c.Limits.orDefaults(), newMetrics()
	if err := m.register(c.Registerer); err != nil {
		return nil, err
	}
	return &Receiver{
		limits: limits, now: c.Now, metrics: m,
		authorizer: newAuthorizer(c.Secrets, limits, c.Now),
		repeats:    newRepeats(limits),
		queue:      newQueue(newFolder(limits), c.Hint, c.Now, m),
		bodies:     semaphore.NewWeighted(limits.BodyMemory),
		failures:   newGenerations[netip.Prefix, *rate.Limiter](maxUnknown),
		rates:      newGenerations[Name, *rates](maxKnown),
	}, nil
}

// Run passes hints on until the context ends, and then those that still wait.
// It returns nil.
func (r *Receiver) Run(ctx context.Context) error {
	r.queue.run(ctx)
	return nil
}

// Expect says that an inventory exists and takes webhooks, or that its Secret
// changed: events for it are then not kept out by requests for names that do
// not exist, and its Authorization value is read anew. It is never needed.
func (r *Receiver) Expect(name Name) { r.authorizer.expect(name) }

// ServeHTTP answers one request. It never waits for what a hint causes.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.metrics.received.Inc()
	r.metrics.inWork.Set(float64(r.inWork.Add(1)))
	defer func() { r.metrics.inWork.Set(float64(r.inWork.Add(-1))) }()
	if refused := r.receive(w, req); refused != nil {
		r.metrics.refused.WithLabelValues(refused.reason).Inc()
		// The server reads the rest of a small body, to use the connection again,
		// but does not wait for it.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		refused.answer(w)
	}
}

// receive takes the request, or says why not.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) *refusal {
	// 1. What costs nothing.
	if r.inWork.Load() > int64(r.limits.InWork) {
		return tooBusy
	}
	name, ok := inventoryOf(req.URL.Path)
	switch {
	case !ok:
		return badPath
	case req.Method != http.MethodPost:
		return badMethod
	}
	// 2. Who sends it.
	endpoint, refused := r.authorizer.authorize(req.Context(), name, req.Header.Get("Authorization"))
	if refused != nil {
		return r.failed(req, refused)
	}
	// 3. What it says.
	rates := r.ratesOf(name)
	event, refused := r.read(w, req, rates)
	if refused != nil {
		return refused
	}
	r.metrics.event(event.Type)
	// 4. What is to be done.
	now := r.now()
	all := hints(name, endpoint, event, now)
	if len(all) == 0 {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	switch r.repeats.look(now, name, event) {
	case repeated:
		r.metrics.folded.WithLabelValues(byRepeat).Inc()
	case ambiguous:
		r.queue.add(now, all)
	case fresh:
		if !rates.events.AllowN(now, 1) {
			return tooManyEvents
		}
		r.repeats.remember(now, name, event)
		r.queue.add(now, all)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// namePattern is what the names of Kubernetes' objects and namespaces consist of.
var namePattern = regexp.MustCompile("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")

// inventoryOf reads the path of a request.
func inventoryOf(path string) (Name, bool) {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok || len(rest) > 63+1+253 {
		return Name{}, false
	}
	namespace, name, ok := strings.Cut(rest, "/")
	return Name{namespace, name}, ok && namePattern.MatchString(namespace) && namePattern.MatchString(name)
}

// Path is where Harbor sends the events of an inventory to.
func Path(name Name) string { return "/v1/" + name.Namespace + "/" + name.Name }

// failed counts a failure of the remote address, and answers it otherwise where
// there are too many.
func (r *Receiver) failed(req *http.Request, why *refusal) *refusal {
	if why != badAuthorization {
		return why
	}
	from, _ := remote(req.RemoteAddr)
	r.mu.Lock()
	limiter, ok := r.failures.get(from)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(r.limits.FailureRate), 4*r.limits.FailureRate)
		r.failures.put(from, limiter)
	}
	r.mu.Unlock()
	if !limiter.AllowN(r.now(), 1) {
		return tooManyFailures
	}
	return why
}

// remote is the address of the sender; of IPv6 its network, in which it can
// choose any.
func remote(address string) (netip.Prefix, error) {
	from, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}, err
	}
	ip := from.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.Prefix(32)
	}
	return ip.Prefix(64)
}

// rates of one inventory.
type rates struct {
	events *rate.Limiter // that were not received before
	large  *rate.Limiter // bodies
}

// ratesOf is called for inventories that exist only.
func (r *Receiver) ratesOf(name Name) *rates {
	r.mu.Lock()
	defer r.mu.Unlock()
	of, ok := r.rates.get(name)
	if !ok {
		of = &rates{
			events: rate.NewLimiter(rate.Limit(r.limits.EventRate), 4*r.limits.EventRate),
			large:  rate.NewLimiter(rate.Limit(r.limits.LargeRate), 2*r.limits.LargeRate),
		}
		r.rates.put(name, of)
	}
	return of
}

// bodyMemory is what decoding takes at most: the longest text that is let
// through, in the decoder's buffer, which doubles. largeBody is more than an
// event has, but for that of a retention run.
const (
	bodyMemory = 128 << 10
	largeBody  = 16 << 10
)

// read decodes the body.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request, of *rates) (harbor.Event, *refusal) {
	if !readable(req.Header) {
		return harbor.Event{}, badType
	}
	if req.ContentLength > r.limits.BodyBytes {
		return harbor.Event{}, tooLarge
	}
	if (req.ContentLength < 0 || req.ContentLength > largeBody) && !of.large.AllowN(r.now(), 1) {
		return harbor.Event{}, tooManyLarge
	}
	weight := int64(bodyMemory)
	if req.ContentLength >= 0 {
		weight = min(weight, max(req.ContentLength, 4<<10))
	}
	if !r.bodies.TryAcquire(weight) {
		return harbor.Event{}, tooBusy
	}
	defer r.bodies.Release(weight)
	// A server that cannot set a deadline has one of its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(r.limits.BodyTimeout))
	event, err := harbor.DecodeEvent(http.MaxBytesReader(w, req.Body, r.limits.BodyBytes))
	if err != nil {
		return harbor.Event{}, unreadable(err)
	}
	return event, nil
}

func readable(header http.Header) bool {
	if encoding := header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return false
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (media == "application/json" || media == "application/cloudevents+json")
}
