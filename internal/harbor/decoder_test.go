// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// TestSkip: what is passed over may be smaller or larger than the buffer, or
// just as large, wherever it begins in it and however its bytes come.
func TestSkip(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"as it comes": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
		"by halves": iotest.HalfReader, "end with the last bytes": iotest.DataErrReader,
	}
	const most = bufferBytes / 4 * 3 // is skipped as a whole
	for name, reader := range readers {
		for _, size := range []int{2, 100, most - 1, most, most + 1, bufferBytes, bufferBytes + 1, 5 * bufferBytes} {
			for _, before := range []int{1, 5000, bufferBytes - 20, bufferBytes} {
				text := fmt.Sprintf(`[{"icon":"%s","unknown":[%s],"id":7,"digest":"d"},{"id":8,"digest":"e"}]`,
					strings.Repeat("i", before), strings.Repeat("1,", size/2)+`{"a":[]}`)
				got, err := list(reader(strings.NewReader(text)), Details{}.decode, 0)
				if err != nil || len(got) != 2 || got[0].ID != 7 || got[0].Digest != "d" || got[1].ID != 8 {
					t.Errorf("%s, %d bytes after %d: %+v, %v", name, size, before, got, err)
				}
				if _, err := list(reader(strings.NewReader(strings.Replace(text, "1,{", "1,}", 1))), Details{}.decode, 0); err == nil {
					t.Errorf("%s, %d bytes after %d: invalid JSON was taken", name, size, before)
				}
			}
		}
	}
}

// TestMemoryOfWhatIsSkipped: passing over 16 MiB takes no more than buffers.
func TestMemoryOfWhatIsSkipped(t *testing.T) {
	text := `[{"id":1,"digest":"d","unknown":[0` + strings.Repeat(`,{"a":1}`, 2<<20) + `]}]`
	body := io.MultiReader(strings.NewReader(text)) // of no type that jsontext knows
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := list(body, Details{}.decode, 0)
	runtime.ReadMemStats(&after)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 512<<10 {
		t.Errorf("%d bytes were allocated", n)
	}
}
