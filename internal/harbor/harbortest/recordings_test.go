// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest/har"
)

// entry is one request and its answer in a recording.
type entry struct {
	recording string
	number    int
	started   time.Time
	comment   string
	method    string
	url       *url.URL
	header    map[string]string
	sent      string // body of the request
	status    int
	answer    map[string]string // headers
	body      string
	rows      any // of the body, decoded
}

// request is the entry's request line without the host.
func (e *entry) request() string { return e.method + " " + e.url.RequestURI() }

func (e *entry) authenticated() bool { return e.header["Authorization"] != "" }

// readRecordings returns the entries of every recording in testdata, each
// recording in order.
func readRecordings(tb testing.TB) map[string][]*entry {
	tb.Helper()
	all, err := har.Read("testdata/recordings")
	if err != nil {
		tb.Fatal(err)
	}
	recordings := map[string][]*entry{}
	for _, r := range all {
		for i := range r.Entries {
			recordings[r.Name] = append(recordings[r.Name], entryOf(r.Name, i, &r.Entries[i]))
		}
	}
	return recordings
}

func entryOf(recording string, number int, e *har.Entry) *entry {
	parsed := &entry{
		recording: recording, number: number, started: e.StartedDateTime, comment: e.Comment, method: e.Request.Method, url: e.Request.URL.URL,
		sent: e.Request.PostData.Text, status: e.Response.Status, body: e.Response.Content.Text, header: map[string]string{}, answer: map[string]string{},
	}
	for _, h := range e.Request.Headers {
		parsed.header[h.Name] = h.Value
	}
	for _, h := range e.Response.Headers {
		parsed.answer[h.Name] = h.Value
	}
	return parsed
}

// inOrder returns all entries in order of time.
func inOrder(recordings map[string][]*entry) []*entry {
	var all []*entry
	for _, entries := range recordings {
		all = append(all, entries...)
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return a.started.Compare(b.started) })
	return all
}
