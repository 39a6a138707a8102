// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Artifacts are read by their digests with one request, and only those that Harbor
// lists; an answer with others tells that Harbor did not understand.
func TestNamed(t *testing.T) {
	reg := small(5)
	first := reg.Push("p/r1", harbortest.Image{Tags: []string{"a", "b"}})
	second := reg.Push("p/r1", harbortest.Image{})
	child := reg.Push("p/r1", harbortest.Image{})
	reg.PushIndex("p/r1", harbortest.Index{Children: []harbortest.Child{{Digest: child}}})
	var deaf atomic.Bool
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
		if deaf.Load() {
			r.URL.RawQuery = "page=1&page_size=100"
		}
	}})
	c := client(t, srv)
	defer c.Close()
	read := func() (lines []string, err error) {
		artifacts, err := fetch.Named(t.Context(), c, "p/r1", []string{first, second, child, digestOfNone}, harbor.Details{Tags: true})
		for _, a := range artifacts {
			for _, tag := range append(a.Tags, harbor.Tag{}) {
				lines = append(lines, a.Digest+" "+tag.Name)
			}
		}
		slices.Sort(lines)
		return lines, err
	}
	want := []string{first + " ", first + " a", first + " b", second + " "}
	slices.Sort(want)
	before := srv.Stats().Total
	if lines, err := read(); err != nil || !slices.Equal(lines, want) {
		t.Errorf("%v, read %q, want %q", err, lines, want)
	}
	if n := srv.Stats().Total - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	deaf.Store(true)
	if lines, err := read(); err == nil {
		t.Errorf("without the condition, read %q", lines)
	}
}

const digestOfNone = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
