// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections bounds the open connections of a server. When there is one too
// many, it closes the one that has waited longest for a request: connections
// that send their header a byte at a time, or none, close each other, and do
// not keep out a sender that comes to the point.
type connections struct {
	limit   int
	metrics *metrics

	mu      sync.Mutex
	open    map[net.Conn]*connection
	waiting *list.List // of *connection, the longest first
}

type connection struct {
	net.Conn
	// place in waiting; nil while a request is answered.
	place *list.Element
}

func newConnections(limit int, m *metrics) *connections {
	return &connections{limit: limit, metrics: m, open: map[net.Conn]*connection{}, waiting: list.New()}
}

type connectionKey struct{}

// opened is the server's ConnContext.
func (c *connections) opened(ctx context.Context, conn net.Conn) context.Context {
	this := &connection{Conn: conn}
	c.mu.Lock()
	c.open[conn] = this
	this.place = c.waiting.PushBack(this)
	var last *connection
	if len(c.open) > c.limit {
		last, _ = c.waiting.Front().Value.(*connection)
		c.forget(last)
		c.metrics.evicted.Inc()
	}
	c.metrics.connections.Set(float64(len(c.open)))
	c.mu.Unlock()
	if last != nil {
		closeAtOnce(last.Conn)
	}
	return context.WithValue(ctx, connectionKey{}, this)
}

// closeAtOnce closes without a farewell, which TLS would wait to send.
func closeAtOnce(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // it is of no more use in any case
}

// changed is the server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if this := c.open[conn]; this != nil {
		c.forget(this)
	}
	c.metrics.connections.Set(float64(len(c.open)))
}

func (c *connections) forget(this *connection) {
	delete(c.open, this.Conn)
	if this.place != nil {
		c.waiting.Remove(this.place)
		this.place = nil
	}
}

// handler marks connections whose header has come.
func (c *connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		this, _ := req.Context().Value(connectionKey{}).(*connection)
		c.busy(this)
		defer c.idle(this)
		next.ServeHTTP(w, req)
	})
}

func (c *connections) busy(this *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if this.place != nil {
		c.waiting.Remove(this.place)
		this.place = nil
	}
}

func (c *connections) idle(this *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[this.Conn] == this {
		this.place = c.waiting.PushBack(this)
	}
}
