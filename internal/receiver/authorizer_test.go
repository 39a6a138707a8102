// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// values is a Secrets that a test changes and that counts how often it is asked.
type values struct {
	values [][]byte
	err    error
	asked  int
}

func (v *values) secrets(context.Context, string, string) ([][]byte, string, error) {
	v.asked++
	return v.values, endpoint, v.err
}

func texts(all ...string) [][]byte {
	var b [][]byte
	for _, text := range all {
		b = append(b, []byte(text))
	}
	return b
}

func TestAuthorize(t *testing.T) {
	for _, tt := range []struct {
		about  string
		values [][]byte
		err    error
		value  string
		want   *refusal
	}{
		{"the value", texts("one"), nil, "one", nil},
		{"the first of two", texts("one", "two"), nil, "one", nil},
		{"the second of two", texts("one", "two"), nil, "two", nil},
		{"a third does not count", texts("one", "two", "three"), nil, "three", badAuthorization},
		{"an empty one does not take a place", texts("", "one", " ", "two"), nil, "two", nil},
		{"a line feed at the end of the Secret's", texts("one\n"), nil, "one", nil},
		{"another", texts("one"), nil, "One", badAuthorization},
		{"none, where the Secret's is empty", texts("", "\n"), nil, "", badAuthorization},
		{"none, where there is none", nil, nil, "", badAuthorization},
		{"unknown", texts("one"), fmt.Errorf("%w: gone", ErrUnknown), "one", badAuthorization},
		{"an error", texts("one"), errors.New("the API server is down"), "one", noSecret},
	} {
		t.Run(tt.about, func(t *testing.T) {
			v := &values{values: tt.values, err: tt.err}
			a := newAuthorizer(v.secrets, Limits{}.orDefaults(), func() time.Time { return start })
			harbor, got := a.authorize(t.Context(), production, tt.value)
			if got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if (harbor == endpoint) != (tt.want == nil) {
				t.Errorf("Harbor %q", harbor)
			}
		})
	}
}

// TestSecretsAreCached: a name is looked up once in SecretTTL, whether it is
// known or not.
func TestSecretsAreCached(t *testing.T) {
	now := start
	v := &values{values: texts("one")}
	a := newAuthorizer(v.secrets, Limits{}.orDefaults(), func() time.Time { return now })
	check := func(step, value string, want *refusal, asked int) {
		t.Helper()
		for range 10 {
			if _, got := a.authorize(t.Context(), production, value); got != want {
				t.Errorf("%s: %v, want %v", step, got, want)
			}
		}
		if v.asked != asked {
			t.Errorf("%s: asked %d times, want %d", step, v.asked, asked)
		}
	}
	check("first", "one", nil, 1)
	v.values = texts("two")
	now = now.Add(9 * time.Second)
	check("rotated, not seen yet", "two", badAuthorization, 1)
	now = now.Add(time.Second)
	check("seen", "two", nil, 2)
	v.values = texts("three")
	a.expect(production)
	check("told of", "three", nil, 3)
	v.err = errors.New("down")
	now = now.Add(10 * time.Second)
	check("down", "three", noSecret, 4)
	now = now.Add(time.Second)
	check("still down", "three", noSecret, 5)
	v.err = ErrUnknown
	now = now.Add(time.Second)
	check("gone", "three", badAuthorization, 6)
	now = now.Add(9 * time.Second)
	check("gone, remembered", "three", badAuthorization, 6)
	v.err = nil
	now = now.Add(time.Second)
	check("back", "three", nil, 7)
}

// TestRandomNames: those who send names at random cause a bounded number of
// look-ups, use a bounded memory, and do not keep out who is known or expected.
func TestRandomNames(t *testing.T) {
	now := start
	asked := map[Name]int{}
	a := newAuthorizer(func(ctx context.Context, namespace, name string) ([][]byte, string, error) {
		asked[Name{namespace, name}]++
		return oneSecret(ctx, namespace, name)
	}, Limits{LookupRate: 20}.orDefaults(), func() time.Time { return now })
	late := Name{"team-a", "late"}
	for i := range 20_000 {
		now = now.Add(100 * time.Microsecond) // 10,000 a second
		name := Name{"team-a", fmt.Sprint("random-", i)}
		if _, got := a.authorize(t.Context(), name, secret); got != badAuthorization && got != tooManyLookups {
			t.Fatalf("%v", got)
		}
		if i == 1000 {
			a.expect(production)
			if _, got := a.authorize(t.Context(), late, secret); got != tooManyLookups {
				t.Errorf("one more unknown name: %v", got)
			}
		}
		if i >= 1000 {
			if _, got := a.authorize(t.Context(), production, secret); got != nil {
				t.Fatalf("the expected one: %v", got)
			}
		}
	}
	if n := len(asked); n > 40+2*20+1 { // what may come at once, 2 seconds, and production
		t.Errorf("asked for %d names", n)
	}
	if n := len(a.unknown.young) + len(a.unknown.old) + len(a.known); n > maxUnknown+1 {
		t.Errorf("%d names are remembered", n)
	}
}

// TestOneLookup: those who wait for the same name share one answer, and one who
// goes does not take it from the others.
func TestOneLookup(t *testing.T) {
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	a := newAuthorizer(func(context.Context, string, string) ([][]byte, string, error) {
		asked <- struct{}{}
		<-answer
		return texts("one"), endpoint, nil
	}, Limits{}.orDefaults(), time.Now)
	impatient, leave := context.WithCancel(t.Context())
	results := make(chan *refusal, 3)
	go func() { _, refused := a.authorize(impatient, production, "one"); results <- refused }()
	<-asked
	leave()
	if got := <-results; got != noSecret {
		t.Errorf("the one who left: %v", got)
	}
	for range 2 {
		go func() { _, refused := a.authorize(t.Context(), production, "one"); results <- refused }()
	}
	close(answer)
	for range 2 {
		if got := <-results; got != nil {
			t.Errorf("one who waited: %v", got)
		}
	}
	if len(asked) > 0 {
		t.Error("asked twice")
	}
}
