// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"io"
)

const (
	// maxClipped is what is let through of one JSON string, in bytes as they are sent.
	maxClipped = 64 << 10
	// maxGap bounds what stands between two strings: punctuation, numbers, blanks.
	maxGap = 1 << 20
)

// clipped lets JSON through and shortens its long strings: a token is in memory
// as a whole while it is decoded, and an annotation may have megabytes. No
// escape sequence is torn.
type clipped struct {
	r      io.Reader
	inside bool // a string
	run    int  // bytes of the string so far, or since the last one
	escape int  // bytes of an escape sequence to come; afterBackslash: unknown
	drop   bool // the string has been long enough
}

const afterBackslash = -1

func (c *clipped) Read(p []byte) (int, error) {
	for {
		if !c.inside && c.run > maxGap {
			return 0, errShape
		}
		n, err := c.r.Read(p)
		kept := c.clip(p[:n])
		if kept > 0 || err != nil || n == 0 {
			return kept, err
		}
	}
}

// clip moves what is kept of p to its start and returns its length.
func (c *clipped) clip(p []byte) int {
	if c.harmless(p) {
		return len(p)
	}
	kept := 0
	for i := 0; i < len(p); {
		n, keep := c.part(p[i:])
		if keep {
			if kept != i {
				copy(p[kept:], p[i:i+n])
			}
			kept += n
		}
		i += n
	}
	return kept
}

// harmless is the short way for most of what comes: without escape sequences,
// quotes need only be counted, and no string in it or begun before is long.
func (c *clipped) harmless(p []byte) bool {
	if c.escape != 0 || c.drop || c.run+len(p) > maxClipped || bytes.IndexByte(p, '\\') >= 0 {
		return false
	}
	last := bytes.LastIndexByte(p, '"')
	if last < 0 {
		c.run += len(p)
		return true
	}
	if bytes.Count(p, quote)%2 == 1 {
		c.inside = !c.inside
	}
	c.run = len(p) - last - 1
	return true
}

var quote = []byte{'"'}

// part returns the length of the next part that is kept or dropped as a whole.
func (c *clipped) part(p []byte) (n int, keep bool) {
	if !c.inside {
		return c.between(p), true
	}
	switch {
	case c.escape == afterBackslash:
		n, c.escape = 1, 0
		if p[0] == 'u' {
			c.escape = 4
		}
	case c.escape > 0:
		n = min(c.escape, len(p))
		c.escape -= n
	case p[0] == '"':
		c.inside, c.run, c.drop = false, 0, false
		return 1, true
	case c.run >= maxClipped:
		c.drop = true
		fallthrough
	default:
		n = c.plain(p)
	}
	c.run += n
	return n, !c.drop
}

// between goes up to the next string, its opening quote included.
func (c *clipped) between(p []byte) int {
	n := bytes.IndexByte(p, '"')
	if n < 0 {
		c.run += len(p)
		return len(p)
	}
	c.inside, c.run = true, 0
	return n + 1
}

// plain goes up to the next quote or escape sequence, or is the start of the latter.
func (c *clipped) plain(p []byte) int {
	if p[0] == '\\' {
		c.escape = afterBackslash
		return 1
	}
	p = p[:min(len(p), 512)]
	if c.run < maxClipped {
		p = p[:min(len(p), maxClipped-c.run)]
	}
	if n := bytes.IndexByte(p, '"'); n >= 0 {
		p = p[:n]
	}
	if n := bytes.IndexByte(p, '\\'); n >= 0 {
		p = p[:n]
	}
	return len(p)
}
