// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"errors"
	"io"
	"time"
)

// lateness is how far the operator's cache of lists is behind, in all tests: each
// sync must be right nonetheless.
const lateness = 200 * time.Millisecond

// late hands on what comes from a watch some time after it has come.
func late(body io.ReadCloser) io.ReadCloser {
	type chunk struct {
		at   time.Time
		data []byte
	}
	chunks := make(chan chunk, 1<<16)
	r, w := io.Pipe()
	go func() {
		defer close(chunks)
		for {
			data := make([]byte, 32<<10)
			n, err := body.Read(data)
			if n > 0 {
				chunks <- chunk{time.Now(), data[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		for c := range chunks {
			time.Sleep(time.Until(c.at.Add(lateness)))
			if _, err := w.Write(c.data); err != nil {
				break
			}
		}
		_ = w.Close()
		for range chunks { // until the reader has ended, too
		}
	}()
	return struct {
		io.Reader
		io.Closer
	}{r, closers{body, r}}
}

type closers []io.Closer

func (all closers) Close() error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
