// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// decoder reads JSON as a stream, token by token, and takes it as it comes:
// unknown fields are passed over, and so is a value of another kind than
// expected, null included. Only the frame must be right.
type decoder struct {
	*jsontext.Decoder
	shared map[string]string
}

// errShape: the outermost value is not what it must be.
var errShape = errors.New("unexpected kind of JSON value")

func newDecoder(r io.Reader) *decoder {
	return &decoder{
		// One odd annotation must not lose a page.
		Decoder: jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
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
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := field(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (d *decoder) text(to *string) error {
	if ok, err := d.is('"'); !ok {
		return err
	}
	token, err := d.ReadToken()
	if err == nil {
		*to = strings.ToValidUTF8(token.String(), "�")
	}
	return err
}

// name reads a text of which few different ones exist; equal ones share memory.
func (d *decoder) name(to *string) error {
	err := d.text(to)
	if known, ok := d.shared[*to]; ok {
		*to = known
	} else if len(d.shared) < 4096 {
		d.shared[*to] = *to
	}
	return err
}

func (d *decoder) number(to *int64) error {
	if ok, err := d.is('0'); !ok {
		return err
	}
	token, err := d.ReadToken()
	if err == nil {
		// A fraction is cut off, a number beyond the range gets its end.
		*to, _ = token.Int()
	}
	return err
}

func (d *decoder) integer(to *int) error {
	var n int64
	err := d.number(&n)
	*to = int(n)
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
	var text string
	if err := d.text(&text); err != nil {
		return err
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.Year() > 1 && t.Year() < 10000 {
		*to = t.UTC()
	}
	return nil
}

// list decodes an outermost array, or null for an empty one, and makes sure
// that nothing follows.
func list[T any](body io.Reader, element func(*decoder, *T) error) ([]T, error) {
	d := newDecoder(body)
	if kind := d.PeekKind(); kind != '[' && kind != 'n' && kind != 0 {
		return nil, errShape
	}
	var items []T
	err := d.array(func() error {
		var item T
		if err := element(d, &item); err != nil {
			return err
		}
		items = append(items, item)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, d.end()
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
