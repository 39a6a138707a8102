// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// What went wrong, for errors.Is. The texts of errors of this package hold
// nothing that a server sent and no credentials. The end of a context is
// context.Canceled or context.DeadlineExceeded, and none of these.
var (
	// ErrUnauthorized: 401. Harbor took the request for anonymous.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: 403. Also for a project that does not exist, asked by a robot or a user.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: 404, said by Harbor itself and not by a proxy in front of it.
	ErrNotFound = errors.New("not found")
	// ErrBadRequest: 400 or 422; Harbor could not make sense of q or of a
	// parameter. Also for names that cannot be asked for; then nothing was sent.
	ErrBadRequest = errors.New("bad request")
	// ErrConflict: 409; there is one of that name.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: no answer, 408, 429 or 5xx at every try.
	ErrUnavailable = errors.New("unavailable")
	// ErrCertificate: the server's certificate cannot be verified. It is ErrUnavailable too.
	ErrCertificate = errors.New("the server's certificate cannot be verified")
	// ErrInvalidResponse: an answer that Harbor does not give: no JSON, broken, redirected elsewhere.
	ErrInvalidResponse = errors.New("invalid response")
	// ErrTooLarge: a body over Config.MaxBodyBytes; a smaller page may fit.
	ErrTooLarge = errors.New("the answer's body is too large")
	// ErrTooSlow: Harbor could not make a page in time, twice; a smaller one may
	// come. It is ErrUnavailable too.
	ErrTooSlow = errors.New("harbor was too slow")
	// ErrNoCertificate: Config.CABundle holds no certificate.
	ErrNoCertificate = errors.New("the CA bundle holds no certificate in PEM form")
)

// CallError is a call that failed after so many tries; it wraps the last failure.
type CallError struct {
	Method string
	// Endpoint is the class of the endpoint, such as artifacts.list.
	Endpoint string
	// Path of the request as it was sent, without query.
	Path  string
	Tries int
	err   error
}

func (e *CallError) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Method, e.Path, e.err)
	if e.Tries > 1 {
		text += fmt.Sprintf(" (%d tries)", e.Tries)
	}
	return text
}

// Unwrap returns the last failure.
func (e *CallError) Unwrap() error { return e.err }

// StatusError is an answer with a status other than 200.
type StatusError struct {
	Method, Endpoint string
	StatusCode       int
	// Code is Harbor's own, such as NOT_FOUND; empty where it is none of those known.
	Code string
	// RetryAfter is the wait that the server asks for; 0 if it does not.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP status %d", e.StatusCode)
	if name := http.StatusText(e.StatusCode); name != "" {
		text += " " + name
	}
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text
}

// Is makes a StatusError match the Err value of its status.
func (e *StatusError) Is(target error) bool { return target == e.class() }

func (e *StatusError) class() error {
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return ErrBadRequest
	}
	if e.passing() {
		return ErrUnavailable
	}
	return ErrInvalidResponse
}

// passing tells whether the status is one of trouble that may pass.
func (e *StatusError) passing() bool {
	return e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= 500
}

// ResponseError is an answer that cannot be Harbor's. Reason is a text of this package.
type ResponseError struct{ Endpoint, Reason string }

func (e *ResponseError) Error() string { return e.Reason }

// Is makes a ResponseError match ErrInvalidResponse.
func (e *ResponseError) Is(target error) bool { return target == ErrInvalidResponse }

// ConnectionError is a request without an answer, or one whose answer broke off.
// It does not wrap the error of net/http, whose text may hold the URL and what
// a server sent.
type ConnectionError struct {
	Failure transport.Failure
	refusal *egress.RefusalError // of the address
}

// connectionError makes one of an error of net/http.
func connectionError(err error) *ConnectionError {
	e := &ConnectionError{Failure: transport.FailureOf(err)}
	errors.As(err, &e.refusal)
	return e
}

