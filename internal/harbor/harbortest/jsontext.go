// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// The API's JSON is appended by hand, field by field in the order of Harbor's
// own (alphabetical), and without a struct that a client could share.

// millis is how the API writes times.
const millis = "2006-01-02T15:04:05.000Z"

// yearOne is how it writes a time that is NULL.
const yearOne = `"0001-01-01T00:00:00.000Z"`

func appendTime(w []byte, t instant) []byte {
	if t == never {
		return append(w, yearOne...)
	}
	w = append(w, '"')
	w = t.time().AppendFormat(w, millis)
	return append(w, '"')
}

func appendInt(w []byte, n int64) []byte { return strconv.AppendInt(w, n, 10) }

// appendString appends s as encoding/json writes it without HTML escapes.
func appendString(w []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf || c == 0x7f {
			return append(w, marshal(s)...)
		}
	}
	w = append(w, '"')
	w = append(w, s...)
	return append(w, '"')
}

// appendRaw appends JSON, or null where there is none.
func appendRaw(w, raw []byte) []byte {
	if len(raw) == 0 {
		return append(w, "null"...)
	}
	return append(w, raw...)
}

func formatTime(t time.Time) string { return t.UTC().Format(millis) }
