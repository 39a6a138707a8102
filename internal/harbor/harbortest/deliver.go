// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// delivery writes an answer in another way than whole and at once. It calls
// done when the request no longer counts as in flight, at the latest when it
// returns.
type delivery func(x *exchange, w http.ResponseWriter, done func())

func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func listsMethod(allow, method string) bool {
	return slices.Contains(strings.Split(allow, ","), method)
}

// header sets the headers of the answer as nginx and Harbor's core do.
func (x *exchange) header(h http.Header) {
	a := x.answer
	h.Set("Server", "nginx")
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	} else {
		h["Content-Type"] = nil
	}
	maps.Copy(h, a.header)
	if a.nginx {
		return
	}
	id := x.request.Header.Get("X-Request-Id")
	if id == "" {
		id = uuid()
	}
	h.Set("X-Request-Id", id)
	if cookie, err := x.request.Cookie("sid"); err != nil || cookie.Value == "" {
		h.Set("Set-Cookie", "sid="+token(16)+"; Path=/; HttpOnly")
	} else {
		h.Set("Set-Cookie", "_gorilla_csrf="+token(16)+"; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
		h.Set("X-Harbor-Csrf-Token", token(32))
		if safe(x.request.Method) {
			h.Set("Vary", "Cookie")
		}
	}
	if a.status < 300 {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	}
}

// write sends the answer. done is called when all of it but the last byte, or
// the end of the chunks, has been handed to the connection: not before, because
// a client still waits for it then, and not after, because a client that has
// all of it may already send its next request.
func (x *exchange) write(w http.ResponseWriter, done func()) {
	if x.answer.deliver != nil {
		x.answer.deliver(x, w, done)
		return
	}
	x.header(w.Header())
	body := x.answer.body
	chunked := len(body) > 2048 && !x.answer.nginx // as Go's server, which Harbor's core is
	if !chunked {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if x.headerOnly() {
		done()
		w.WriteHeader(x.answer.status)
		return
	}
	w.WriteHeader(x.answer.status)
	hold := 1
	if chunked {
		hold = 0
	}
	_, err := w.Write(body[:len(body)-hold])
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	done()
	if err == nil && hold > 0 {
		_, _ = w.Write(body[len(body)-hold:]) // the client may have gone
	}
}

// headerOnly tells whether a client has the whole answer with its header: then
// done comes before it.
func (x *exchange) headerOnly() bool {
	return x.request.Method == http.MethodHead || len(x.answer.body) == 0
}

// resetBefore closes the connection with a RST instead of an answer.
func resetBefore(_ *exchange, w http.ResponseWriter, done func()) {
	conn, _ := hijack(w)
	done()
	reset(conn)
}

// resetMidBody sends the header and half of the body, then a RST.
func resetMidBody(x *exchange, w http.ResponseWriter, done func()) {
	conn, flush := hijack(w)
	h := http.Header{}
	x.header(h)
	h.Set("Content-Length", strconv.Itoa(len(x.answer.body)))
	var text strings.Builder
	fmt.Fprintf(&text, "HTTP/1.1 %d %s\r\n", x.answer.status, http.StatusText(x.answer.status))
	_ = h.Write(&text) // a Builder does not fail
	text.WriteString("\r\n")
	if x.headerOnly() {
		done()
	} else {
		text.Write(x.answer.body[:len(x.answer.body)/2])
	}
	flush(text.String())
	done()
	reset(conn)
}

// hijack takes the connection over. Where that cannot be (HTTP/2) the stream is
// aborted.
func hijack(w http.ResponseWriter) (net.Conn, func(string)) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn, func(text string) {
		_, _ = buffer.WriteString(text) // the client may have gone
		_ = buffer.Flush()
	}
}

// reset closes the connection so that the peer sees "connection reset".
func reset(conn net.Conn) {
	plain := conn
	if t, ok := conn.(*tls.Conn); ok {
		plain = t.NetConn()
	}
	if tcp, ok := plain.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = plain.Close()
}

// truncate announces the whole body, sends half and closes the connection.
func truncate(x *exchange, w http.ResponseWriter, done func()) {
	x.header(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(x.answer.body)))
	w.WriteHeader(x.answer.status)
	_, _ = w.Write(x.answer.body[:len(x.answer.body)/2])
	done()
}

// stall sends nothing until the rule is removed, then the answer.
func stall(x *exchange, w http.ResponseWriter, done func()) {
	x.hold()
	x.answer.deliver = nil
	x.write(w, done)
}

// hold waits until the rule is removed, the client goes or the handler closes.
func (x *exchange) hold() {
	select {
	case <-x.held:
	case <-x.request.Context().Done():
	case <-x.handler.closed:
	}
}

// stallMidBody sends half of the body, then waits as stall.
func stallMidBody(x *exchange, w http.ResponseWriter, done func()) {
	x.inParts(w, done, (len(x.answer.body)+1)/2, x.hold)
}

// trickle sends the body in small parts with a pause before each.
func trickle(size int, pause time.Duration) delivery {
	return func(x *exchange, w http.ResponseWriter, done func()) {
		x.inParts(w, done, size, func() { x.wait(pause, x.held) })
	}
}

// inParts writes the body in parts of size, with a pause after each.
func (x *exchange) inParts(w http.ResponseWriter, done func(), size int, pause func()) {
	x.header(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(x.answer.body)))
	if x.headerOnly() {
		done()
		w.WriteHeader(x.answer.status)
		return
	}
	w.WriteHeader(x.answer.status)
	controller := http.NewResponseController(w)
	for body := x.answer.body; len(body) > 0; {
		n := min(max(size, 1), len(body))
		if n == len(body) {
			done()
		}
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		if body = body[n:]; len(body) > 0 {
			if controller.Flush() != nil {
				return
			}
			pause()
		}
	}
}
