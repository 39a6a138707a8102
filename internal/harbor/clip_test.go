// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestClip(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct{ about, give, want string }{
		{"nothing to do", `{"a":"b\"c","d":["\\","\u0041"]}`, `{"a":"b\"c","d":["\\","\u0041"]}`},
		{"as long as allowed", `["` + x(maxClipped) + `","y"]`, `["` + x(maxClipped) + `","y"]`},
		{"too long", `["` + x(maxClipped+1) + `","y"]`, `["` + x(maxClipped) + `","y"]`},
		{"much too long", `["` + x(5*maxClipped) + `","y"]`, `["` + x(maxClipped) + `","y"]`},
		{"quotes in what is dropped", `["` + x(maxClipped) + strings.Repeat(`\"`, 999) + `","y"]`, `["` + x(maxClipped) + `","y"]`},
		{"an escape sequence is kept whole", `["` + x(maxClipped-1) + `\u0041zzz","y"]`, `["` + x(maxClipped-1) + `\u0041","y"]`},
		{"and a short one", `["` + x(maxClipped-1) + `\\zzz","y"]`, `["` + x(maxClipped-1) + `\\","y"]`},
		{"one that comes too late is dropped", `["` + x(maxClipped) + `\u0041\"zzz","y"]`, `["` + x(maxClipped) + `","y"]`},
		{"a name", `{"` + x(2*maxClipped) + `":1}`, `{"` + x(maxClipped) + `":1}`},
		{"no end", `["` + x(2*maxClipped), `["` + x(maxClipped)},
	} {
		for _, reader := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
			got, err := io.ReadAll(&clipped{r: reader(strings.NewReader(tt.give))})
			if err != nil || string(got) != tt.want {
				t.Errorf("%s: %d bytes, want %d, %v", tt.about, len(got), len(tt.want), err)
			}
		}
	}
}

// TestClippedIsValid: what was JSON still is, with the same values where no
// string was too long, however the bytes come.
func TestClippedIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.StringN(0, 20, -1).Draw(t, "text"), rapid.SampledFrom([]int{0, 1, 3, 9000}).Draw(t, "times"))
		}), 0, 8).Draw(t, "texts")
		given, err := json.Marshal(texts)
		if err != nil {
			t.Fatal(err)
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5000), 1, 10).Draw(t, "reads")
		got, err := io.ReadAll(&clipped{r: &inParts{given, sizes}})
		if err != nil {
			t.Fatal(err)
		}
		var back []string
		if err := json.Unmarshal(got, &back); err != nil || len(back) != len(texts) {
			t.Fatalf("%d texts of %d, %v", len(back), len(texts), err)
		}
		var whole []string
		if err := json.Unmarshal(given, &whole); err != nil { // invalid UTF-8 has become U+FFFD
			t.Fatal(err)
		}
		for i, text := range whole {
			quoted, err := json.Marshal(texts[i])
			if err != nil {
				t.Fatal(err)
			}
			if long := len(quoted)-2 > maxClipped; !long && back[i] != text || long && !strings.HasPrefix(text, strings.TrimRight(back[i], "\ufffd")) {
				t.Fatalf("text %d of %d bytes came back otherwise", i, len(text))
			}
		}
	})
}

// inParts gives bytes in reads of these sizes, in turn.
type inParts struct {
	left  []byte
	sizes []int
}

func (r *inParts) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.sizes[0])], r.left)
	r.left, r.sizes = r.left[n:], append(r.sizes[1:], r.sizes[0])
	return n, nil
}
