// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write recorded.json.gz from the recordings")

// fullListings is when the listings of every repository had been taken.
var fullListings = time.Date(2026, 11, 23, 0, 8, 36, 0, time.UTC)

// stateAt is the content of the recorded Harbor at a time: each entity as it
// was last shown until then or, where nothing had shown it yet, as it was shown
// next.
func stateAt(tb testing.TB, entries []*entry, at time.Time) *content {
	tb.Helper()
	c := newContent()
	c.unseen()
	for pass := range 2 { // additions need the artifacts
		for _, e := range slices.Backward(entries) {
			if e.started.After(at) && (pass == 0 || !mutable(e)) {
				c.extract(tb, e)
			}
		}
		for _, e := range entries {
			if !e.started.After(at) {
				c.extract(tb, e)
			}
		}
	}
	c.dropAfter(at)
	c.settle()
	return c
}

func mutable(e *entry) bool { return !strings.Contains(e.url.Path, "/additions/") }

// unseen adds what no listing shows, only totals, webhooks and tag rules.
func (c *content) unseen() {
	c.Projects["immutable-rel"] = &projectContent{Immutable: []string{"v*"}, StorageHard: -1}
	at := time.Date(2026, 11, 23, 0, 19, 8, 796e6, time.UTC)
	for i, name := range []string{"hooks-lab", "unseen-21", "unseen-22", "hooks-lat"} {
		created := at.Add(time.Duration(i) * 8 * time.Minute / 3)
		if name == "hooks-lat" {
			created = time.Date(2026, 11, 23, 0, 48, 0, 0, time.UTC)
		}
		c.Projects[name] = &projectContent{
			ID: int64(20 + i), AllowlistID: int64(12 + i), Name: name, OwnerID: 1, OwnerName: AdminName, Created: created, Updated: created, StorageHard: -1,
		}
	}
	for i, name := range []string{"app", "chart", "deep/er/app", "idx", "quota", "ret", "scan-fail", "scan-slow"} {
		created := at.Add(time.Duration(i+1) * 10 * time.Second)
		c.Repositories["hooks-lab/"+name] = &repositoryContent{ID: int64(62 + i), Name: "hooks-lab/" + name, Created: created, Updated: created}
	}
}

// dropAfter removes what did not exist yet.
func (c *content) dropAfter(at time.Time) {
	for name, p := range c.Projects {
		if p.ID == 0 || p.Created.After(at) {
			delete(c.Projects, name)
		}
	}
	for name, r := range c.Repositories {
		project, _, _ := strings.Cut(name, "/")
		if r.Created.After(at) || c.Projects[project] == nil {
			delete(c.Repositories, name)
		}
	}
	for id, a := range c.Artifacts {
		if a.Pushed.After(at) || c.Repositories[a.Repository] == nil {
			delete(c.Artifacts, id)
		}
	}
	for _, a := range c.Artifacts {
		a.Tags = slices.DeleteFunc(a.Tags, func(t tagContent) bool { return t.Pushed.After(at) })
	}
	for id, e := range c.Audit {
		if e.Time.After(at) {
			delete(c.Audit, id)
		}
	}
}

// encode is the form of recorded.json.gz.
func (c *content) encode() []byte { return marshal(c) }

// TestRecordedIsCurrent checks that the embedded content is what the recordings
// show. Run it with -update to write it.
func TestRecordedIsCurrent(t *testing.T) {
	entries := inOrder(readRecordings(t))
	c := stateAt(t, entries, fullListings)
	c.Audit = map[int64]*auditContent{} // parts of it only were recorded
	want := c.encode()
	if *update {
		var b bytes.Buffer
		zip, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = zip.Write(want)
		}
		if err == nil {
			err = zip.Close()
		}
		if err == nil {
			err = os.WriteFile("recorded.json.gz", b.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("recorded.json.gz:", c, b.Len(), "bytes")
		return
	}
	if got := readRecorded().encode(); !bytes.Equal(got, want) {
		t.Errorf("recorded.json.gz is not what the recordings show (%d bytes, want %d); run go test -run %s -update", len(got), len(want), t.Name())
	}
}
