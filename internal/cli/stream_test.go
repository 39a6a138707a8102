// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDecodeList(t *testing.T) {
	for _, tt := range []struct {
		about, text string
		want        []string // repositories
		next        string
		fails       bool
	}{
		{"items last", `{"kind":"ArtifactListList","metadata":{"resourceVersion":"1","continue":"c"},"items":[{"repository":"a"},{"repository":"b"}]}`, []string{"a", "b"}, "c", false},
		{"items first", `{"items":[{"repository":"a"}],"metadata":{"continue":"c"}}`, []string{"a"}, "c", false},
		{"none", `{"items":[],"metadata":{}}`, nil, "", false},
		{"null for none", `{"items":null}`, nil, "", false},
		{"fields that nobody knows", `{"items":[{"repository":"a","artifacts":[{"digest":"d","new":{"x":[1]}}]}],"more":[{}]}`, []string{"a"}, "", false},
		{"cut off within the items", `{"metadata":{"continue":"c"},"items":[{"repository":"a"},`, []string{"a"}, "", true},
		{"cut off behind the items", `{"items":[{"repository":"a"}]`, []string{"a"}, "", true},
		{"no list", `{"kind":"Status","status":"Failure"}`, nil, "", true},
		{"no JSON", `<html>`, nil, "", true},
		{"empty", ``, nil, "", true},
	} {
		t.Run(tt.about, func(t *testing.T) {
			var got []string
			next, err := decodeList(strings.NewReader(tt.text), func(l *list) error {
				got = append(got, l.Repository)
				return nil
			})
			if next != tt.next || (err != nil) != tt.fails || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %q, %v; want %v, %q, an error: %v", got, next, err, tt.want, tt.next, tt.fails)
			}
		})
	}
	enough := errors.New("enough")
	_, err := decodeList(strings.NewReader(`{"items":[{},{}]}`), func(*list) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("%v, want the error of the one who takes", err)
	}
}

// FuzzDecodeList holds that a list is decoded as encoding/json does, or refused.
func FuzzDecodeList(f *testing.F) {
	f.Add(`{"metadata":{"continue":"c"},"items":[{"repository":"a"},{"repository":"b"}]}`)
	f.Add(`{"items":[{"repository":"a","artifacts":[{"digest":"sha256:1","tags":["x"]}]}]}`)
	f.Add(`{"items":null,"items":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var got []string
		next, err := decodeList(strings.NewReader(text), func(o *struct {
			Repository string `json:"repository"`
		},
		) error {
			got = append(got, o.Repository)
			return nil
		})
		if err != nil {
			return
		}
		var want struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []json.RawMessage `json:"items"`
		}
		if jsonErr := json.Unmarshal([]byte(text), &want); jsonErr != nil {
			// What comes behind the list is not read, and other spellings of
			// a name are other names here.
			return
		}
		if strings.Count(text, "items") == 1 && strings.Count(text, "metadata") <= 1 && strings.Count(text, "continue") <= 1 &&
			!strings.Contains(text, "\\") && (len(got) != len(want.Items) || next != want.Metadata.Continue) {
			t.Errorf("%d items and %q, want %d and %q", len(got), next, len(want.Items), want.Metadata.Continue)
		}
	})
}
