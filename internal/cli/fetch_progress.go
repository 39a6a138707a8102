// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// How often progress is shown: drawn anew on a terminal, a line elsewhere.
const (
	redrawEvery = 200 * time.Millisecond
	lineEvery   = 10 * time.Second
)

// tally is how far a fetch has come.
type tally struct {
	repositories, found int
	projects, artifacts int
	pages, retries      int
}

// text says it, after so much time.
func (t tally) text(elapsed time.Duration) string {
	if t.found == 0 {
		return "looking for repositories"
	}
	rate := float64(t.artifacts) / max(elapsed.Seconds(), 0.001)
	parts := []string{
		fmt.Sprintf("%d of %s", t.repositories, counted(t.found, "repository")),
		counted(t.projects, "project"), counted(t.pages, "page"), counted(t.artifacts, "artifact"),
		fmt.Sprintf("%.0f/s", rate),
	}
	if t.retries > 0 {
		parts = append(parts, counted(t.retries, "retry"))
	}
	return strings.Join(parts, ", ")
}

// line says it while it goes on: first how long the rest takes, at the pace until
// now, if something can be said of that.
func (t tally) line(elapsed time.Duration) string {
	if t.repositories == 0 || t.repositories >= t.found {
		return t.text(elapsed)
	}
	rest := float64(t.found-t.repositories) / float64(t.repositories)
	return fmt.Sprintf("about %s left, %s", time.Duration(float64(elapsed)*rest).Round(time.Second), t.text(elapsed))
}

// bar draws it into so many columns.
func (t tally) bar(elapsed time.Duration, columns int) string {
	const width = 20
	done := 0
	if t.found > 0 {
		done = width * t.repositories / t.found
	}
	line := "[" + strings.Repeat("=", done) + strings.Repeat(" ", width-done) + "] " + t.line(elapsed)
	if len(line) >= columns {
		line = line[:max(0, columns-1)]
	}
	return line
}

// progress shows a tally on standard error while a fetch goes on.
type progress struct {
	out     io.Writer // nil: nothing is shown
	columns int       // 0: no terminal
	now     func() time.Time
	start   time.Time
	over    chan struct{}
	ended   sync.WaitGroup

	mu       sync.Mutex
	tally    tally
	projects map[string]bool

	screen  sync.Mutex // taken before mu
	drawn   bool       // a bar stands on the terminal
	stopped bool
}

func newProgress() *progress {
	return &progress{over: make(chan struct{}), projects: map[string]bool{}}
}

// begin begins to show it.
func (p *progress) begin(e *environment, quiet bool) {
	p.now, p.start = e.now, e.now()
	if quiet {
		return
	}
	p.out = e.ErrOut
	every := lineEvery
	if columns, terminal := e.columns(e.ErrOut); terminal {
		p.columns, every = columns, redrawEvery
	}
	p.ended.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-p.over:
				return
			case <-ticker.C:
				p.show()
			}
		}
	})
}

func (p *progress) show() {
	p.screen.Lock()
	defer p.screen.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := p.now().Sub(p.start)
	if p.columns == 0 {
		tell(p.out, "%s\n", p.tally.line(elapsed))
		return
	}
	tell(p.out, "\r%s\x1b[K", p.tally.bar(elapsed, p.columns))
	p.drawn = true
}

// pause takes the bar away until resume is called, so that something else can be
// printed.
func (p *progress) pause() (resume func()) {
	p.screen.Lock()
	p.erase()
	return p.screen.Unlock
}

func (p *progress) erase() {
	if p.drawn {
		tell(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

// stop shows the end, once. Nothing else is at work any more.
func (p *progress) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	close(p.over)
	p.ended.Wait()
	p.erase()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil && p.tally.pages > 0 {
		elapsed := p.now().Sub(p.start)
		tell(p.out, "%s, in %s\n", p.tally.text(elapsed), elapsed.Round(100*time.Millisecond))
	}
}

// found notes that so many more repositories will be read.
func (p *progress) found(repositories int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.found += repositories
}

// read notes that a repository has been read.
func (p *progress) read(project string, artifacts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.projects[project] = true
	p.tally.projects = len(p.projects)
	p.tally.repositories++
	p.tally.artifacts += artifacts
}

// observe is a transport.Observer.
func (p *progress) observe(o transport.Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Try > 1 {
		p.tally.retries++
	}
	if o.Rows > 0 && o.Status == 200 {
		p.tally.pages++
	}
}
