// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// After the suite has run, everything that it printed and that the operator wrote
// is searched for every value of every Secret that there was, and for the text of
// every answer of Harbor that was no success. Then something is put there, and has
// to be found.

// The places that are searched.
const (
	logged   = "the operator's log"
	printed  = "standard output and standard error"
	written  = "what the operator wrote to the API server: statuses, lists, events" // every version of each
	measured = "the metrics"
)

// trail keeps what was logged, printed and written.
var trail = &texts{kept: map[string]*bytes.Buffer{}}

type texts struct {
	mu   sync.Mutex
	kept map[string]*bytes.Buffer // by place
}

func (k *texts) add(place string, text []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept[place] == nil {
		k.kept[place] = &bytes.Buffer{}
	}
	k.kept[place].Write(text)
}

// of returns what was kept of a place.
func (k *texts) of(place string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept[place] == nil {
		return ""
	}
	return k.kept[place].String()
}

type placeWriter struct {
	to    *texts
	place string
}

func (w placeWriter) Write(p []byte) (int, error) {
	w.to.add(w.place, p)
	return len(p), nil
}

func (k *texts) writer(place string) io.Writer { return placeWriter{k, place} }

// wrap keeps the bodies of all requests to the API server.
func (k *texts) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body.Close()
			k.add(written, append(body, '\n'))
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return next.RoundTrip(r)
	})
}

// keepPrinted keeps what is printed from now on, until stop, besides printing it.
func keepPrinted() (stop func() error, err error) {
	var stops []func() error
	for _, file := range []**os.File{&os.Stdout, &os.Stderr} {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		former, done := *file, make(chan error, 1)
		*file = write
		go func() {
			_, err := io.Copy(io.MultiWriter(former, trail.writer(printed)), read)
			done <- err
		}()
		stops = append(stops, func() error {
			*file = former
			return errors.Join(write.Close(), <-done)
		})
	}
	log.SetOutput(os.Stderr) // it holds the former one
	return func() error {
		var all []error
		for _, stop := range stops {
			all = append(all, stop())
		}
		log.SetOutput(os.Stderr)
		return errors.Join(all...)
	}, nil
}

// secrets are the values of every Secret that there was.
var secrets = struct {
	sync.Mutex
	values map[string]string // by value, where it stood
}{values: map[string]string{}}

// publicKeys of Secrets hold nothing secret.
var publicKeys = []string{corev1.BasicAuthUsernameKey, corev1.TLSCertKey, "ca.crt"}

func watchSecrets(ctx context.Context) (stop func(), err error) {
	watch, err := kube.Watch(ctx, &corev1.SecretList{})
	if err != nil {
		return nil, err
	}
	go func() {
		for e := range watch.ResultChan() {
			if secret, ok := e.Object.(*corev1.Secret); ok {
				noteSecret(secret)
			}
		}
	}()
	return watch.Stop, nil
}

func noteSecret(secret *corev1.Secret) {
	secrets.Lock()
	defer secrets.Unlock()
	for key, value := range secret.Data {
		if !slices.Contains(publicKeys, key) && len(value) > 0 {
			secrets.values[string(value)] = fmt.Sprintf("%s of Secret %s/%s", key, secret.Namespace, secret.Name)
		}
	}
}

// leaks searches the trail, and tries whether the search would have found
// something.
func leaks() int {
	var left corev1.SecretList
	if err := kube.List(context.Background(), &left); err != nil {
		return complain(err.Error())
	}
	for i := range left.Items {
		noteSecret(&left.Items[i])
	}
	if err := measure(); err != nil {
		return complain(err.Error())
	}
	secrets.Lock()
	sought := maps.Clone(secrets.values)
	secrets.Unlock()
	for value, where := range sought {
		if len(value) < 10 {
			return complain(where + " is too short to be told from other text: let the test use a longer one")
		}
	}
	sought[errorText] = "text of an answer that is no success"
	if len(sought) < 5 || sought[canary] == "" || sought[hookSecret] == "" {
		return complain(fmt.Sprintf("only %d values are searched for", len(sought)))
	}
	if found := trail.search(sought); len(found) > 0 {
		return complain(strings.Join(found, "\n"))
	}
	for _, place := range []string{logged, printed, written, measured} {
		if trail.size(place) == 0 {
			return complain("nothing is known of " + place)
		}
		trail.add(place, []byte(base64.StdEncoding.EncodeToString([]byte(robot+":"+canary))))
		if found := trail.search(map[string]string{canary: "planted"}); len(found) != 1 || !strings.Contains(found[0], place) {
			return complain(fmt.Sprintf("what was planted in %s is found in %q", place, found))
		}
		trail.forget(place)
	}
	return 0
}

