// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// requests counts those for artifacts of p/large by what they ask for.
type requests struct {
	mu                     sync.Mutex
	pages, windows, single int
	// during, if set, is called with each before it is answered.
	during func(page string)
}

func (r *requests) observe(req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/p/repositories/large/artifacts") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q := req.URL.Query()
	switch {
	case q.Get("page_size") == "1":
		r.single++
	case strings.Contains(q.Get("q"), "id"):
		r.windows++
	default:
		r.pages++
	}
	if r.during != nil {
		r.during(q.Get("page"))
	}
}

// large returns a registry with p/large of n tagged images among small ones.
func large(version harbortest.Version, n int) *harbortest.Registry {
	reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(version)))
	project(reg, "p")
	fill(reg, "p/before", 3)
	fill(reg, "p/large", n)
	fill(reg, "p/small", 1)
	return reg
}

// A quiet registry with one repository of 1,050 artifacts. From Harbor 2.15.2 on
// its 11 pages are verified by one look at the repository; before, each window
// of 90 artifacts begins with a row that is found by its offset.
func TestLargeRepository(t *testing.T) {
	for _, c := range []struct {
		version                harbortest.Version
		pages, windows, single int
		total, unverified      int
	}{
		{version: harbortest.Harbor216, pages: 11, total: 2 + 3 + 2 + 11 + 1},
		{version: harbortest.Harbor2151, pages: 1, windows: 11, single: 10, total: 2 + 3 + 2 + 22, unverified: 1},
	} {
		t.Run(c.version.String(), func(t *testing.T) {
			reg := large(c.version, 1050)
			count := &requests{}
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
			report, sink := run(t, srv, request(t))
			clean(t, report, sink)
			same(t, listed(reg, ""), sink.lines())
			if report.Unverified != c.unverified || sink.repositories["p/large"].Verified != (c.unverified == 0) {
				t.Errorf("%d unverified, large: %t", report.Unverified, sink.repositories["p/large"].Verified)
			}
			if !slices.IsSortedFunc(sink.repositories["p/large"].Artifacts, func(a, b harbor.Artifact) int { return int(a.ID - b.ID) }) {
				t.Error("artifacts are not in the order of their ids")
			}
			if count.pages != c.pages || count.windows != c.windows || count.single != c.single {
				t.Errorf("%d pages, %d windows, %d single rows; want %d, %d, %d", count.pages, count.windows, count.single, c.pages, c.windows, c.single)
			}
			// 2 fences, 1 list of projects, 2 of repositories, 2 small repositories, the large one.
			if total := srv.Stats().Total; total != c.total {
				t.Errorf("%d requests, want %d", total, c.total)
			}
		})
	}
}

// hidden makes an index whose child is listed only when it gets a tag.
func hidden(reg *harbortest.Registry) (child string) {
	child = reg.Push("p/large", harbortest.Image{})
	reg.PushIndex("p/large", harbortest.Index{
		Image: harbortest.Image{Tags: []string{"index"}}, Children: []harbortest.Child{{Digest: child}},
	})
	return child
}

// What others do between two pages, and how it misleads who pages by offset.
var disturbances = []struct {
	name            string
	prepare         func(reg *harbortest.Registry) func() // before the images; what happens in mid-listing
	missing, double int
}{
	{
		name: "a deletion misses an artifact", missing: 1,
		prepare: func(reg *harbortest.Registry) func() {
			first := reg.Push("p/large", harbortest.Image{Tags: []string{"first"}})
			return func() { _ = reg.DeleteArtifact("p/large", first) }
		},
	},
	{
		name: "an old id that gets visible doubles one", double: 1,
		prepare: func(reg *harbortest.Registry) func() {
			child := hidden(reg)
			return func() { _ = reg.AddTag("p/large", child, "visible") }
		},
	},
	{
		name: "a deletion and a push keep the total and miss one", missing: 1,
		prepare: func(reg *harbortest.Registry) func() {
			first := reg.Push("p/large", harbortest.Image{Tags: []string{"first"}})
			return func() {
				_ = reg.DeleteArtifact("p/large", first)
				reg.Push("p/large", harbortest.Image{Tags: []string{"last"}})
			}
		},
	},
	{
		name: "a deletion and an old id that gets visible", // rows stay in place
		prepare: func(reg *harbortest.Registry) func() {
			child := hidden(reg)
			first := reg.Push("p/large", harbortest.Image{Tags: []string{"first"}})
			return func() {
				_ = reg.DeleteArtifact("p/large", first)
				_ = reg.AddTag("p/large", child, "visible")
			}
		},
	},
	{
		name: "a tag that moves",
		prepare: func(reg *harbortest.Registry) func() {
			a := reg.Push("p/large", harbortest.Image{Tags: []string{"moving", "a"}})
			return func() {
				_ = reg.DeleteTag("p/large", "moving")
				_ = reg.AddTag("p/large", "v5", "moving")
				_ = a
			}
		},
	},
}

