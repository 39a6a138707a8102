// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is a response before it is written.
type answer struct {
	status      int
	contentType string
	header      http.Header // further headers; may be nil
	body        []byte
	// nginx is true for an answer of the proxy in front of Harbor, which has
	// none of Harbor's headers.
	nginx bool
	// deliver, if set, writes the answer in another way than whole and at once.
	deliver delivery
}

// apiError is an error as Harbor words it.
type apiError struct {
	status  int
	code    string
	message string
}

func badRequest(message string) *apiError {
	return &apiError{http.StatusBadRequest, "BAD_REQUEST", message}
}

func unauthorized() *apiError {
	return &apiError{http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"}
}

func forbidden(message string) *apiError {
	return &apiError{http.StatusForbidden, "FORBIDDEN", message}
}

func notFound(message string) *apiError { return &apiError{http.StatusNotFound, "NOT_FOUND", message} }

func unprocessable(message string) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", message}
}

func internalError() *apiError {
	return &apiError{http.StatusInternalServerError, "UNKNOWN", "internal server error"}
}

// answer is the error as a response.
func (e *apiError) answer() *answer {
	w := append([]byte(nil), `{"errors":[{"code":`...)
	w = appendString(w, e.code)
	w = append(w, `,"message":`...)
	w = appendString(w, e.message)
	w = append(w, "}]}\n"...)
	return &answer{status: e.status, contentType: "application/json; charset=utf-8", body: w}
}

// okJSON is a successful answer with a JSON body, which ends in a newline.
func okJSON(body []byte) *answer {
	return &answer{status: http.StatusOK, contentType: "application/json", body: append(body, '\n')}
}

// list is a successful listing.
func list(body []byte, total int64, link string) *answer {
	a := okJSON(body)
	a.set("X-Total-Count", strconv.FormatInt(total, 10))
	if link != "" {
		a.set("Link", link)
	}
	return a
}

func (a *answer) set(name, value string) {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
}

// say puts a text into an answer that is no success, or no JSON.
func (a *answer) say(text string) {
	if text == "" || a.status < http.StatusMultipleChoices && strings.HasPrefix(a.contentType, "application/json") || len(a.body) == 0 {
		return
	}
	a.set("X-Error", text)
	message := []byte(`"message":"`)
	if at := bytes.Index(a.body, message); at >= 0 {
		at += len(message)
		a.body = slices.Concat(a.body[:at], []byte(text+" "), a.body[at:])
		return
	}
	a.body = append(slices.Clip(a.body), text+"\n"...)
}

// gateway is an error page of nginx.
func gateway(status int) *answer {
	title := strconv.Itoa(status) + " " + map[int]string{
		http.StatusBadGateway:         "Bad Gateway",
		http.StatusServiceUnavailable: "Service Temporarily Unavailable",
		http.StatusGatewayTimeout:     "Gateway Time-out",
	}[status]
	body := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
	return &answer{status: status, contentType: "text/html", body: []byte(body), nginx: true}
}
