// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGeneratedIsTheSameEachTime(t *testing.T) {
	size := Size{Projects: 3, Repositories: 7, Artifacts: 20}
	first, _ := Generated(size).Listed()
	second, _ := Generated(size).Listed()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two registries of the same size differ (-first +second):\n%s", diff)
	}
	if len(first) != 140 {
		t.Errorf("%d artifacts, want 7 * 20", len(first))
	}
	other, _ := Generated(Size{Projects: 3, Repositories: 7, Artifacts: 20, Seed: 2}).Listed()
	if other[0].Digest == first[0].Digest {
		t.Error("another seed gives the same digests")
	}
}

func TestGeneratedWithLargeRepositories(t *testing.T) {
	r, err := Dataset("generated:projects=2,repositories=10,artifacts=3,large=2,largeArtifacts=40")
	if err != nil {
		t.Fatal(err)
	}
	repos, _ := r.Repositories()
	counts := map[int]int{}
	for _, repo := range repos {
		counts[repo.ArtifactCount]++
	}
	if diff := cmp.Diff(map[int]int{3: 8, 40: 2}, counts); diff != "" {
		t.Errorf("repositories by number of artifacts (-want +got):\n%s", diff)
	}
}

// TestGeneratedFitsInMemory bounds the memory of an artifact: a million has to
// fit well below 1 GiB.
func TestGeneratedFitsInMemory(t *testing.T) {
	const artifacts = 100_000
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	r := Generated(Size{Repositories: 1000, Artifacts: artifacts / 1000})
	each := (used() - before) / artifacts
	if each > 400 {
		t.Errorf("an artifact takes %d bytes, want 400 or fewer", each)
	}
	c := newClient(t, NewServer(t, r, Options{}), "robot$inventory", GeneratedRobotSecret)
	page := c.get("/projects/library/repositories/api-0000/artifacts?page_size=100&with_scan_overview=true")
	if size := len(page.body) / 100; size < 1500 || size > 3000 {
		t.Errorf("an artifact has %d bytes of JSON, want about 2 KB", size)
	}
	runtime.KeepAlive(r)
}

func TestBelievable(t *testing.T) {
	r := Believable()
	repos, _ := r.Repositories()
	artifacts, _ := r.Listed()
	if n := len(repos); n < 45 || n > 55 {
		t.Errorf("%d repositories, want about 50", n)
	}
	if n := len(artifacts); n < 900 || n > 1200 {
		t.Errorf("%d artifacts, want about 1,000", n)
	}
	types, untagged, labeled := map[string]int{}, 0, 0
	for _, a := range artifacts {
		types[a.Type]++
		if len(a.Tags) == 0 {
			untagged++
		}
		if len(a.Labels) > 0 {
			labeled++
		}
	}
	if types["CHART"] == 0 || types["IMAGE"] == 0 || untagged == 0 || labeled == 0 {
		t.Errorf("types %v, %d untagged, %d with labels: want some of each", types, untagged, labeled)
	}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r = Believable(WithClock(func() time.Time { return at }))
	r.Push("library/nginx", Image{Tags: []string{"new"}})
	if got := r.repositories["library/nginx"].updated.time(); !got.Equal(at) {
		t.Errorf("a push after the making: update_time %v, want the clock's %v", got, at)
	}
}

func TestDataset(t *testing.T) {
	for text, want := range map[string]int{
		"recorded": 61, "believable": 50, "generated:projects=2,repositories=5,artifacts=3,seed=9": 5,
	} {
		r, err := Dataset(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if repos, _ := r.Repositories(); len(repos) != want {
			t.Errorf("%q: %d repositories, want %d", text, len(repos), want)
		}
		if !strings.Contains(r.Logins(), "admin/Harbor12345") || !strings.Contains(r.Logins(), "robot$inventory/secret") {
			t.Errorf("%q: accounts %s", text, r.Logins())
		}
	}
	for _, text := range []string{"", "nosuch", "recorded:x=1", "generated:artifacts", "generated:artifacts=0", "generated:artifacts=x", "generated:x=1"} {
		if _, err := Dataset(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestControl(t *testing.T) {
	s := NewServer(t, New(), Options{Control: true})
	c := newClient(t, s, "", "")
	s.Inject(Rule{Fault: Reset()}) // not for these
	send := func(method, path, body string, want int) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != want {
			t.Errorf("%s %s: status %d, error %v, want %d", method, path, response.StatusCode, err, want)
		}
		return string(answer)
	}
	var pushed struct{ Digest string }
	decode(t, send(http.MethodPost, "/simulator/push", `{"repository": "library/app", "tag": "v1"}`, 200), &pushed)
	var listed struct {
		Sequence  uint64
		Artifacts []ListedArtifact
	}
	decode(t, send(http.MethodGet, "/simulator/listed", "", 200), &listed)
	if len(listed.Artifacts) != 1 || listed.Artifacts[0].Digest != pushed.Digest || listed.Artifacts[0].Tags[0] != "v1" || listed.Sequence == 0 {
		t.Errorf("listed after the push of %s: %+v", pushed.Digest, listed)
	}
	send(http.MethodPost, "/simulator/push", `{"repository": "nosuch/app"}`, 422)
	send(http.MethodPost, "/simulator/push", `nonsense`, 400)
	send(http.MethodPost, "/simulator/tag", `{"repository": "library/app", "reference": "`+pushed.Digest+`", "tag": "stable"}`, 200)
	send(http.MethodPost, "/simulator/tag", `{"repository": "library/app", "reference": "v1", "tag": "stable"}`, 422)
	send(http.MethodPost, "/simulator/delete", `{"repository": "library/app", "reference": "stable"}`, 200)
	send(http.MethodPost, "/simulator/delete", `{"repository": "library/app", "reference": "v1"}`, 422)
	send(http.MethodGet, "/simulator/nosuch", "", 404)
	decode(t, send(http.MethodGet, "/simulator/listed?project=library", "", 200), &listed)
	if len(listed.Artifacts) != 0 {
		t.Errorf("listed after the delete: %+v", listed)
	}
	var stats Stats
	decode(t, send(http.MethodGet, "/simulator/stats", "", 200), &stats)
	if stats.Total != 0 {
		t.Errorf("requests to /simulator were counted: %+v", stats)
	}
}

func TestTLS(t *testing.T) {
	s := NewServer(t, New(), Options{TLS: true})
	c := newClient(t, s, "", "")
	c.http = s.Client()
	answer, err := c.do(http.MethodGet, apiPrefix+"/ping")
	if err != nil || answer.status != http.StatusOK || !strings.HasPrefix(s.URL, "https://") || !strings.Contains(string(s.CertificatePEM()), "BEGIN CERTIFICATE") {
		t.Errorf("GET %s: status %d, error %v, certificate %s", s.URL, answer.status, err, s.CertificatePEM())
	}
	if pem := NewServer(t, New(), Options{}).CertificatePEM(); pem != nil {
		t.Errorf("certificate of a server without TLS: %s", pem)
	}
}
