// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
)

// Bounds of the cookies that are kept.
const (
	maxCookies     = 16
	maxCookieBytes = 4096 // of one, name and value
)

// cookies keeps what one Harbor sets, and a load balancer in front of it:
// Harbor starts a session, in Redis and for an hour, for each request that
// brings no cookie. They go with GET and HEAD only; with a cookie Harbor
// would ask for a CSRF token on anything else.
type cookies struct {
	*cookiejar.Jar
	mu    sync.Mutex
	names map[string]bool
}

func newCookies() (*cookies, error) {
	jar, err := cookiejar.New(nil)
	return &cookies{Jar: jar, names: map[string]bool{}}, err
}

// SetCookies keeps cookies within the bounds.
func (c *cookies) SetCookies(u *url.URL, list []*http.Cookie) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []*http.Cookie
	for _, cookie := range list {
		if len(cookie.Name)+len(cookie.Value) > maxCookieBytes || !c.names[cookie.Name] && len(c.names) >= maxCookies {
			continue
		}
		c.names[cookie.Name] = true
		kept = append(kept, cookie)
	}
	c.Jar.SetCookies(u, kept)
}
