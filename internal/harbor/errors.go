// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// What went wrong, for errors.Is. The texts of errors of this package hold
// nothing that a server sent and no credentials.
var (
	// ErrUnauthorized: 401. Harbor took the request for anonymous.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: 403. Also for a project that does not exist, asked by a robot or a user.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: 404.
	ErrNotFound = errors.New("not found")
	// ErrBadRequest: 400 or 422; Harbor could not make sense of q or of a parameter.
	ErrBadRequest = errors.New("bad request")
	// ErrUnavailable: no answer, 429 or 5xx at every try.
	ErrUnavailable = errors.New("unavailable")
	// ErrInvalidResponse: an answer that Harbor does not give: no JSON, broken, redirected elsewhere.
	ErrInvalidResponse = errors.New("invalid response")
	// ErrTooLarge: a body over Config.MaxBodyBytes; a smaller page may fit.
	ErrTooLarge = errors.New("the answer's body is too large")
	// ErrNoCertificate: Config.CABundle holds no certificate.
	ErrNoCertificate = errors.New("the CA bundle holds no certificate in PEM form")
)

// CallError is a call that failed after so many tries; it wraps the last failure.
type CallError struct {
	// Endpoint is the class of the endpoint, such as artifacts.list.
	Endpoint string
	Tries    int
	err      error
}

func (e *CallError) Error() string {
	if e.Tries == 1 {
		return fmt.Sprintf("%s: %v", e.Endpoint, e.err)
	}
	return fmt.Sprintf("%s: %v (%d tries)", e.Endpoint, e.err, e.Tries)
}

// Unwrap returns the last failure.
func (e *CallError) Unwrap() error { return e.err }

// StatusError is an answer with a status other than 200.
type StatusError struct {
	StatusCode int
	// Code is Harbor's own, such as NOT_FOUND; empty where it is none of those known.
	Code string
	// RetryAfter is the wait that the server asks for; 0 if it does not.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP status %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text
}

// Is makes a StatusError match the Err value of its status.
func (e *StatusError) Is(target error) bool {
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return target == ErrBadRequest
	}
	if e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= 500 {
		return target == ErrUnavailable
	}
	return target == ErrInvalidResponse
}

// ResponseError is an answer with status 200 that cannot be Harbor's.
type ResponseError struct{ Reason string }

func (e *ResponseError) Error() string { return e.Reason }

// Is makes a ResponseError match ErrInvalidResponse.
func (e *ResponseError) Is(target error) bool { return target == ErrInvalidResponse }

// connectionError is a request without an answer, or one that broke off.
type connectionError struct {
	reason string
	err    error // for errors.Is and As only: net/http puts URLs into its texts
}

func (e *connectionError) Error() string        { return e.reason }
func (e *connectionError) Unwrap() error        { return e.err }
func (e *connectionError) Is(target error) bool { return target == ErrUnavailable }

// harborCodes are the codes of Harbor's error bodies that may be repeated.
var harborCodes = []string{
	"BAD_REQUEST", "CONFLICT", "DENIED", "FORBIDDEN", "METHOD_NOT_ALLOWED", "NOT_FOUND",
	"PRECONDITION", "UNAUTHORIZED", "UNKNOWN", "UNSUPPORTED", "VIOLATES_FOREIGN_KEY_CONSTRAINT",
}

// errorBodyBytes bounds what is read of an error's body.
const errorBodyBytes = 64 << 10

func statusError(resp *http.Response) error {
	return &StatusError{
		StatusCode: resp.StatusCode,
		Code:       errorCode(io.LimitReader(resp.Body, errorBodyBytes)),
		RetryAfter: transport.RetryAfter(resp.Header, time.Now()),
	}
}

// errorCode reads the first code of {"errors":[{"code":...}]}, or nothing.
func errorCode(body io.Reader) string {
	var code string
	d := newDecoder(body)
	_ = d.object(func(name string) error { // a body of another form has no code
		if name != "errors" {
			return d.skip()
		}
		return d.array(func() error {
			return d.object(func(name string) error {
				if name != "code" || code != "" {
					return d.skip()
				}
				return d.text(&code)
			})
		})
	})
	if !slices.Contains(harborCodes, code) {
		return ""
	}
	return code
}

// noAnswer puts a failure of net/http into words without the URL.
func noAnswer(err error) error {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errRedirect):
		return fmt.Errorf("%w: %w", ErrInvalidResponse, errRedirect)
	case isCertificateError(err):
		return &connectionError{reason: "the server's certificate cannot be verified: check caBundleRef and the host name", err: err}
	case errors.As(err, &dns):
		return &connectionError{reason: "the host name cannot be resolved", err: err}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &connectionError{reason: "no answer in time", err: hideContext(err)}
	default:
		return &connectionError{reason: "the connection failed", err: hideContext(err)}
	}
}

// hideContext drops an error that would look like the end of the caller's context.
func hideContext(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// badBody sorts failures while a body was read.
func badBody(err error) error {
	var syntax *jsontext.SyntacticError
	var timeout net.Error
	switch {
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return &connectionError{reason: "the answer stopped coming", err: hideContext(err)}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, &syntax), errors.Is(err, errShape):
		return &ResponseError{Reason: "the answer's JSON is broken, cut off or of another form than Harbor's"}
	default:
		return &connectionError{reason: "the connection broke while the answer came", err: hideContext(err)}
	}
}