func complain(text string) int {
	fmt.Fprintln(os.Stderr, text)
	return 1
}

// measure keeps the metrics as they are now.
func measure() error {
	families, err := metrics.Registry.Gather()
	for _, family := range families {
		trail.add(measured, []byte(family.String()+"\n"))
	}
	return err
}

func (k *texts) size(place string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept[place] == nil {
		return 0
	}
	return k.kept[place].Len()
}

func (k *texts) forget(place string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, place)
}

// search tells where which of the values stand, without repeating them.
func (k *texts) search(values map[string]string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []string
	for place, text := range k.kept {
		for value, where := range values {
			if slices.ContainsFunc(forms(value), func(form string) bool { return bytes.Contains(text.Bytes(), []byte(form)) }) {
				found = append(found, fmt.Sprintf("%s holds the %s", place, where))
			}
		}
	}
	slices.Sort(found)
	return found
}

// forms are the ways in which a value can stand in a text: as it is, or each of
// its lines; escaped for JSON or for a URL; and within something in base64, at
// each of the three places where its first byte can lie.
func forms(value string) []string {
	var all []string
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		if len(line) < 10 || strings.HasPrefix(line, "-----") {
			continue
		}
		quoted, _ := json.Marshal(line)
		all = append(all, line, strings.Trim(string(quoted), `"`), url.QueryEscape(line), url.PathEscape(line))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString(append(make([]byte, before), value...))
			first := (before*8 + 5) / 6 // digits that the bytes before have a part in
			last := len(text)
			if (before+len(value))%3 != 0 {
				last-- // what follows has a part in it
			}
			all = append(all, text[first:last])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestSearch: what is planted is found, in each form and place; and nothing else.
func TestSearch(t *testing.T) {
	t.Parallel()
	const value = `p"a$s&w+o/r<d-1`
	planted := map[string]string{
		"as it is": value, "in JSON": `{"message":"no \"p\"a$s`, "for a URL": "https://x/?q=" + url.QueryEscape(value),
		"of another length": "Basic " + base64.StdEncoding.EncodeToString([]byte("robot$x:"+value)),
		"of a third":        "Basic " + base64.StdEncoding.EncodeToString([]byte("robot$xy:"+value+"!")),
		"of a fourth":       base64.URLEncoding.EncodeToString([]byte("robot$xyz:" + value + "!!")),
	}
	quoted, err := json.Marshal("before " + value + " after")
	if err != nil {
		t.Fatal(err)
	}
	planted["in JSON"] = string(quoted)
	for about, text := range planted {
		k := &texts{kept: map[string]*bytes.Buffer{}}
		k.add("elsewhere", []byte("nothing of interest, like p\"a$s&w"))
		k.add("here", []byte("before "+text+" after"))
		found := k.search(map[string]string{value: "password", "another-value": "other"})
		if len(found) != 1 || found[0] != "here holds the password" || strings.Contains(found[0], value) {
			t.Errorf("%s: found %q", about, found)
		}
	}
	key := "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----\n"
	k := &texts{kept: map[string]*bytes.Buffer{}}
	k.add("log", []byte("-----BEGIN PRIVATE KEY----- nothing"))
	if found := k.search(map[string]string{key: "key"}); len(found) != 0 {
		t.Errorf("found %q", found)
	}
	k.add("log", []byte("tls: AgEGCCqGSM49AwEHBG0w is no key"))
	if found := k.search(map[string]string{key: "key"}); len(found) != 1 {
		t.Errorf("a line of a key is not found: %q", found)
	}
}

// TestPrintedIsKept: the search sees what goes to standard output and error, by
// way of the standard library's logger as well.
func TestPrintedIsKept(t *testing.T) {
	t.Parallel()
	const mark = "printed by TestPrintedIsKept"
	fmt.Println(mark, 1)
	fmt.Fprintln(os.Stderr, mark, 2)
	log.Println(mark, 3)
	eventually(t, func() string {
		trail.mu.Lock()
		defer trail.mu.Unlock()
		for i := range 3 {
			if text := trail.kept[printed]; text == nil || !bytes.Contains(text.Bytes(), fmt.Append(nil, mark, " ", i+1)) {
				return fmt.Sprintf("%s %d is not kept", mark, i+1)
			}
		}
		return ""
	})
}
