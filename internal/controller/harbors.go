// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/url"
	"strings"
	"sync"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// harbors holds one limiter for each Harbor, which all inventories share that name it.
type harbors struct {
	connections int

	mu       sync.Mutex
	limiters map[string]*transport.Limiter
}

func newHarbors(connections int) *harbors {
	return &harbors{connections: connections, limiters: map[string]*transport.Limiter{}}
}

// harborKey is the same for all spellings of a Harbor's URL.
func harborKey(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	key := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		key += ":" + port
	}
	return key
}

// limiter returns the limiter of the Harbor at this URL. Different spellings of
// one host count as one Harbor; so do http and https.
func (h *harbors) limiter(address string) *transport.Limiter {
	key := harborKey(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.limiters[key]
	if l == nil {
		l = transport.NewAdaptiveLimiter(h.connections)
		h.limiters[key] = l
	}
	return l
}
