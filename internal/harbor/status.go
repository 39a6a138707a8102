// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// harborCodes are the codes of Harbor's error bodies that may be repeated
// (lib/errors/const.go).
var harborCodes = []string{
	"BAD_REQUEST", "CONFLICT", "DENIED", "FORBIDDEN", "METHOD_NOT_ALLOWED", "NOT_FOUND",
	"PRECONDITION", "UNAUTHORIZED", "UNKNOWN", "UNPROCESSABLE_ENTITY", "UNSUPPORTED",
	"VIOLATE_FOREIGN_KEY_CONSTRAINT",
}

// errorBodyBytes bounds what is read of an error's body.
const errorBodyBytes = 64 << 10

// statusError is the error of an answer whose status is not 200.
//
// A 404 is evidence that something was deleted, so it must be Harbor's own word
// about that thing. An ingress without its backend says 404 too, and Harbor
// says 404 of a path that a proxy unescaped (recording repository-name-encoding):
// "path /api/... was not found".
func statusError(resp *http.Response, what call) error {
	code, message := errorBody(io.LimitReader(resp.Body, errorBodyBytes))
	if resp.StatusCode == http.StatusNotFound {
		switch {
		case what.method == http.MethodHead && !isJSON(resp.Header), what.method != http.MethodHead && code == "":
			return &ResponseError{Endpoint: what.endpoint, Reason: reasonForeign}
		case strings.HasPrefix(message, "path /"):
			return &ResponseError{Endpoint: what.endpoint, Reason: reasonPath}
		}
	}
	return &StatusError{
		Method: what.method, Endpoint: what.endpoint, StatusCode: resp.StatusCode, Code: code,
		RetryAfter: transport.RetryAfter(resp.Header, time.Now()),
	}
}

// errorBody reads the first code and message of
// {"errors":[{"code":...,"message":...}]}, the code if it is one of Harbor's.
// The message serves to tell cases apart and goes nowhere else.
func errorBody(body io.Reader) (code, message string) {
	d := newDecoder(body)
	defer d.free()
	_ = d.object(func(name string) error { // a body of another form has no code
		if name != "errors" {
			return d.skip()
		}
		return d.array(func() error {
			return d.object(func(name string) error {
				switch {
				case name == "code" && code == "":
					return d.text(&code)
				case name == "message" && message == "":
					return d.text(&message)
				default:
					return d.skip()
				}
			})
		})
	})
	if !slices.Contains(harborCodes, code) {
		code = ""
	}
	return code, message
}

// isJSON tells whether the header announces JSON, whatever its parameters.
func isJSON(h http.Header) bool {
	mediaType, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}
