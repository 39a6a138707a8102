// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with a request. Faults are values; [All]
// puts several together.
type Fault struct {
	before []func(*exchange) // before the request is answered
	after  []func(*exchange) // to the answer
}

// All is every one of the faults, in order.
func All(list ...Fault) Fault {
	var all Fault
	for _, f := range list {
		all.before = append(all.before, f.before...)
		all.after = append(all.after, f.after...)
	}
	return all
}

// Rule says which requests a fault hits. A zero field does not restrict.
type Rule struct {
	// Class, Method, Path (a part of the path as it was sent) and Account (the
	// login name in the Authorization header) select requests; so does If.
	Class   Class
	Method  string
	Path    string
	Account string
	If      func(*http.Request) bool
	// Skip lets the first requests that match pass, Count hits so many at most,
	// Rate hits each with that probability (0 stands for 1).
	Skip  int
	Count int
	Rate  float64
	Fault Fault
}

type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	rules  []*activeRule
}

type activeRule struct {
	Rule
	seen, hits int
	off        chan struct{}
}

type hit struct {
	fault Fault
	off   <-chan struct{}
}

// Inject switches rules on, all that match a request apply, in this order after
// those there already, and returns what switches them off. That also ends the
// answers that stall for them. A rule that is used up stays until then.
func (h *Handler) Inject(rules ...Rule) (remove func()) {
	h.faults.mu.Lock()
	defer h.faults.mu.Unlock()
	var added []*activeRule
	for _, rule := range rules {
		added = append(added, &activeRule{Rule: rule, off: make(chan struct{})})
	}
	h.faults.rules = append(h.faults.rules, added...)
	var once sync.Once
	return func() {
		once.Do(func() { h.faults.remove(func(r *activeRule) bool { return containsRule(added, r) }) })
	}
}

// ClearFaults switches every rule off.
func (h *Handler) ClearFaults() { h.faults.remove(func(*activeRule) bool { return true }) }

func containsRule(rules []*activeRule, rule *activeRule) bool {
	return slices.Contains(rules, rule)
}

func (f *faults) remove(which func(*activeRule) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kept []*activeRule
	for _, r := range f.rules {
		if which(r) {
			close(r.off)
			continue
		}
		kept = append(kept, r)
	}
	f.rules = kept
}

// pick returns the faults that hit the request.
func (f *faults) pick(x *exchange) []hit {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hits []hit
	for _, r := range f.rules {
		if !r.matches(x) {
			continue
		}
		r.seen++
		if r.seen <= r.Skip || r.Count > 0 && r.hits >= r.Count || r.Rate > 0 && f.random.Float64() >= r.Rate {
			continue
		}
		r.hits++
		hits = append(hits, hit{r.Fault, r.off})
	}
	return hits
}

// chance draws a number below 1.
func (f *faults) chance() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64()
}

func (r *activeRule) matches(x *exchange) bool {
	name, _, _ := x.request.BasicAuth()
	return (r.Class == "" || r.Class == x.class) &&
		(r.Method == "" || r.Method == x.request.Method) &&
		(r.Account == "" || r.Account == name) &&
		strings.Contains(x.request.URL.EscapedPath(), r.Path) &&
		(r.If == nil || r.If(x.request))
}

func instead(a func() *answer) Fault {
	return Fault{before: []func(*exchange){func(x *exchange) { x.answer = a() }}}
}

func change(f func(*answer)) Fault {
	return Fault{after: []func(*exchange){func(x *exchange) { f(x.answer) }}}
}

func deliverBy(d delivery) Fault {
	return Fault{after: []func(*exchange){func(x *exchange) { x.answer.deliver, x.held = d, x.released }}}
}

// InternalError is Harbor's 500, with its JSON body.
func InternalError() Fault { return instead(func() *answer { return internalError().answer() }) }

// Gateway is an error of the nginx in front, 502, 503 or 504, as text/html.
func Gateway(status int) Fault { return instead(func() *answer { return gateway(status) }) }

// TooManyRequests is a 429 of a proxy in front; retryAfter is the header's value,
// seconds or a date; without it when empty.
func TooManyRequests(retryAfter string) Fault {
	return instead(func() *answer {
		a := &answer{status: http.StatusTooManyRequests, contentType: "text/html", body: []byte("<html><body>too many requests</body></html>\n"), nginx: true}
		if retryAfter != "" {
			a.set("Retry-After", retryAfter)
		}
		return a
	})
}

// RetryAfter adds the header to whatever the answer is.
func RetryAfter(value string) Fault { return change(func(a *answer) { a.set("Retry-After", value) }) }

// Redirect answers 302 to another address.
func Redirect(location string) Fault {
	return instead(func() *answer {
		a := &answer{status: http.StatusFound, contentType: "text/html", body: []byte("<html></html>\n"), nginx: true}
		a.set("Location", location)
		return a
	})
}

// HTML is a page of something in front of Harbor, with status 200.
func HTML() Fault {
	return instead(func() *answer {
		return &answer{status: http.StatusOK, contentType: "text/html", body: []byte("<!doctype html><html><body>Please log in</body></html>\n"), nginx: true}
	})
}

// Anonymous treats the credentials as wrong.
func Anonymous() Fault {
	return Fault{before: []func(*exchange){func(x *exchange) { x.anonymous = true }}}
}

// Delay lets d pass before the answer.
func Delay(d time.Duration) Fault {
	return Fault{before: []func(*exchange){func(x *exchange) { x.wait(d, x.released) }}}
}

// Reset closes the connection with a RST instead of an answer.
func Reset() Fault { return deliverBy(resetBefore) }

// ResetMidBody closes the connection with a RST after half of the body.
func ResetMidBody() Fault { return deliverBy(resetMidBody) }

// Truncate ends the body, and the connection, after half of what Content-Length
// announces.
func Truncate() Fault { return deliverBy(truncate) }

// Stall answers nothing until the rule is removed or the client goes.
func Stall() Fault { return deliverBy(stall) }

// StallMidBody sends half of the body and then nothing until the rule is removed
// or the client goes.
func StallMidBody() Fault { return deliverBy(stallMidBody) }

// Trickle sends the body in parts of size bytes with a pause before each.
func Trickle(size int, pause time.Duration) Fault { return deliverBy(trickle(size, pause)) }

// InvalidJSON cuts the body off in its middle, with a length that fits.
func InvalidJSON() Fault { return change(func(a *answer) { a.body = a.body[:len(a.body)/2] }) }

// CloseConnection ends the connection after the answer, as servers do that keep
// none: with HTTP/1.1 every request then needs a new one.
func CloseConnection() Fault { return change(func(a *answer) { a.set("Connection", "close") }) }

// ContentType gives the answer another Content-Type.
func ContentType(value string) Fault { return change(func(a *answer) { a.contentType = value }) }

// TotalCount adds n to X-Total-Count where the answer has it.
func TotalCount(n int) Fault {
	return change(func(a *answer) {
		if total, err := strconv.Atoi(a.header.Get("X-Total-Count")); err == nil {
			a.set("X-Total-Count", strconv.Itoa(total+n))
		}
	})
}
