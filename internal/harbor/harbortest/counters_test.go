// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestHighestInFlightIsExact: as many requests are in flight as are held back,
// no more and no fewer.
func TestHighestInFlightIsExact(t *testing.T) {
	const clients = 8
	arrived, release := make(chan struct{}, clients), make(chan struct{})
	s := NewServer(t, Recorded(), Options{Observer: func(*http.Request) {
		arrived <- struct{}{}
		<-release
	}})
	c := newClient(t, s, asRobot.name, asRobot.secret)
	var group sync.WaitGroup
	for range clients {
		group.Go(func() { c.get("/projects") })
	}
	for range clients {
		<-arrived
	}
	if got := s.Stats(); got.InFlight != clients || got.Highest != clients || got.Total != 0 {
		t.Errorf("held back: in flight %d, highest %d, total %d, want %d, %d, 0", got.InFlight, got.Highest, got.Total, clients, clients)
	}
	close(release)
	group.Wait()
	got := s.Stats()
	if got.InFlight != 0 || got.Highest != clients || got.Total != clients || got.Requests(ClassProjects) != clients {
		t.Errorf("answered: %+v", got)
	}
	s.ResetHighest()
	c.get("/ping")
	if got := s.Stats(); got.Highest != 1 || got.HighestEver != clients {
		t.Errorf("after a reset: highest %d, ever %d, want 1 and %d", got.Highest, got.HighestEver, clients)
	}
}

// TestOneAfterTheOtherNeverOverlaps: a client that sends its next request as soon
// as it has the answer of the last one is never counted twice, whatever the size
// of the answers.
func TestOneAfterTheOtherNeverOverlaps(t *testing.T) {
	s := NewServer(t, Recorded(), Options{})
	c := newClient(t, s, asRobot.name, asRobot.secret)
	for range 300 {
		c.get("/ping")
		c.get("/projects/bulk/repositories/many/artifacts?page_size=100")
		c.get("/projects/nosuch")
		if _, err := c.do(http.MethodHead, apiPrefix+"/projects?project_name=library"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats(); got.HighestEver != 1 || got.Total != 1200 {
		t.Errorf("highest %d of %d requests, want 1 of 1200", got.HighestEver, got.Total)
	}
}

// TestSlowReaderIsInFlight: an answer that the client does not read stays in
// flight.
func TestSlowReaderIsInFlight(t *testing.T) {
	s := NewServer(t, Generated(Size{Projects: 1, Repositories: 1, Artifacts: 15000}), Options{})
	c := newClient(t, s, "robot$inventory", GeneratedRobotSecret)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+apiPrefix+"/projects/library/artifacts?page_size=-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(c.name, c.secret)
	response, err := c.http.Do(request) // 30 MB: more than the sockets hold
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := s.Stats(); got.InFlight != 1 || got.Total != 0 {
		t.Errorf("in flight %d, answered %d, want 1 and 0", got.InFlight, got.Total)
	}
}

func TestStatsByClassAccountAndConnection(t *testing.T) {
	s := NewServer(t, Recorded(), Options{})
	robot := newClient(t, s, asRobot.name, asRobot.secret)
	wrong := newClient(t, s, asRobot.name, "wrong")
	robot.get("/projects/team-a")
	robot.get("/projects/nosuch")
	wrong.get("/projects/team-a")
	s.Inject(Rule{Fault: Gateway(502)})
	robot.get("/projects/team-a")
	got := s.Stats()
	for status, want := range map[int]int{200: 1, 403: 1, 401: 1, 502: 1} {
		if n := got.ByClass[ClassProject][status]; n != want {
			t.Errorf("status %d: %d requests, want %d", status, n, want)
		}
	}
	for account, want := range map[string]int{asRobot.name: 2, "anonymous": 1, "none": 1} {
		if n := got.ByAccount[account]; n != want {
			t.Errorf("account %s: %d requests, want %d", account, n, want)
		}
	}
	if got.Connections != 2 || got.ByMethod[http.MethodGet] != 4 {
		t.Errorf("%d connections, %d GETs, want 2 and 4", got.Connections, got.ByMethod[http.MethodGet])
	}
}

// TestConcurrentUse changes a registry while it is served; the race detector is
// the judge, and every answer must be whole.
func TestConcurrentUse(t *testing.T) {
	r := Recorded()
	s := NewServer(t, r, Options{})
	c := newClient(t, s, asRobot.name, asRobot.secret)
	remove := s.Inject(Rule{Class: ClassArtifacts, Rate: 0.1, Fault: InternalError()})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 20 {
				digest := r.Push("library/nginx", Image{Tags: []string{"latest"}})
				r.PushAccessory("library/nginx", digest, Accessory{})
				_ = r.AddLabel("library/nginx", digest, 1)    // another may have deleted it
				_ = r.Pull("library/nginx", "latest")         // it may have no tag for a moment
				_ = r.DeleteArtifact("library/nginx", digest) // another may have deleted it
				r.Listed("library")
			}
		})
		group.Go(func() {
			for range 20 {
				c.get("/projects/library/repositories/nginx/artifacts?with_label=true&with_accessory=true")
				c.get("/repositories?page_size=100")
				s.Stats()
			}
		})
	}
	group.Wait()
	remove()
	if got := len(rows[any](c, "/projects/library/repositories/nginx/artifacts")); got != 4 {
		t.Errorf("%d artifacts in the end, want the 4 of the start", got)
	}
}

func TestLatencyEndsWithTheServer(t *testing.T) {
	arrived := make(chan struct{})
	s := NewServer(t, New(), Options{Latency: time.Hour, Observer: func(*http.Request) { close(arrived) }})
	c := newClient(t, s, "", "")
	done := make(chan error)
	go func() {
		_, err := c.do(http.MethodGet, apiPrefix+"/ping")
		done <- err
	}()
	<-arrived
	s.Close()
	if err := <-done; err == nil {
		t.Error("a request that waits for the latency was answered")
	}
}
