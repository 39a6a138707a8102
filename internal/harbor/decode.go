// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
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

// is tells whether the next value is of this kind; one of another kind is passed over.
func (d *decoder) is(kind jsontext.Kind) (bool, error) {
	if d.PeekKind() == kind {
		return true, nil
	}
	return false, d.skip()
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
		if err := field(d.shared(raw)); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
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
	if ok, err := d.is('"'); !ok {
		return err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if s := d.shared(raw); len(s) <= maxText {
		*to = s
	}
	return nil
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
		return d.skip()
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

// list decodes an outermost array and makes sure that nothing follows. It makes
// room for so many elements at once as are expected.
func list[T any](body io.Reader, element func(*decoder, *T) error, expected int) ([]T, error) {
	d := newDecoder(body)
	defer d.free()
	if kind := d.PeekKind(); kind != '[' && kind != 0 {
		return nil, errShape
	}
	var items []T
	if expected > 0 {
		items = make([]T, 0, expected)
	}
	err := d.array(func() error { return element(d, grow(&items)) })
	if err == nil {
		err = d.end()
	}
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items, nil
}

// grow appends a zero element, to be filled in place: records are large.
func grow[T any](to *[]T) *T {
	var zero T
	*to = append(*to, zero)
	return &(*to)[len(*to)-1]
}

// elements decodes an array, and keeps the elements that are of use.
func elements[T any](d *decoder, to *[]T, element func(*decoder, *T) error, use func(*T) bool) error {
	*to = nil // of equal names the last one counts
	return d.array(func() error {
		item := grow(to)
		if err := element(d, item); err != nil {
			return err
		}
		if !use(item) {
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
	defer d.free()
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