// once calls f at the first request for the second page.
func once(f func()) func(page string) {
	var happened sync.Once
	return func(page string) {
		if page == "2" || page == "91" {
			happened.Do(f)
		}
	}
}

// Pages by offset are accepted only if the repository stayed as it was; windows
// repair what a disturbance broke.
func TestDisturbedListing(t *testing.T) {
	for _, version := range []harbortest.Version{harbortest.Harbor216, harbortest.Harbor2151} {
		for _, c := range disturbances {
			t.Run(version.String()+" "+c.name, func(t *testing.T) {
				reg := robot(harbortest.New(harbortest.WithClock(seconds()), harbortest.WithVersion(version)))
				project(reg, "p")
				count := &requests{during: once(c.prepare(reg))}
				kept := fill(reg, "p/large", 320)
				srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
				req := request(t)
				req.Workers = 1
				report, sink := run(t, srv, req)
				clean(t, report, sink)
				got := sink.repositories["p/large"]
				seen := map[string]int{}
				for _, a := range got.Artifacts {
					seen[a.Digest]++
				}
				for _, digest := range kept {
					if seen[digest] != 1 {
						t.Errorf("%s is there %d times", digest, seen[digest])
					}
				}
				if version == harbortest.Harbor2151 {
					if got.Verified || report.Unverified != 1 {
						t.Error("verified, although this Harbor does not tell changes")
					}
					return
				}
				if count.pages != 4 || count.windows != 4 {
					t.Errorf("%d pages and %d windows, want 4 and 4", count.pages, count.windows)
				}
				same(t, listed(reg, ""), sink.lines()) // the windows were read in peace
				if !got.Verified || report.Unverified != 0 {
					t.Error("the second reading was undisturbed, and is not verified")
				}
			})
		}
	}
}

// The disturbances are worth the name: plain paging by offset falls for them.
func TestDisturbancesMislead(t *testing.T) {
	for _, c := range disturbances {
		reg := robot(harbortest.New(harbortest.WithClock(seconds())))
		project(reg, "p")
		count := &requests{during: once(c.prepare(reg))}
		kept := fill(reg, "p/large", 320)
		srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
		cl := client(t, srv)
		seen := map[string]int{}
		for n := range 5 {
			page, err := cl.ArtifactsPage(t.Context(), "p/large", harbor.ArtifactOptions{PageOptions: harbor.PageOptions{Page: n + 1}})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Items {
				seen[a.Digest]++
			}
		}
		missing, double := 0, 0
		for _, digest := range kept {
			switch seen[digest] {
			case 0:
				missing++
			case 2:
				double++
			}
		}
		if missing != c.missing || double != c.double {
			t.Errorf("%s: %d missing, %d double; want %d, %d", c.name, missing, double, c.missing, c.double)
		}
	}
}

