// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
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
)

// decoder reads JSON as a stream, token by token, and takes it as it comes:
// unknown fields are passed over, and so is a value of another kind than
// expected, null included. Only the frame must be right.
type decoder struct {
	*jsontext.Decoder
	shared  map[string]string
	scratch []byte
}

// errShape: the outermost value is not what it must be.
var errShape = errors.New("unexpected kind of JSON value")

func newDecoder(r io.Reader) *decoder {
	return &decoder{
		// One odd annotation must not lose a page.
		Decoder: jsontext.NewDecoder(&clipped{r: r}, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		shared:  map[string]string{},
	}
}

func (d *decoder) skip() error { return d.SkipValue() }

// is tells whether the next value is of this kind; one of another kind is passed over.
func (d *decoder) is(kind jsontext.Kind) (bool, error) {
	if d.PeekKind() == kind {
		return true, nil
	}
	return false, d.SkipValue()
}

// array calls each for every element; each must read exactly one value.
func (d *decoder) array(each func() error) error {
	if ok, err := d.is('['); !ok {
		return err
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if d.PeekKind() == 0 { // broken or cut off: ReadToken says how
			_, err := d.ReadToken()
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// object calls field for every member; field must read exactly the value.
func (d *decoder) object(field func(name string) error) error {
	if ok, err := d.is('{'); !ok {
		return err
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		raw, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := field(d.share(d.unquote(raw))); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// unquote returns the text of a JSON string, until the next call or read.
// Invalid UTF-8 becomes U+FFFD.
func (d *decoder) unquote(raw jsontext.Value) []byte {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], raw) // its error tells of invalid UTF-8
	return d.scratch
}

// share returns b as a string that equal ones of this answer share.
func (d *decoder) share(b []byte) string {
	if known, ok := d.shared[string(b)]; ok {
		return known
	}
	s := string(b)
	if len(s) <= maxSharedBytes && len(d.shared) < maxShared {
		d.shared[s] = s
	}
	return s
}

// bytes reads a text; nil if the value is none. It is valid until the next read.
func (d *decoder) bytes() ([]byte, error) {
	if ok, err := d.is('"'); !ok {
		return nil, err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	return d.unquote(raw), nil
}

// text reads a text.
func (d *decoder) text(to *string) error {
	b, err := d.bytes()
	if b != nil && len(b) <= maxText {
		*to = string(b)
	}
	return err
}

// name reads a text of which few different ones exist; equal ones share memory.
func (d *decoder) name(to *string) error {
	b, err := d.bytes()
	if b != nil && len(b) <= maxText {
		*to = d.share(b)
	}
	return err
}

// number reads an id, a size or a count: whole and not negative.
func (d *decoder) number(to *int64) error {
	if ok, err := d.is('0'); !ok {
		return err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n >= 0 {
		*to = n
	}
	return nil
}

func (d *decoder) integer(to *int) error {
	var n int64
	err := d.number(&n)
	if int64(int(n)) == n {
		*to = int(n)
	}
	return err
}

func (d *decoder) boolean(to *bool) error {
	kind := d.PeekKind()
	if kind != 't' && kind != 'f' {
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	if err == nil {
		*to = token.Bool()
	}
	return err
}

// time reads RFC 3339. Harbor's "never" is the year 1; that, null and nonsense are the zero time.
func (d *decoder) time(to *time.Time) error {
	b, err := d.bytes()
	if b == nil {
		return err
	}
	var t time.Time
	if t.UnmarshalText(b) == nil {
		if t = t.UTC(); t.Year() > 1 && t.Year() < 10000 {
			*to = t
		}
	}
	return nil
}

// list decodes an outermost array and makes sure that nothing follows.
func list[T any](body io.Reader, element func(*decoder, *T) error) ([]T, error) {
	d := newDecoder(body)
	if kind := d.PeekKind(); kind != '[' && kind != 0 {
		return nil, errShape
	}
	var items []T
	if err := elements(d, &items, element, nil); err != nil {
		return nil, err
	}
	return items, d.end()
}

// elements decodes an array, and keeps the elements that are of use.
func elements[T any](d *decoder, to *[]T, element func(*decoder, *T) error, use func(*T) bool) error {
	*to = nil // of equal names the last one counts
	return d.array(func() error {
		var zero T
		*to = append(*to, zero)
		item := &(*to)[len(*to)-1] // in place: records are large
		if err := element(d, item); err != nil {
			return err
		}
		if use != nil && !use(item) {
			if *to = (*to)[:len(*to)-1]; len(*to) == 0 {
				*to = nil
			}
		}
		return nil
	})
}

// get makes a call whose answer is one object. Named, if given, tells whether it
// has what it cannot do without.
func get[T any](ctx context.Context, c *Client, what call, element func(*decoder, *T) error, named func(*T) bool) (T, error) {
	var item T
	what.decode = func(_ http.Header, body io.Reader) (err error) {
		item, err = single(body, element)
		if err == nil && named != nil && !named(&item) {
			err = &ResponseError{Reason: reasonUnnamed}
		}
		return err
	}
	if err := c.do(ctx, what); err != nil {
		var none T
		return none, err
	}
	return item, nil
}

// single decodes an outermost object and makes sure that nothing follows.
func single[T any](body io.Reader, element func(*decoder, *T) error) (T, error) {
	var item T
	d := newDecoder(body)
	if kind := d.PeekKind(); kind != '{' && kind != 0 {
		return item, errShape
	}
	if err := element(d, &item); err != nil {
		return item, err
	}
	return item, d.end()
}

// end makes sure that nothing but white space follows. It reads to the body's
// end, so the connection can be used again.
func (d *decoder) end() error {
	switch _, err := d.ReadToken(); {
	case err == nil:
		return errShape
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// cutText shortens a text to at most n bytes, at the border of a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
