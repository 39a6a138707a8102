// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package har reads the recordings of a running Harbor that tests are held to:
// HTTP archives (HAR 1.2), compressed with gzip. It is apart from harbortest for
// the client's own tests, which harbortest imports the package of.
package har

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Recording is an archive.
type Recording struct {
	// Name is the file's, without its extensions.
	Name    string
	Entries []Entry
}

// Entry is one request and its answer.
type Entry struct {
	StartedDateTime time.Time
	Comment         string
	Request         struct {
		Method  string
		URL     URL
		Headers []Header
		// PostData holds the body.
		PostData struct{ Text string }
	}
	Response struct {
		Status  int
		Headers []Header
		// Content holds the body.
		Content struct{ Text string }
	}
}

// Header is one value of a header.
type Header struct{ Name, Value string }

// URL is an address.
type URL struct{ *url.URL }

// UnmarshalText parses an address.
func (u *URL) UnmarshalText(text []byte) (err error) {
	u.URL, err = url.Parse(string(text))
	return err
}

const extension = ".har.gz"

// Read reads the recordings in a directory, by name; all of them, or the named
// ones. It fails where one that is named is not there, or none is.
func Read(dir string, names ...string) ([]Recording, error) {
	var files []string
	for _, name := range names {
		files = append(files, filepath.Join(dir, name+extension))
	}
	if len(names) == 0 {
		files, _ = filepath.Glob(filepath.Join(dir, "*"+extension)) // its only error is of the pattern
		if len(files) == 0 {
			return nil, fmt.Errorf("no recordings in %s", dir)
		}
	}
	var all []Recording
	for _, file := range files {
		entries, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, Recording{strings.TrimSuffix(filepath.Base(file), extension), entries})
	}
	return all, nil
}

func read(file string) ([]Entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var archive struct{ Log struct{ Entries []Entry } }
	err = json.NewDecoder(unzipped).Decode(&archive)
	return archive.Log.Entries, err
}
