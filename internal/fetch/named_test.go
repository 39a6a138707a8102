// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// Artifacts are read by their digests with one request, and only those that Harbor
// lists. That another one is not listed is known where the answer shows one that
// is, nothing contradicts it, and Harbor has shown no trouble.
func TestNamed(t *testing.T) {
	for name, test := range map[string]struct {
		asked   string // many are 50 that never were
		witness string
		listed  int
		fault   *harbortest.Rule
		prepare func(*harbortest.Registry)
		query   string // what Harbor gets instead

		want     string
		complete bool
		fails    bool
		requests int // 1
	}{
		"some of them":                   {asked: "tagged untagged", want: "tagged untagged", complete: true},
		"one that is hidden":             {asked: "tagged child", want: "tagged", complete: true},
		"one that was deleted":           {asked: "gone", witness: "tagged", complete: true},
		"one without a witness":          {asked: "gone"},
		"a witness that is gone":         {asked: "gone", witness: "none"},
		"many of a repository of a page": {asked: "tagged gone many", listed: 7, want: "tagged", complete: true},
		"many of one of more pages":      {asked: "tagged gone many", witness: "untagged", listed: 150, want: "tagged", complete: true, requests: 2},
		"many, the witness of some gone": {asked: "tagged gone many", witness: "none", listed: 150, want: "tagged", requests: 2},
		"a repository that has grown": {asked: "tagged gone many", listed: 7, fails: true, prepare: func(r *harbortest.Registry) {
			fill(r, "p/r1", 100)
		}},
		"a condition that Harbor ignores": {asked: "tagged", query: "page=1&page_size=100", fails: true},
		"a repository that was made again": {asked: "gone", witness: "tagged", fails: true, prepare: func(r *harbortest.Registry) {
			fine(r.DeleteRepository("p/r1"))
			r.Push("p/r1", harbortest.Image{Digest: digestOfTagged})
		}},
		"a repository that is gone": {asked: "gone", witness: "tagged", prepare: func(r *harbortest.Registry) {
			fine(r.DeleteRepository("p/r1"))
		}},
		"another number by Harbor's count": {asked: "gone", witness: "tagged", fault: &harbortest.Rule{Fault: harbortest.TotalCount(1)}, fails: true},
		"fewer by Harbor's count":          {asked: "gone", witness: "tagged", fault: &harbortest.Rule{Fault: harbortest.TotalCount(-1)}},
		"an answer after a failure":        {asked: "gone", witness: "tagged", fault: &harbortest.Rule{Fault: harbortest.InternalError(), Count: 1}, requests: 2},
		"an answer after a 401":            {asked: "gone", witness: "tagged", fault: &harbortest.Rule{Fault: harbortest.Anonymous(), Count: 1}, requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			reg := small(2)
			digests := map[string]string{"none": digestOfNone, "tagged": digestOfTagged}
			reg.Push("p/r1", harbortest.Image{Digest: digestOfTagged, Tags: []string{"a", "b"}})
			digests["untagged"] = reg.Push("p/r1", harbortest.Image{})
			digests["child"] = reg.Push("p/r1", harbortest.Image{})
			digests["gone"] = reg.Push("p/r1", harbortest.Image{Tags: []string{"c"}})
			reg.PushIndex("p/r1", harbortest.Index{Children: []harbortest.Child{{Digest: digests["child"]}}})
			fine(reg.DeleteArtifact("p/r1", digests["gone"]))
			id := idOf(reg, "p/r1")
			if test.prepare != nil {
				test.prepare(reg)
			}
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
				if test.query != "" {
					r.URL.RawQuery = test.query
				}
			}})
			if test.fault != nil {
				srv.Inject(*test.fault)
			}
			c := client(t, srv)
			defer c.Close()
			asked := fetch.Named{
				Repository: "p/r1", ID: id, Digests: namedOf(digests, test.asked), Witness: digests[test.witness],
				Listed: test.listed, Details: harbor.Details{Tags: true},
			}
			before := srv.Stats().Total
			answer, err := asked.Read(t.Context(), c)
			var got []string
			for _, a := range answer.Artifacts {
				got = append(got, a.Digest)
			}
			want := namedOf(digests, test.want)
			slices.Sort(got)
			slices.Sort(want)
			if (err != nil) != test.fails || err == nil && (!slices.Equal(got, want) || answer.Complete != test.complete) {
				t.Errorf("%v; read %q, complete %t; want %q, complete %t", err, got, answer.Complete, want, test.complete)
			}
			if n := srv.Stats().Total - before; n != max(1, test.requests) {
				t.Errorf("%d requests", n)
			}
		})
	}
}

