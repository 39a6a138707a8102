// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of what decoding keeps.
const (
	// maxText is the length of the longest text that is kept whole, in bytes; a
	// longer one is no name, digest or type, and taken as absent.
	maxText = 4096
	// maxShared and maxSharedBytes bound the texts of one answer that equal ones
	// share memory with.
	maxShared      = 4096
	maxSharedBytes = 256
	// bufferBytes is how much of a body is in memory at a time, if no string in
	// it is longer.
	bufferBytes = 32 << 10
)

// decoder reads JSON as a stream, token by token, and takes it as it comes:
// unknown fields are passed over, and so is a value of another kind than
// expected, null included. Only the frame must be right.
type decoder struct {
	*jsontext.Decoder
	input   held
	texts   texts
	scratch []byte
}

// errShape: the outermost value is not what it must be.
var errShape = errors.New("unexpected kind of JSON value")

// tolerant: one odd annotation must not lose a page.
var tolerant = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// longString is as long as the buffer of a decoder is to be.
var longString = `"` + strings.Repeat("-", bufferBytes-2) + `"`

// decoders are kept for their buffers. Of its own accord jsontext reads 4 KiB at
// a time, but it keeps a buffer that it once needed for a long string.
var decoders = sync.Pool{New: func() any {
	d := &decoder{Decoder: jsontext.NewDecoder(strings.NewReader(longString), tolerant...)}
	_, _ = d.ReadValue() // it is valid
	return d
}}

// newDecoder returns a decoder; free it when nothing that it returned is in use
// but strings.
func newDecoder(r io.Reader) *decoder {
	d, ok := decoders.Get().(*decoder)
	if !ok {
		panic("decoders holds decoders alone")
	}
	d.input = held{clipped: clipped{r: r}}
	d.Reset(&d.input, tolerant...)
	return d
}

func (d *decoder) free() {
	d.input = held{}
	d.texts.forget()
	decoders.Put(d)
}

// held is the decoder's input. For the time being it can be made to give no more
// than so many bytes.
type held struct {
	clipped
	holding bool
	left    int
}

var errHeld = errors.New("more of the input is needed")

func (h *held) Read(p []byte) (int, error) {
	if !h.holding {
		return h.clipped.Read(p)
	}
	if h.left <= 0 {
		return 0, errHeld
	}
	n, err := h.clipped.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// skip passes over the next value. Token by token, a large one takes no memory,
// but as a whole is faster, so that is tried with what the buffer has room for.
// A larger one is not lost by it: jsontext can go on where its input failed.
func (d *decoder) skip() error {
	kind := d.PeekKind()
	if kind != '{' && kind != '[' {
		return d.SkipValue()
	}
	d.input.holding, d.input.left = true, bufferBytes/4*3-len(d.UnreadBuffer())
	_, err := d.ReadValue()
	d.input.holding = false
	if errors.Is(err, errHeld) {
		return d.SkipValue()
	}
	return err
}

// isPlain tells whether what stands between quotes is the text itself.
func isPlain(inner []byte) bool { return bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) }

// unquote returns the text of a JSON string, until the next call or read.
// Invalid UTF-8 becomes U+FFFD.
func (d *decoder) unquote(raw jsontext.Value) []byte {
	if inner := raw[1 : len(raw)-1]; isPlain(inner) {
		return inner
	}
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], raw) // its error tells of invalid UTF-8
	return d.scratch
}

// shared returns the text of a JSON string, which equal ones share memory with.
func (d *decoder) shared(raw jsontext.Value) string {
	inner := raw[1 : len(raw)-1]
	recent := d.texts.recently(inner)
	if *recent == string(inner) {
		return *recent
	}
	if !isPlain(inner) {
		return d.texts.share(d.unquote(raw))
	}
	s := d.texts.share(inner)
	if len(s) <= maxSharedBytes {
		*recent = s
	}
	return s
}
