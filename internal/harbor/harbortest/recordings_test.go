// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"compress/gzip"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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

type har struct {
	Log struct {
		Entries []struct {
			StartedDateTime time.Time
			Comment         string
			Request         struct {
				Method, URL string
				Headers     []struct{ Name, Value string }
				PostData    struct{ Text string }
			}
			Response struct {
				Status  int
				Headers []struct{ Name, Value string }
				Content struct{ Text string }
			}
		}
	}
}

// readRecordings returns the entries of every recording in testdata, each
// recording in order, the recordings in order of time.
func readRecordings(tb testing.TB) map[string][]*entry {
	tb.Helper()
	files, err := filepath.Glob("testdata/recordings/*.har.gz")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no recordings in testdata: %v", err)
	}
	recordings := map[string][]*entry{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".har.gz")
		recordings[name] = readRecording(tb, file, name)
	}
	return recordings
}

func readRecording(tb testing.TB, file, name string) []*entry {
	tb.Helper()
	f, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	var h har
	if err := json.NewDecoder(zipped).Decode(&h); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	var entries []*entry
	for i, e := range h.Log.Entries {
		u, err := url.Parse(e.Request.URL)
		if err != nil {
			tb.Fatalf("%s, entry %d: %v", file, i, err)
		}
		parsed := &entry{
			recording: name, number: i, started: e.StartedDateTime, comment: e.Comment, method: e.Request.Method, url: u,
			sent: e.Request.PostData.Text, status: e.Response.Status, body: e.Response.Content.Text, header: map[string]string{}, answer: map[string]string{},
		}
		for _, h := range e.Request.Headers {
			parsed.header[h.Name] = h.Value
		}
		for _, h := range e.Response.Headers {
			parsed.answer[h.Name] = h.Value
		}
		entries = append(entries, parsed)
	}
	return entries
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