func (e *ConnectionError) Error() string {
	switch e.Failure {
	case transport.FailureCertificate:
		return "the server's certificate cannot be verified: check the CA bundle, the host name and the certificate's dates"
	case transport.FailureClientCertificate:
		return "the server wants a client certificate, or does not accept the one shown: check that it is of an authority that the server trusts, and its dates"
	case transport.FailureScheme:
		return "one side speaks HTTPS and the other plain HTTP: check the URL's scheme and port"
	case transport.FailureName:
		return "the host name cannot be resolved: check its spelling, and the DNS where this runs"
	case transport.FailureAddress:
		if e.refusal != nil {
			return e.refusal.Error()
		}
		return "the host's address is not permitted"
	case transport.FailureTimeout:
		return "no answer in time: check the port, the network on the way, and how busy Harbor is"
	default:
		return "the connection failed or broke: check the port, and the network on the way"
	}
}

// Is makes a ConnectionError match ErrUnavailable, and ErrCertificate if it is about that.
func (e *ConnectionError) Is(target error) bool {
	return target == ErrUnavailable || target == ErrCertificate && e.Failure == transport.FailureCertificate
}

// Unwrap returns the [*egress.RefusalError] of an address, if that is what failed.
func (e *ConnectionError) Unwrap() error {
	if e.refusal == nil {
		return nil
	}
	return e.refusal
}

// lasting tells whether another try would meet the same.
func (e *ConnectionError) lasting() bool {
	switch e.Failure {
	case transport.FailureCertificate, transport.FailureClientCertificate, transport.FailureScheme, transport.FailureAddress:
		return true
	default:
		return false
	}
}

// What keeps an answer from being Harbor's.
const (
	reasonNotJSON  = "the answer is not JSON; is there something other than Harbor at this address, or a login page in front of it?"
	reasonBroken   = "the answer's JSON is broken, cut off or of another form than Harbor's"
	reasonRedirect = "redirected to another host or scheme, or too often; the URL must be the address that Harbor itself answers at"
	reasonForeign  = "a 404 that is not Harbor's; is something in front of Harbor answering in its place?"
	reasonPath     = "Harbor does not know the request's path; a proxy in front of it must pass on escaped paths as they are"
	reasonOrder    = "the rows are not those asked for, or not sorted by id"
	reasonNoTotal  = "the answer lacks the header X-Total-Count"
	reasonUnnamed  = "the answer holds a record without id or name"
)

// callEnded is the error of a call whose context ended. The context's cause is
// told and not wrapped: it may be an error of this package, from another call.
func callEnded(ctx context.Context, endpoint string) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%s: %w (%v)", endpoint, ctx.Err(), cause) //nolint:errorlint // see above
	}
	return fmt.Errorf("%s: %w", endpoint, ctx.Err())
}

// noAnswer puts a failure of net/http into words without the URL.
func noAnswer(err error, endpoint string) error {
	if errors.Is(err, errRedirect) {
		return &ResponseError{Endpoint: endpoint, Reason: reasonRedirect}
	}
	return connectionError(err)
}

// badBody sorts the failures of decoding a body. Broken is what reading it ended
// with, if not with its end. An answer that is cut off is a broken one, whether
// by its sender or on its way.
func badBody(err, broken error, endpoint string) error {
	var response *ResponseError
	switch {
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge
	case broken != nil && !errors.Is(broken, io.ErrUnexpectedEOF):
		return connectionError(broken)
	case errors.As(err, &response):
		return &ResponseError{Endpoint: endpoint, Reason: response.Reason}
	default:
		return &ResponseError{Endpoint: endpoint, Reason: reasonBroken}
	}
}

// failureOf is what observers are told of an answer's content.
func failureOf(err error) transport.Failure {
	var response *ResponseError
	switch {
	case errors.Is(err, ErrTooLarge):
		return transport.FailureTooLarge
	case errors.As(err, &response):
		return transport.FailureInvalid
	default:
		return transport.FailureNone
	}
}

// inOneWord says for observers what was wrong with a try: an HTTP status or a
// [transport.Failure].
func inOneWord(err error) string {
	var status *StatusError
	var connection *ConnectionError
	switch {
	case errors.As(err, &status) && http.StatusText(status.StatusCode) == "":
		return "other"
	case errors.As(err, &status):
		return strconv.Itoa(status.StatusCode)
	case errors.As(err, &connection):
		return string(connection.Failure)
	default:
		return string(failureOf(err))
	}
}
