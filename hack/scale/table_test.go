// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	table := newTable("a", "b", "c")
	table.row("x", 1500*time.Millisecond, 1234567)
	table.row(int64(-1234), 1.005, 999)
	var out strings.Builder
	if err := table.write(&out); err != nil {
		t.Fatal(err)
	}
	want := "| a | b | c |\n| --- | --- | --- |\n| x | 1.5 s | 1,234,567 |\n| -1,234 | 1.00 | 999 |\n"
	if out.String() != want {
		t.Errorf("table\n%swant\n%s", out.String(), want)
	}
}

// What is beyond its bound fails, and only that.
func TestJudgeFirstSync(t *testing.T) {
	measured := func(sync, loop, writer time.Duration, peak int64) first {
		f := first{artifacts: 1, sync: sync, loop: loop, writer: writer}
		f.synced.manager.Peak = peak << 20
		return f
	}
	const s = time.Second
	for _, tt := range []struct {
		about string
		all   []first
		alone bool
		want  string
	}{
		{"as fast as the writer", []first{measured(10*s, 2*s, 10*s, 100)}, false, ""},
		{"as fast as the loop", []first{measured(10*s, 10*s, 2*s, 128)}, false, ""},
		{"a little slower", []first{measured(13*s, 2*s, 10*s, 100)}, false, ""},
		{"too slow", []first{measured(14*s, 2*s, 10*s, 100)}, false, "1.40 times"},
		{"too slow once of three times", []first{measured(30*s, 2*s, 10*s, 100), measured(11*s, 2*s, 10*s, 100), measured(10*s, 2*s, 10*s, 100)}, false, ""},
		{"slow, and nothing to compare with", []first{measured(14*s, 0, 0, 100)}, true, ""},
		{"too large", []first{measured(10*s, 2*s, 10*s, 129)}, false, "129.0 MiB"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			err := judgeFirstSync(tt.all, settings{peak: 128, alone: tt.alone})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
