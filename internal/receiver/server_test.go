// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func post(t *testing.T, client *http.Client, req *http.Request) int {
	t.Helper()
	response, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestServer: events arrive over HTTP and HTTPS, as one hint for each
// repository; those that wait at the end are passed on.
func TestServer(t *testing.T) {
	self := httptest.NewUnstartedServer(nil)
	self.StartTLS()
	certificate := self.TLS.Certificates[0]
	self.Close()
	for scheme, certificate := range map[string]*tls.Certificate{"http": nil, "https": &certificate} {
		t.Run(scheme, func(t *testing.T) {
			passed := newCollected()
			r := newReceiver(t, Config{Hint: passed.hint, Limits: Limits{Quiet: time.Hour, Longest: time.Hour}})
			address, stop := serve(t, r, certificate)
			client := newClient(t)
			for i := range 500 {
				req := request(t, scheme+"://"+address+Path(production), pushEvent("a/b", fmt.Sprint("v", i)))
				if status := post(t, client, req); status != 200 {
					t.Fatalf("status %d", status)
				}
			}
			post(t, client, request(t, scheme+"://"+address+Path(production), pushEvent("a/c", "v1")))
			client.CloseIdleConnections()
			stop()
			if len(passed.hints) != 2 || passed.hints[0].Events != 500 || passed.hints[1].Repository != "a/c" {
				t.Errorf("%+v", passed.hints)
			}
			if n := testutil.ToFloat64(r.metrics.hints); n != 2 {
				t.Errorf("counted %v hints", n)
			}
			if n := testutil.ToFloat64(r.metrics.folded.WithLabelValues(byQueue)); n != 499 {
				t.Errorf("counted %v folded events", n)
			}
		})
	}
}

// TestHintIsPassedOn without anything else that happens.
func TestHintIsPassedOn(t *testing.T) {
	passed := newCollected()
	address, _ := serve(t, newReceiver(t, Config{Hint: passed.hint}), nil)
	client := newClient(t)
	for i := range 3 {
		post(t, client, request(t, "http://"+address+Path(production), pushEvent("a/b", fmt.Sprint("v", i))))
		if h := <-passed.each; h.Repository != "a/b" || h.Artifacts[0].Digest != digestOf(fmt.Sprint("v", i)) {
			t.Errorf("%+v", h)
		}
	}
}

// TestRepeatedDelivery: what Harbor sends again is answered, counted and dropped.
func TestRepeatedDelivery(t *testing.T) {
	var now atomic.Int64
	passed := newCollected()
	r := newReceiver(t, Config{Hint: passed.hint, Now: func() time.Time { return start.Add(time.Duration(now.Load())) }})
	server := httptest.NewServer(r)
	defer server.Close()
	for range 14 {
		if status := post(t, server.Client(), request(t, server.URL+Path(production), pushEvent("a/b", "v1"))); status != 200 {
			t.Errorf("status %d", status)
		}
		now.Add(int64(30 * time.Second))
	}
	if n := testutil.ToFloat64(r.metrics.folded.WithLabelValues(byRepeat)); n != 13 {
		t.Errorf("%v were repeats, want 13", n)
	}
}

// open connects, and sends a text.
func open(t *testing.T, address, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowHeaders: connections that do not come to the point are closed in
// favor of others.
func TestSlowHeaders(t *testing.T) {
	r := newReceiver(t, Config{Limits: Limits{Connections: 8, HeaderTimeout: time.Hour}})
	address, stop := serve(t, r, nil)
	var slow []net.Conn
	for range 100 {
		slow = append(slow, open(t, address, "POST "+Path(production)+" HTTP/1.1\r\nX-Slow: "))
	}
	client := newClient(t)
	for i := range 10 {
		req := request(t, "http://"+address+Path(production), pushEvent("a/b", fmt.Sprint(i)))
		req.Close = true
		if status := post(t, client, req); status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if n := testutil.ToFloat64(r.metrics.connections); n > 8 {
		t.Errorf("%v connections are open", n)
	}
	if n := testutil.ToFloat64(r.metrics.evicted); n < 100-8 {
		t.Errorf("%v connections were closed", n)
	}
	// The first are closed: what there is to read of them ends.
	if err := slow[0].SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := slow[0].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first connection: %v", err)
	}
	for _, conn := range slow {
		_ = conn.Close()
	}
	stop()
}

// TestSlowBody: a body that does not come is given up; one without the right
// value is answered without it.
func TestSlowBody(t *testing.T) {
	r := newReceiver(t, Config{Limits: Limits{BodyTimeout: 20 * time.Millisecond}})
	address, _ := serve(t, r, nil)
	for value, want := range map[string]int{secret: 408, "wrong": 401} {
		conn := open(t, address, "POST "+Path(production)+" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+
			"Content-Length: 1000\r\nAuthorization: "+value+"\r\n\r\n{")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("%q: status %d, want %d", value, response.StatusCode, want)
		}
		_ = response.Body.Close()
	}
}

// TestBusy: requests above the bounds are refused, and the others are not.
func TestBusy(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, Config{
		Limits: Limits{InWork: 1},
		Secrets: func(ctx context.Context, namespace, name string) ([][]byte, string, error) {
			asked <- struct{}{}
			<-answer
			return oneSecret(ctx, namespace, name)
		},
	})
	address, _ := serve(t, r, nil)
	client, first := newClient(t), make(chan int)
	go func() {
		first <- post(t, client, request(t, "http://"+address+Path(production), pushEvent("a/b", "v1")))
	}()
	<-asked
	if status := post(t, client, request(t, "http://"+address+Path(production), pushEvent("a/b", "v2"))); status != 503 {
		t.Errorf("the second: status %d", status)
	}
	close(answer)
	if status := <-first; status != 200 {
		t.Errorf("the first: status %d", status)
	}
}

func TestConfig(t *testing.T) {
	registry := prometheus.NewRegistry()
	good := Config{Secrets: oneSecret, Hint: func(Hint) {}, Registerer: registry}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration is taken")
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if _, err := New(good); err == nil {
		t.Error("metrics are registered twice")
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}

func TestServerCannotListen(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	server := &Server{Receiver: newReceiver(t, Config{}), Address: taken.Addr().String()}
	if err := server.ListenAndServe(t.Context()); err == nil {
		t.Error("two servers listen at one address")
	}
	_ = taken.Close()
	if err := server.Serve(t.Context(), taken); err == nil {
		t.Error("served with a listener that is closed")
	}
}
