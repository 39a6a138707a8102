// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

var testNamer = NewNamer("production", "library/nginx")

// fataler is a *testing.T, a *testing.B or a *rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// entry makes an artifact of its own for each i.
func entry(i int, tags ...string) v1alpha1.ArtifactEntry {
	pushed := metav1.NewMicroTime(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second))
	return v1alpha1.ArtifactEntry{
		Digest:            fmt.Sprintf("sha256:%064x", i),
		Type:              "IMAGE",
		MediaType:         "application/vnd.oci.image.config.v1+json",
		ManifestMediaType: "application/vnd.oci.image.manifest.v1+json",
		SizeBytes:         int64(1000 + i),
		PushTime:          &pushed,
		Tags:              tags,
	}
}

// entries makes artifacts from <= i < to.
func entries(from, to int) []v1alpha1.ArtifactEntry {
	var all []v1alpha1.ArtifactEntry
	for i := from; i < to; i++ {
		all = append(all, entry(i))
	}
	return all
}

// cluster holds lists as an API server does: by name, as JSON.
type cluster map[string][]byte

func (c cluster) put(name string, entries []v1alpha1.ArtifactEntry) {
	encoded, err := json.Marshal(entries)
	if err != nil {
		panic(err)
	}
	c[name] = encoded
}

func (c cluster) get(name string) []v1alpha1.ArtifactEntry {
	var entries []v1alpha1.ArtifactEntry
	if err := json.Unmarshal(c[name], &entries); err != nil {
		panic(err)
	}
	return entries
}

func (c cluster) existing() []Existing {
	var all []Existing
	for _, name := range slices.Sorted(maps.Keys(c)) {
		all = append(all, Existing{Name: name, Entries: c.get(name)})
	}
	return all
}

// write is one call of the API.
type write struct {
	verb string
	list List
}

// phases returns the writes in the order that Changes documents.
func phases(c Changes) [3][]write {
	var all [3][]write
	for _, list := range c.Create {
		all[0] = append(all[0], write{"create", list})
	}
	for _, list := range c.Update {
		all[1] = append(all[1], write{"update", list})
	}
	for _, name := range c.Delete {
		all[2] = append(all[2], write{"delete", List{Name: name}})
	}
	return all
}

// do carries out one write, and fails where an API server would refuse it.
func (c cluster) do(t fataler, w write) {
	t.Helper()
	_, found := c[w.list.Name]
	if found == (w.verb == "create") {
		t.Fatalf("%s %s: stands already: %t", w.verb, w.list.Name, found)
	}
	if w.verb == "delete" {
		delete(c, w.list.Name)
		return
	}
	c.put(w.list.Name, w.list.Entries)
}

func (c cluster) apply(t fataler, changes Changes) {
	t.Helper()
	for _, phase := range phases(changes) {
		for _, w := range phase {
			c.do(t, w)
		}
	}
}

// digests returns how many times each digest is in the lists.
func (c cluster) digests() map[string]int {
	found := map[string]int{}
	for name := range c {
		for _, e := range c.get(name) {
			found[e.Digest]++
		}
	}
	return found
}

// check fails unless the lists hold exactly the desired entries, each once, in
// the desired order within each list, within the limits.
func (c cluster) check(t fataler, desired []v1alpha1.ArtifactEntry, limits Limits) {
	t.Helper()
	wanted := map[string]int{}
	for i := range desired {
		if _, twice := wanted[desired[i].Digest]; !twice {
			wanted[desired[i].Digest] = i
		}
	}
	for name := range c {
		list := c.get(name)
		if _, ok := testNamer.Index(name); !ok {
			t.Fatalf("list %s stands under a name that is not the namer's", name)
		}
		if len(list) == 0 || len(list) > limits.MaxEntries || len(list) > 1 && len(c[name]) > limits.MaxBytes {
			t.Fatalf("list %s has %d entries of %d bytes; limits %+v", name, len(list), len(c[name]), limits)
		}
		last := -1
		for _, e := range list {
			at, ok := wanted[e.Digest]
			if !ok {
				t.Fatalf("list %s holds %s, which is not wanted or is elsewhere too", name, e.Digest)
			}
			if at < last {
				t.Fatalf("list %s is out of order at %s", name, e.Digest)
			}
			if asJSON(e) != asJSON(desired[at]) {
				t.Fatalf("list %s holds an old form of %s", name, e.Digest)
			}
			last = at
			delete(wanted, e.Digest)
		}
	}
	if len(wanted) > 0 {
		t.Fatalf("in no list: %s", strings.Join(slices.Sorted(maps.Keys(wanted)), " "))
	}
}

func asJSON(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}
