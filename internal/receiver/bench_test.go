// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	gometrics "runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"
)

var floodFor = flag.Duration("flood", 3*time.Second, "how long BenchmarkFlood sends")

// BenchmarkFlood sends 10,000 requests a second that are no good, or as many as
// the machine can, from another process, with one event every 100 ms among them
// that is. It reports
//
//	requests/s       that were sent, and what limited them in the log
//	live-last/first  the greatest live heap of the flood's last third to that of
//	                 its first third: 1 is flat
//	heap-peak-MB     the greatest heap of the flood, garbage included
//	p50-ms, p99-ms   from sending an event to passing its hint on
//	p99-flood/quiet  to what it was in the same run without the flood
//
// Everything is on one machine: the other process takes as much of it as the
// receiver does. For the whole of the time that the project promises:
//
//	go test ./internal/receiver -run '^$' -bench Flood -benchtime 1x -flood 30s
func BenchmarkFlood(b *testing.B) {
	for range b.N {
		events := &eventStream{sent: map[string]time.Time{}}
		r := newReceiver(b, Config{Hint: events.hint})
		address, stop := serve(b, r, nil)
		quiet := events.run(b, address, 2*time.Second, nil)
		runtime.GC()
		before, _ := heap()
		var peaks, live []uint64
		var result flooded
		var group sync.WaitGroup
		group.Go(func() {
			result = startFlood(b, flood{Address: address, For: *floodFor, Rate: 10_000, Connections: 24, Slow: 2200, Oversize: 5})
		})
		loud := events.run(b, address, *floodFor, func() {
			all, alive := heap()
			peaks, live = append(peaks, all), append(live, alive)
		})
		group.Wait()
		stop()
		report(b, before, peaks, live, result, quiet, loud)
		if len(loud) == 0 || events.lost() > 0 {
			b.Errorf("of %d events %d were never passed on", len(loud)+events.lost(), events.lost())
		}
	}
}

func report(b *testing.B, before uint64, peaks, live []uint64, result flooded, quiet, loud []time.Duration) {
	b.Helper()
	sent := 0
	for _, n := range result.Sent {
		sent += n
	}
	b.Logf("sent %v", result.Sent) // in the order of keys
	b.Logf("answered, by status (0: the connection was closed) %v", result.Answered)
	third := len(live) / 3
	first, last := slices.Max(live[:third]), slices.Max(live[2*third:])
	b.Logf("heap before %.1f MB; greatest live heap in the first third %.1f MB, in the last %.1f MB", mb(before), mb(first), mb(last))
	b.Logf("%d events in quiet: p50 %v p99 %v; %d in the flood: p50 %v p99 %v, greatest %v", len(quiet), quantile(quiet, 50), quantile(quiet, 99),
		len(loud), quantile(loud, 50), quantile(loud, 99), quantile(loud, 100))
	rate := float64(sent) / floodFor.Seconds()
	if rate < 9_900 {
		b.Logf("%.0f requests a second are what %d cores do, which the sender shares with the receiver", rate, runtime.NumCPU())
	}
	b.ReportMetric(rate, "requests/s")
	b.ReportMetric(float64(last)/float64(first), "live-last/first")
	b.ReportMetric(mb(slices.Max(peaks)), "heap-peak-MB")
	b.ReportMetric(ms(quantile(loud, 50)), "p50-ms")
	b.ReportMetric(ms(quantile(loud, 99)), "p99-ms")
	b.ReportMetric(ms(quantile(loud, 99))/ms(quantile(quiet, 99)), "p99-flood/quiet")
	b.ReportMetric(0, "ns/op") // not what this is about
}

func mb(n uint64) float64 { return float64(n) / 1e6 }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile of durations in order.
func quantile(d []time.Duration, percent int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)*percent/100, len(d)-1)]
}

// heap is what objects take, those that are garbage included, and what was left
// of them by the last collection.
func heap() (all, live uint64) {
	sample := []gometrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	gometrics.Read(sample)
	return sample[0].Value.Uint64(), sample[1].Value.Uint64()
}

// startFlood runs the other process to its end.
func startFlood(b *testing.B, f flood) flooded {
	b.Helper()
	instruction, err := json.Marshal(f)
	if err != nil {
		b.Error(err)
		return flooded{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.For+30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), floodVariable+"="+string(instruction))
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		b.Errorf("the flood: %v\n%s", err, problems.String())
	}
	var result flooded
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		b.Errorf("the flood: %v", err)
	}
	return result
}

// eventStream sends good events and notes when their hints come.
type eventStream struct {
	mu    sync.Mutex
	tag   int
	sent  map[string]time.Time // by digest, those whose hint has not come
	taken []time.Duration
}

func (s *eventStream) hint(h Hint) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range h.Artifacts {
		if at, ok := s.sent[a.Digest]; ok {
			s.taken = append(s.taken, now.Sub(at))
			delete(s.sent, a.Digest)
		}
	}
}

func (s *eventStream) lost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// run sends an event every 100 ms and returns how long their hints took, in
// order. each, if given, is called every 10 ms.
func (s *eventStream) run(b *testing.B, address string, d time.Duration, each func()) []time.Duration {
	b.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 3 * time.Second} // as Harbor's
	s.taken = nil
	var group sync.WaitGroup
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for i := range int(d / (10 * time.Millisecond)) {
		<-ticks.C
		if each != nil {
			each()
		}
		if i%10 != 0 {
			continue
		}
		s.mu.Lock()
		s.tag++
		tag := fmt.Sprint("v", s.tag)
		s.sent[digestOf(tag)] = time.Now()
		s.mu.Unlock()
		group.Go(func() {
			response, err := client.Do(request(b, "http://"+address+Path(production), pushEvent("library/real-"+tag, tag)))
			if err != nil {
				b.Errorf("an event: %v", err)
				return
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				b.Errorf("an event: status %d", response.StatusCode)
			}
		})
	}
	group.Wait()
	time.Sleep(500 * time.Millisecond) // for the last hints
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.taken)
	return s.taken
}
