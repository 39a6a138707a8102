// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"maps"
	"net"
	"net/http"
	"sync"
)

// Stats are the counts of a [Handler].
type Stats struct {
	// Total counts the requests that were answered, or broken off.
	Total int `json:"total"`
	// ByClass counts them by endpoint class and status; 0 stands for a request
	// whose client went before it was answered.
	ByClass map[Class]map[int]int `json:"byClass"`
	// ByAccount counts them by the account that they were answered as:
	// "anonymous" also where credentials were wrong. Requests that a fault
	// answered are under "none".
	ByAccount map[string]int `json:"byAccount"`
	// ByMethod counts them by method.
	ByMethod map[string]int `json:"byMethod"`
	// InFlight counts the requests that have been received and whose answers
	// have not been written to the end.
	InFlight int `json:"inFlight"`
	// Highest is the greatest InFlight since the last [Handler.ResetHighest],
	// HighestEver the greatest of all.
	Highest     int `json:"highest"`
	HighestEver int `json:"highestEver"`
	// Connections counts the connections that clients have opened.
	Connections int `json:"connections"`
	// Bytes of all bodies.
	Bytes int64 `json:"bytes"`
}

// Requests is the number of requests of the class, of any status.
func (s Stats) Requests(class Class) int {
	n := 0
	for _, count := range s.ByClass[class] {
		n += count
	}
	return n
}

type counters struct {
	mu sync.Mutex
	Stats
}

func (c *counters) reset() {
	c.ByClass, c.ByAccount, c.ByMethod = map[Class]map[int]int{}, map[string]int{}, map[string]int{}
}

// flight is one request in flight.
type flight struct {
	counters *counters
	once     sync.Once
}

func (c *counters) begin() *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.InFlight++
	c.Highest = max(c.Highest, c.InFlight)
	c.HighestEver = max(c.HighestEver, c.InFlight)
	return &flight{counters: c}
}

// end counts the request as done, once.
func (f *flight) end(x *exchange) {
	f.once.Do(func() {
		c := f.counters
		c.mu.Lock()
		defer c.mu.Unlock()
		c.InFlight--
		c.Total++
		status, who := 0, "none"
		if x.answer != nil {
			status = x.answer.status
			c.Bytes += int64(len(x.answer.body))
			if x.answered {
				who = x.account.who()
			}
		}
		if c.ByClass[x.class] == nil {
			c.ByClass[x.class] = map[int]int{}
		}
		c.ByClass[x.class][status]++
		c.ByAccount[who]++
		c.ByMethod[x.request.Method]++
	})
}

// Stats returns the counts so far.
func (h *Handler) Stats() Stats {
	c := &h.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.Stats
	s.ByAccount, s.ByMethod = maps.Clone(c.ByAccount), maps.Clone(c.ByMethod)
	s.ByClass = map[Class]map[int]int{}
	for class, counts := range c.ByClass {
		s.ByClass[class] = maps.Clone(counts)
	}
	return s
}

// ResetHighest starts Stats.Highest again, with what is in flight now.
func (h *Handler) ResetHighest() {
	h.counters.mu.Lock()
	defer h.counters.mu.Unlock()
	h.counters.Highest = h.counters.InFlight
}

// ConnState counts connections; set it as http.Server's ConnState. [NewServer]
// does.
func (h *Handler) ConnState(_ net.Conn, state http.ConnState) {
	if state != http.StateNew {
		return
	}
	h.counters.mu.Lock()
	defer h.counters.mu.Unlock()
	h.counters.Connections++
}
