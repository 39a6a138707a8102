// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConsole(t *testing.T) {
	play := func(live bool) string {
		var out strings.Builder
		c := newConsole(&out, live)
		c.begin("Sync", "waiting")
		c.update("1 of 2")
		c.end("done")
		c.shell("kubectl get", "a\n\nb\n")
		c.begin("Check", "comparing")
		c.fail(errors.New("differs").Error())
		return regexp.MustCompile(`\d+\.\d s`).ReplaceAllString(out.String(), "T")
	}
	plain := "… Sync: waiting\n✓ Sync: done (T)\n\n    $ kubectl get\n    a\n\n    b\n\n… Check: comparing\n✗ Check: differs (T)\n"
	if got := play(false); got != plain {
		t.Errorf("elsewhere:\n%q, want\n%q", got, plain)
	}
	got := play(true)
	for _, part := range []string{"\r\x1b[K… Sync: waiting (T)", "\r\x1b[K… Sync: 1 of 2 (T)", "\r\x1b[K✓ Sync: done (T)\n", "✗ Check: differs (T)\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("on a terminal: %q lacks %q", got, part)
		}
	}
	if strings.Contains(got, "waiting (T)\n") {
		t.Errorf("on a terminal a line under way has an end: %q", got)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 lists", 1: "1 list", 999: "999 lists", 1000: "1,000 lists", 1234567: "1,234,567 lists"} {
		if got := count(n, "list", "lists"); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"": "", "abc": "abc", "äöüß": "äöüß", "äöüße": "äöü…"} {
		if got := cut(text, 4); got != want {
			t.Errorf("cut(%q) = %q, want %q", text, got, want)
		}
	}
}
