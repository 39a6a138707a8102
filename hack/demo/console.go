// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// redrawInterval is the pause between two drawings of the line of a step, on a terminal.
	redrawInterval = 200 * time.Millisecond
	// updateInterval is the least pause between two lines about one step, elsewhere.
	updateInterval = 2 * time.Second
	// lineWidth is what fits on any terminal.
	lineWidth = 79
)

// console tells what happens: one line for each step. On a terminal the line of
// the step under way is drawn over and over; elsewhere lines are only added.
type console struct {
	out  io.Writer
	live bool

	mu      sync.Mutex
	title   string
	doing   string
	began   time.Time
	told    time.Time // when the last line about this step was written
	stop    chan struct{}
	stopped chan struct{}
}

func newConsole(out io.Writer, live bool) *console { return &console{out: out, live: live} }

// isTerminal tells whether a line can be drawn over.
func isTerminal(out *os.File) bool {
	info, err := out.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// begin starts a step.
func (c *console) begin(title, doing string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.title, c.doing, c.began, c.told = title, doing, time.Now(), time.Now()
	if !c.live {
		c.line("… %s: %s", title, doing)
		return
	}
	c.draw()
	c.stop, c.stopped = make(chan struct{}), make(chan struct{})
	go c.redraw(c.stop, c.stopped)
}

// update tells how far the step has come.
func (c *console) update(doing string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if doing == c.doing {
		return
	}
	if c.live {
		c.doing = doing
		c.draw()
	} else if time.Since(c.told) >= updateInterval {
		c.doing, c.told = doing, time.Now()
		c.line("  %s: %s (%s)", c.title, doing, seconds(time.Since(c.began)))
	}
}

// end finishes a step that went well.
func (c *console) end(result string) { c.finish("✓", result) }

// fail finishes a step that did not.
func (c *console) fail(problem string) { c.finish("✗", problem) }

func (c *console) finish(sign, result string) {
	if c.live {
		close(c.stop)
		<-c.stopped
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live {
		_, _ = io.WriteString(c.out, "\r\x1b[K")
	}
	c.line("%s %s: %s (%s)", sign, c.title, result, seconds(time.Since(c.began)))
}

func (c *console) redraw(stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(redrawInterval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			c.mu.Lock()
			c.draw()
			c.mu.Unlock()
		}
	}
}

func (c *console) draw() {
	text := fmt.Sprintf("… %s: %s (%s)", c.title, c.doing, seconds(time.Since(c.began)))
	_, _ = io.WriteString(c.out, "\r\x1b[K"+cut(text, lineWidth))
}

func (c *console) line(format string, args ...any) {
	_, _ = fmt.Fprintf(c.out, format+"\n", args...)
}

// say writes text between steps.
func (c *console) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(format, args...)
}

// shell shows a command and what it printed, as in a terminal, between empty lines.
func (c *console) shell(command, output string) {
	c.say("\n%s\n", indent("$ "+command+"\n"+strings.TrimRight(output, "\n")))
}

func indent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "    " + line
		}
	}
	return strings.Join(lines, "\n")
}

// cut shortens text to so many characters.
func cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// count renders a number with its noun: 1 artifact, 1,012 artifacts.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + many
}
