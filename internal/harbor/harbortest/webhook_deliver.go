// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// WebhookOptions say how the webhooks of a registry are delivered. The zero
// value does what Harbor does.
type WebhookOptions struct {
	// Latency lies between an event and its delivery.
	Latency time.Duration
	// Timeout of one attempt; the default is 3 s.
	Timeout time.Duration
	// Pauses before the further attempts; the default is 45 s and 55 s, of which
	// Harbor's are about the middle: three attempts in all.
	Pauses []time.Duration
	// Workers is how many are sent at one time; the default is 10.
	Workers int
	// Queue bounds the deliveries that are not done; further ones are dropped and
	// counted. The default is 10,000.
	Queue int
	// RootCAs verify the targets' certificates; the default is the system's.
	RootCAs *x509.CertPool
	// Dial opens connections to targets; the default is over TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Disturb, if set, is asked what goes wrong with each delivery. It is called
	// while the registry is locked.
	Disturb func(WebhookDelivery) Disturbance
}

// WebhookDelivery is one event on its way to one target.
type WebhookDelivery struct {
	EventType string
	// Project and Repository, by its full name; TAG_RETENTION has none.
	Project, Repository string
	Address             string
	Body                []byte
}

// Disturbance is what goes wrong with a delivery. The zero value is nothing.
// Different delays change the order of deliveries.
type Disturbance struct {
	Lose bool
	// Copies are sent besides the one.
	Copies int
	Delay  time.Duration
}

// WebhookStats count deliveries.
type WebhookStats struct {
	// Fired is the number of deliveries, copies included, of which some are
	// Pending. Delivered were answered with 2xx; Failed never were; Lost and
	// Dropped were not sent, for a [Disturbance] and for the bound of the queue.
	Fired, Pending, Delivered, Failed, Lost, Dropped int
	// Attempts are requests that were sent.
	Attempts int
}

// webhooks delivers.
type webhooks struct {
	options  WebhookOptions
	host     string
	verified *http.Client
	skipping *http.Client // does not verify certificates
	workers  chan struct{}
	context  context.Context //nolint:containedctx // of all deliveries, ends with Close
	cancel   context.CancelFunc
	group    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	stats  WebhookStats
	idle   []chan struct{} // closed when nothing is pending
}

func newWebhooks(o WebhookOptions, host string) *webhooks {
	o.Timeout = cmp.Or(o.Timeout, 3*time.Second)
	o.Workers = cmp.Or(o.Workers, 10)
	o.Queue = cmp.Or(o.Queue, 10_000)
	if o.Pauses == nil {
		o.Pauses = []time.Duration{45 * time.Second, 55 * time.Second}
	}
	w := &webhooks{options: o, host: host, workers: make(chan struct{}, o.Workers)}
	w.context, w.cancel = context.WithCancel(context.Background())
	client := func(skip bool) *http.Client {
		return &http.Client{Timeout: o.Timeout, Transport: &http.Transport{
			DialContext:     o.Dial,
			TLSClientConfig: &tls.Config{RootCAs: o.RootCAs, InsecureSkipVerify: skip}, //nolint:gosec // what the policy asks for
		}}
	}
	w.verified, w.skipping = client(false), client(true)
	return w
}

// deliver is called while the registry is locked.
func (w *webhooks) deliver(e event, policyID int64, target WebhookTarget) {
	body, contentType := e.payload(w.host, policyID, target.PayloadFormat)
	d := WebhookDelivery{EventType: e.typ, Project: e.project.name, Address: target.Address, Body: body}
	if e.repository != nil {
		d.Repository = e.repository.name
	}
	var disturbance Disturbance
	if w.options.Disturb != nil {
		disturbance = w.options.Disturb(d)
	}
	for range 1 + disturbance.Copies {
		w.start(d, contentType, target, disturbance)
	}
}

func (w *webhooks) start(d WebhookDelivery, contentType string, target WebhookTarget, disturbance Disturbance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Fired++
	switch {
	case disturbance.Lose:
		w.stats.Lost++
	case w.closed || w.stats.Pending >= w.options.Queue:
		w.stats.Dropped++
	default:
		w.stats.Pending++
		w.group.Go(func() { w.done(w.run(d, contentType, target, w.options.Latency+disturbance.Delay)) })
	}
}

func (w *webhooks) done(delivered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Pending--
	if delivered {
		w.stats.Delivered++
	} else {
		w.stats.Failed++
	}
	if w.stats.Pending == 0 {
		for _, c := range w.idle {
			close(c)
		}
		w.idle = nil
	}
}

// run makes the attempts, and tells whether one succeeded.
func (w *webhooks) run(d WebhookDelivery, contentType string, target WebhookTarget, pause time.Duration) bool {
	for _, further := range append(slices.Clip(w.options.Pauses), 0) {
		if !w.wait(pause) {
			return false
		}
		select {
		case w.workers <- struct{}{}:
		case <-w.context.Done():
			return false
		}
		delivered := w.post(d, contentType, target)
		<-w.workers
		if delivered {
			return true
		}
		pause = further
	}
	return false
}

func (w *webhooks) wait(d time.Duration) bool {
	if d <= 0 {
		return w.context.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.context.Done():
		return false
	}
}

// post makes one attempt. A redirect is followed, with GET and without the body
// where the status says so: that is net/http's way, and Harbor's.
func (w *webhooks) post(d WebhookDelivery, contentType string, target WebhookTarget) bool {
	w.mu.Lock()
	w.stats.Attempts++
	w.mu.Unlock()
	request, err := http.NewRequestWithContext(w.context, http.MethodPost, target.Address, bytes.NewReader(d.Body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", contentType)
	if target.AuthHeader != "" {
		request.Header.Set("Authorization", target.AuthHeader)
	}
	client := w.verified
	if target.SkipCertVerify {
		client = w.skipping
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // for the connection; the answer does not matter
	return response.StatusCode/100 == 2
}

// close ends all deliveries and waits for them.
func (w *webhooks) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()
	w.group.Wait()
	w.verified.CloseIdleConnections()
	w.skipping.CloseIdleConnections()
}

// WebhookStats returns the counts so far.
func (h *Handler) WebhookStats() WebhookStats {
	h.webhooks.mu.Lock()
	defer h.webhooks.mu.Unlock()
	return h.webhooks.stats
}

// WaitForWebhooks waits until every event so far is delivered or given up.
func (h *Handler) WaitForWebhooks(ctx context.Context) error {
	h.webhooks.mu.Lock()
	idle := make(chan struct{})
	if h.webhooks.stats.Pending == 0 {
		close(idle)
	} else {
		h.webhooks.idle = append(h.webhooks.idle, idle)
	}
	h.webhooks.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliverTo makes w the one that delivers the registry's events, unless there is
// one already: a registry that several handlers serve sends each event once.
func (r *Registry) deliverTo(w *webhooks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deliverer == nil {
		r.deliverer, r.deliver = w, w.deliver
	}
}

func (r *Registry) deliverNoMore(w *webhooks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deliverer == w {
		r.deliverer, r.deliver = nil, nil
	}
}

// hostOf is the host of an external URL.
func hostOf(external string) string {
	if _, host, ok := strings.Cut(external, "://"); ok {
		return strings.TrimSuffix(host, "/")
	}
	return "harbor.example.com"
}
