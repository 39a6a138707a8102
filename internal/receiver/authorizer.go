// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// Secrets returns the values that the header Authorization may have in requests
// for an inventory: one, or two while one takes the place of the other. Blanks
// around a value do not count, empty values and those after the second neither.
// harbor is handed on in [Hint.Harbor]. An inventory that does not exist, or
// that takes no webhooks, is [ErrUnknown].
type Secrets func(ctx context.Context, namespace, name string) (values [][]byte, harbor string, err error)

// ErrUnknown is returned by [Secrets] when there is nobody to receive events.
var ErrUnknown = errors.New("no such inventory, or it receives no webhooks")

const (
	// lookupTimeout bounds a call of Secrets: Harbor waits 3 s.
	lookupTimeout = 2 * time.Second
	// failureTTL is how long a failure to read a Secret is remembered.
	failureTTL = time.Second
	// maxUnknown bounds the names that are remembered to be unknown, maxKnown
	// those that are not.
	maxUnknown, maxKnown = 4096, 16384
)

// credentials are what Secrets gave, in a form that tells nothing.
type credentials struct {
	digests [2][sha256.Size]byte // as many as there are values; the others match nothing
	harbor  string
	failed  bool // Secrets gave an error
	expires time.Time
}

// authorizer checks Authorization values. The work for a wrong value, for a name
// that is unknown and for the right value is the same.
type authorizer struct {
	secrets Secrets
	ttl     time.Duration
	now     func() time.Time
	lookups *rate.Limiter // of names that are not known
	group   singleflight.Group
	nobody  credentials // match no value

	mu      sync.Mutex
	known   map[Name]credentials
	unknown *generations[Name, time.Time] // until when
}

func newAuthorizer(secrets Secrets, l Limits, now func() time.Time) *authorizer {
	a := &authorizer{
		secrets: secrets, ttl: l.SecretTTL, now: now,
		lookups: rate.NewLimiter(rate.Limit(l.LookupRate), 2*l.LookupRate),
		known:   map[Name]credentials{}, unknown: newGenerations[Name, time.Time](maxUnknown),
	}
	for i := range a.nobody.digests {
		_, _ = rand.Read(a.nobody.digests[i][:]) // never fails
	}
	return a
}

// authorize returns the Harbor of the inventory when value is right.
func (a *authorizer) authorize(ctx context.Context, name Name, value string) (harbor string, _ *refusal) {
	c, refused := a.credentials(ctx, name)
	digest := sha256.Sum256([]byte(value))
	match := 0
	for i := range c.digests {
		match |= subtle.ConstantTimeCompare(digest[:], c.digests[i][:])
	}
	switch {
	case refused != nil:
		return "", refused
	case c.failed:
		return "", noSecret
	case match != 1:
		return "", badAuthorization
	}
	return c.harbor, nil
}

// credentials are from the cache, or else from Secrets, which is asked once for
// all who wait for the same name.
func (a *authorizer) credentials(ctx context.Context, name Name) (credentials, *refusal) {
	c, fresh := a.cached(name)
	if fresh {
		return c, nil
	}
	// The caller may go; others wait for the same answer.
	lookup := a.group.DoChan(name.Namespace+"/"+name.Name, func() (any, error) {
		return a.lookup(context.WithoutCancel(ctx), name)
	})
	select {
	case <-ctx.Done():
		return a.nobody, noSecret
	case result := <-lookup:
		if result.Err != nil {
			return a.nobody, tooManyLookups
		}
		c, ok := result.Val.(credentials)
		c.failed = c.failed || !ok
		return c, nil
	}
}

func (a *authorizer) cached(name Name) (credentials, bool) {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	c, known := a.known[name]
	until, unknown := a.unknown.get(name)
	switch {
	case known:
		return c, now.Before(c.expires)
	case unknown:
		return a.nobody, now.Before(until)
	}
	return a.nobody, false
}

var errLookups = errors.New("too many names to look up")

// lookup asks Secrets. Names that are known to exist are asked for without a
// bound but their number, so that those who send names at random do not keep
// them out.
func (a *authorizer) lookup(ctx context.Context, name Name) (credentials, error) {
	a.mu.Lock()
	_, known := a.known[name]
	a.mu.Unlock()
	if !known && !a.lookups.AllowN(a.now(), 1) {
		return a.nobody, errLookups
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	values, harbor, err := a.secrets(ctx, name.Namespace, name.Name)
	c := a.nobody
	c.harbor, c.expires = harbor, a.now().Add(a.ttl)
	n := 0
	for _, value := range values {
		if value = bytes.TrimSpace(value); len(value) > 0 && n < len(c.digests) {
			c.digests[n] = sha256.Sum256(value)
			n++
		}
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, ErrUnknown):
		delete(a.known, name)
		a.unknown.put(name, c.expires)
		return a.nobody, nil
	case err != nil:
		c = a.nobody
		c.failed, c.expires = true, a.now().Add(failureTTL)
		if !known { // it does not become a name that is known to exist
			return c, nil
		}
	case !known && len(a.known) >= maxKnown:
		for other := range a.known {
			delete(a.known, other)
			break
		}
	}
	a.unknown.remove(name)
	a.known[name] = c
	return c, nil
}

// expect makes the name a known one, whose Secret is read at the next request.
func (a *authorizer) expect(name Name) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unknown.remove(name)
	a.known[name] = credentials{}
}
