// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The load of BenchmarkFlood comes from a process of its own, so that what it
// allocates is not taken for the receiver's: the test's program, run again with
// floodVariable in its environment.
const floodVariable = "HARBOR_INVENTORY_RECEIVER_FLOOD"

// flood says what to send.
type flood struct {
	Address string
	For     time.Duration
	// Rate in requests a second, over Connections that are kept.
	Rate, Connections int
	// Slow connections send a few bytes in a second.
	Slow int
	// Oversize bodies in a second that are sent to the end.
	Oversize int
}

// flooded is what was sent, by the status that it was answered with; 0 when the
// connection was closed before.
type flooded struct {
	Sent     map[string]int
	Answered map[int]int
}

type flooder struct {
	flood
	mu sync.Mutex
	flooded
	sent atomic.Int64
}

// runFlood is the process.
func runFlood(instruction string) int {
	f := &flooder{flooded: flooded{Sent: map[string]int{}, Answered: map[int]int{}}}
	if err := json.Unmarshal([]byte(instruction), &f.flood); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.For)
	defer cancel()
	var group sync.WaitGroup
	for i := range f.Connections {
		group.Go(func() { f.fast(ctx, rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	for i := range f.Slow {
		group.Go(func() { f.slow(ctx, i) })
	}
	group.Go(func() { f.oversize(ctx) })
	group.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(f.flooded); err != nil {
		return 1
	}
	return 0
}

func (f *flooder) count(kind string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Sent[kind]++
	f.Answered[status]++
}

// message is a request as it goes over the wire.
func message(method, path, value, contentType, body string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: receiver\r\nUser-Agent: Go-http-client/1.1\r\nContent-Type: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, contentType, value, len(body), body)
}

// next is one request of those that are sent fast.
func next(random *rand.Rand) (kind, text string) {
	const plain, cloud = "application/json", "application/cloudevents+json"
	event := pushEvent("library/flood", "v1")
	switch n := random.IntN(100); {
	case n < 30:
		return "wrong value", message("POST", Path(production), fmt.Sprint("Bearer ", random.Uint64()), plain, event)
	case n < 50:
		return "unknown inventory", message("POST", fmt.Sprintf("/v1/ns-%x/inv", random.Uint64()), secret, plain, event)
	case n < 70:
		return "replayed", message("POST", Path(production), secret, plain, event)
	case n < 75:
		return "replayed with an id", message("POST", Path(production), secret, cloud,
			`{"specversion":"1.0","id":"3f6a","type":"harbor.artifact.deleted","time":"2026-11-23T00:19:53Z","data":{"repository":{"repo_full_name":"library/flood"}}}`)
	case n < 85:
		garbage := make([]byte, 1000)
		for i := range garbage {
			garbage[i] = byte(random.Uint32())
		}
		return "no JSON", message("POST", Path(production), secret, plain, string(garbage))
	case n < 90:
		return "JSON that is no event", message("POST", Path(production), secret, plain, strings.Repeat("[", 500))
	case n < 94:
		return "another method or path", message("GET", fmt.Sprintf("/%x", random.Uint64()), "", "text/html", "")
	case n < 97:
		return "no HTTP", "\x16\x03\x01" + strings.Repeat("\x00", 100) + "\r\n\r\n"
	default:
		return "oversize, said before", "POST " + Path(production) + " HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nAuthorization: " + secret + "\r\nContent-Length: 1073741824\r\n\r\n"
	}
}

// fast sends one request after the other, as many as are due.
func (f *flooder) fast(ctx context.Context, random *rand.Rand) {
	c := &wire{address: f.Address}
	defer c.close()
	began, pause := time.Now(), time.NewTicker(5*time.Millisecond)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		for int64(time.Since(began).Seconds()*float64(f.Rate)) > f.sent.Load() && ctx.Err() == nil {
			f.sent.Add(1)
			kind, text := next(random)
			f.count(kind, c.exchange(ctx, text))
		}
	}
}

// slow holds a connection: its header, or its body with the right or a wrong
// value, comes a byte at a time.
func (f *flooder) slow(ctx context.Context, i int) {
	start := "POST " + Path(production) + " HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nAuthorization: " +
		[]string{"wrong", secret}[i%2] + "\r\n"
	if i%4 < 2 {
		start += "Content-Length: 10000\r\n\r\n{"
	} else {
		start += "X-Slow: "
	}
	for ctx.Err() == nil {
		c := &wire{address: f.Address}
		if c.send(ctx, start) == nil {
			for ctx.Err() == nil && c.send(ctx, " ") == nil {
				wait(ctx, 500*time.Millisecond)
			}
		}
		c.close()
		f.count("slow", 0)
		wait(ctx, 500*time.Millisecond)
	}
}

// oversize sends bodies that are too long, without saying so.
func (f *flooder) oversize(ctx context.Context) {
	chunk := fmt.Sprintf("%x\r\n\"%s\"\r\n", 100_002, strings.Repeat("x", 100_000))
	text := "POST " + Path(production) + " HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAuthorization: " +
		secret + "\r\n\r\n" + "1\r\n[\r\n" + strings.Repeat(chunk+"1\r\n,\r\n", 12)
	for ctx.Err() == nil {
		c := &wire{address: f.Address}
		f.count("oversize", c.exchange(ctx, text))
		c.close()
		wait(ctx, time.Second/time.Duration(f.Oversize))
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// wire is a connection that is opened when it is needed.
type wire struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
}

func (c *wire) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *wire) send(ctx context.Context, text string) error {
	if c.conn == nil {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second)) // an open connection has deadlines
	_, err := io.WriteString(c.conn, text)
	return err
}

// exchange sends a request and returns the status of the answer.
func (c *wire) exchange(ctx context.Context, text string) int {
	if err := c.send(ctx, text); err != nil {
		c.close()
		return 0
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.close()
		return 0
	}
	_, err = io.Copy(io.Discard, response.Body)
	err = errors.Join(err, response.Body.Close())
	if err != nil || response.Close {
		c.close()
	}
	return response.StatusCode
}