// A repository that is deleted and made again in mid-listing is read as the new
// one, and never as a mixture.
func TestRepositoryMadeAgainInMidListing(t *testing.T) {
	for _, version := range []harbortest.Version{harbortest.Harbor216, harbortest.Harbor2151} {
		t.Run(version.String(), func(t *testing.T) {
			reg := large(version, 320)
			count := &requests{during: once(func() {
				_ = reg.DeleteRepository("p/large")
				fill(reg, "p/large", 150)
			})}
			srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
			req := request(t)
			req.Workers = 1
			report, sink := run(t, srv, req)
			clean(t, report, sink)
			same(t, listed(reg, ""), sink.lines())
		})
	}
}

// One that is deleted in mid-listing is no failure; what was read of it may come.
func TestRepositoryDeletedInMidListing(t *testing.T) {
	for _, version := range []harbortest.Version{harbortest.Harbor216, harbortest.Harbor2151} {
		reg := large(version, 320)
		count := &requests{during: once(func() { _ = reg.DeleteRepository("p/large") })}
		srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
		req := request(t)
		req.Workers = 1
		report, sink := run(t, srv, req)
		clean(t, report, sink)
		if sink.repositories["p/large"].Verified {
			t.Errorf("%s: verified", version)
		}
	}
}

// A pull moves the time that a change moves. The pages are read again, and
// verified.
func TestPullInMidListing(t *testing.T) {
	reg := large(harbortest.Harbor216, 320)
	count := &requests{during: once(func() { _ = reg.Pull("p/large", "v1") })}
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: count.observe})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
	if report.Unverified != 0 {
		t.Errorf("%d unverified", report.Unverified)
	}
}

// Totals that are wrong or missing cost requests, and no artifacts.
func TestWrongTotals(t *testing.T) {
	for _, off := range []int{-1000, -250, -120, -1, 1, 300, 1_000_000} {
		for _, version := range []harbortest.Version{harbortest.Harbor216, harbortest.Harbor2151} {
			reg := large(version, 250)
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			srv.Inject(harbortest.Rule{
				Class: harbortest.ClassArtifacts, Path: "/large/", Fault: harbortest.TotalCount(off),
				If: func(r *http.Request) bool { return !strings.Contains(r.URL.RawQuery, "id%3D") },
			})
			report, sink := run(t, srv, request(t))
			clean(t, report, sink)
			same(t, listed(reg, ""), sink.lines())
			if verified := sink.repositories["p/large"].Verified; verified != (version == harbortest.Harbor216) {
				t.Errorf("%s, off by %d: verified %t", version, off, verified)
			}
			if total := srv.Stats().Total; total > 2100 {
				t.Errorf("%s, off by %d: %d requests", version, off, total)
			}
		}
	}
}

// Pages that do not fit into the client's bound are asked for in smaller ones.
func TestTooLargePages(t *testing.T) {
	reg := large(harbortest.Harbor216, 130)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	report, sink := run(t, srv, request(t), func(c *harbor.Config) { c.MaxBodyBytes = 40 << 10 })
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())

	reg.Push("p/large", harbortest.Image{Annotations: map[string]string{"text": strings.Repeat("x", 50<<10)}})
	report, sink = run(t, srv, request(t), func(c *harbor.Config) { c.MaxBodyBytes = 40 << 10 })
	if len(report.Failures) != 1 || report.Failures[0].Reason != fetch.ReasonInvalidAnswer || report.Failures[0].Repository != "p/large" {
		t.Errorf("failures %v", report.Failures)
	}
	if want := []string{"p/before", "p/small"}; !slices.Equal(sink.names(), want) {
		t.Errorf("repositories %v, want %v", sink.names(), want)
	}
}

// The number of artifacts that Harbor tells of a repository is 0 when its query
// for it failed; a repository is empty only when its listing is.
func TestCountOfZeroIsNotBelieved(t *testing.T) {
	counts := regexp.MustCompile(`"artifact_count":\d+`)
	zero := func(body string) string { return counts.ReplaceAllString(body, `"artifact_count":0`) }
	reg := large(harbortest.Harbor216, 30)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := client(t, srv, through(t, srv.URL, zero))
	sink := &collector{}
	report, err := fetch.Run(t.Context(), c, request(t), sink)
	if err != nil {
		t.Fatal(err)
	}
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
}
