// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

const row = `{"id":%d,"digest":%q,"type":"IMAGE","size":1,"push_time":"2026-11-23T00:00:00Z","repository_name":"library/nginx","tags":%s}`

var goodDigest = "sha256:" + strings.Repeat("a", 64)

// hostileAnswers by name.
var hostileAnswers = map[string]func(http.ResponseWriter, *http.Request){
	"page": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		say(w, "<html>c4nary: please log in</html>")
	},
	"error": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		say(w, `{"errors":[{"code":"c4nary-code","message":"c4nary: the password is h0stile"}]}`)
	},
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/c4nary", http.StatusFound)
	},
	"endless": func(w http.ResponseWriter, r *http.Request) {
		say(w, `[{"digest":"`)
		part := bytes.Repeat([]byte("c4nary-"), 10_000)
		for r.Context().Err() == nil {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	},
	"bomb": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer func() { _ = packed.Close() }()
		_, _ = packed.Write([]byte(`[{"digest":"`))
		zeros := bytes.Repeat([]byte("0"), 1<<20)
		for range 1024 {
			if _, err := packed.Write(zeros); err != nil {
				return
			}
		}
	},
	"nested": func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Repeat("[", 100_000)) },
	"cut":    func(w http.ResponseWriter, _ *http.Request) { say(w, `[{"digest":"c4nary`) },
	"again": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Total-Count", "1000")
		rows := slices.Repeat([]string{fmt.Sprintf(row, 1, goodDigest, `[{"name":"c4nary"}]`)}, 100)
		say(w, "["+strings.Join(rows, ",")+"]")
	},
	"header": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("c4nary-", 300<<10/7))
		say(w, `[]`)
	},
	"digest": func(w http.ResponseWriter, _ *http.Request) {
		say(w, fmt.Sprintf("["+row+"]", 1, "../../etc/passwd", `[]`))
	},
	"tags": func(w http.ResponseWriter, _ *http.Request) {
		say(w, fmt.Sprintf("["+row+"]", 1, goodDigest, `[{"name":"<script>\u0000\u001b[31m"}]`))
	},
	"repository": func(w http.ResponseWriter, _ *http.Request) {
		say(w, `[{"id":1,"project_id":1,"name":"../../kube-system","artifact_count":1,"update_time":"2026-11-23T00:00:00Z"}]`)
	},
	"cookies": func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2000 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("c4nary%d=%s", i, strings.Repeat("x", 50)))
		}
		say(w, fmt.Sprintf("["+row+"]", 1, goodDigest, `[{"name":"1.0"}]`))
	},
}
