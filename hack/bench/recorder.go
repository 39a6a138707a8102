// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// recorder gives the answers of a simulator, each made once and from then on
// given from memory: a server must not be what limits a client. Status, header
// and body are the simulator's, byte for byte; ids that are random there repeat.
type recorder struct {
	simulator http.Handler
	counting  *counting
	answers   sync.Map // string -> *answer
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// key tells apart what the simulator answers differently: it looks at the
// credentials, at whether there is a session, and at the wanted kind of report.
func key(r *http.Request) string {
	session := ""
	if strings.Contains(r.Header.Get("Cookie"), "sid=") {
		session = "session"
	}
	return strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("Authorization"), session, r.Header.Get("X-Accept-Vulnerabilities")}, "\n")
}

func (h *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := key(r)
	known, ok := h.answers.Load(k)
	if !ok {
		h.counting.made.Add(1)
		known, _ = h.answers.LoadOrStore(k, h.make(r))
	}
	a, ok := known.(*answer)
	if !ok {
		panic("the recorder holds answers alone")
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have gone
}

func (h *recorder) make(r *http.Request) *answer {
	recording := httptest.NewRecorder()
	h.simulator.ServeHTTP(recording, r)
	made := recording.Result()
	made.Body.Close()
	return &answer{status: recording.Code, header: made.Header, body: recording.Body.Bytes()}
}