const (
	digestOfNone   = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	digestOfTagged = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

// namedOf returns the digests of the words.
func namedOf(digests map[string]string, words string) (some []string) {
	for word := range strings.FieldsSeq(words) {
		if word != "many" {
			some = append(some, digests[word])
			continue
		}
		some = append(some, unknown(50)...)
	}
	return some
}

// unknown returns n digests that nothing has.
func unknown(n int) (digests []string) {
	for i := range n {
		digests = append(digests, fmt.Sprintf("sha256:%064x", i))
	}
	return digests
}

func idOf(reg *harbortest.Registry, name string) int64 {
	repositories, _ := reg.Repositories()
	i := slices.IndexFunc(repositories, func(r harbortest.ListedRepository) bool { return r.Name == name })
	if i < 0 {
		return 0
	}
	return repositories[i].ID
}

// To ask for artifacts by name is worth it while that takes no more requests than
// the pages and the repository's entry before and after them.
func TestNamedSpares(t *testing.T) {
	for _, test := range []struct {
		digests, listed int
		want            bool
	}{
		{1, 1, true},
		{50, 10, true},
		{99, 99, true},
		{150, 1, true},
		{151, 100, false},
		{100, 100, true},
		{200, 101, true},
		{201, 101, false},
		{700, 1200, true},
		{701, 1200, false},
	} {
		if got := (fetch.Named{Digests: unknown(test.digests), Listed: test.listed}).Spares(); got != test.want {
			t.Errorf("%d of %d: %t", test.digests, test.listed, got)
		}
	}
}

// TestNamedHistories asks for artifacts at random while others push, tag, delete,
// and make a repository again, and while Harbor is short of database connections:
//
//   - What is read was listed at some instant since the question.
//   - What is said not to be listed was not, at some instant since the question.
func TestNamedHistories(t *testing.T) {
	var questions, failures, absent, unsure int
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		srv := harbortest.NewServer(t, h.reg, harbortest.Options{Observer: h.observe})
		defer srv.Close()
		if short := rapid.SampledFrom([]float64{0, 0, 0.1, 0.5}).Draw(t, "shortage"); short > 0 {
			srv.Inject(harbortest.Rule{Rate: short, Fault: harbortest.DatabaseShort(harbortest.TypicalShortage)})
		}
		ever := map[string]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "questions") {
			h.mu.Lock()
			h.states = h.states[len(h.states)-1:]
			repository := rapid.SampledFrom(historyRepositories).Draw(t, "repository")
			listed := len(h.states[0][repository])
			for _, a := range h.states[0][repository] {
				ever[a.Digest] = true
			}
			id := idOf(h.reg, repository)
			h.mu.Unlock()
			known := append(slices.Sorted(maps.Keys(ever)), digestOfNone)
			asked := fetch.Named{
				Repository: repository, ID: id, Details: harbor.Details{Tags: true},
				Digests: rapid.SliceOfNDistinct(rapid.SampledFrom(known), 1, min(6, len(known)), rapid.ID[string]).Draw(t, "asked"),
				Listed:  rapid.SampledFrom([]int{listed, 150}).Draw(t, "listed"),
			}
			if witness := rapid.SampledFrom(known).Draw(t, "witness"); !slices.Contains(asked.Digests, witness) {
				asked.Witness = witness
			}
			if rapid.IntRange(0, 3).Draw(t, "many") == 0 {
				asked.Digests = append(asked.Digests, unknown(60)...)
			}
			c := client(t, srv)
			answer, err := asked.Read(context.Background(), c)
			c.Close()
			questions++
			if err != nil {
				failures++
				continue
			}
			h.mu.Lock()
			for _, a := range answer.Artifacts {
				if !slices.ContainsFunc(h.states, func(s state) bool { return s[repository][a.ID].Digest == a.Digest }) {
					t.Fatalf("%s: read %s, which is not listed", repository, a.Digest)
				}
			}
			for _, digest := range asked.Digests {
				if slices.ContainsFunc(answer.Artifacts, func(a harbor.Artifact) bool { return a.Digest == digest }) {
					continue
				}
				lists := func(s state) bool {
					return slices.ContainsFunc(slices.Collect(maps.Values(s[repository])), func(a harbortest.ListedArtifact) bool { return a.Digest == digest })
				}
				switch {
				case !ever[digest]:
				case !answer.Complete:
					unsure++
				case !slices.ContainsFunc(h.states, func(s state) bool { return !lists(s) }):
					t.Fatalf("%s: %s is said not to be listed, and was all the time", repository, digest)
				default:
					absent++
				}
			}
			h.mu.Unlock()
		}
	})
	t.Logf("%d questions, %d failed; of artifacts that were listed once %d were known not to be, %d not known", questions, failures, absent, unsure)
	if absent == 0 || unsure == 0 {
		t.Error("these histories put nothing to the test")
	}
}

// fine panics where a test makes a mistake.
func fine(err error) {
	if err != nil {
		panic(err)
	}
}
