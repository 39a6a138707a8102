// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
)

// Failure says in one word what was wrong with a request: a value for metrics
// and for decisions, free of anything that a server sent.
type Failure string

// The failures.
const (
	FailureNone              Failure = ""
	FailureCanceled          Failure = "canceled"           // the caller's context ended
	FailureTimeout           Failure = "timeout"            // no answer, or no further byte of it, in time
	FailureName              Failure = "name"               // the host name cannot be resolved
	FailureAddress           Failure = "address"            // the host's address is not permitted
	FailureCertificate       Failure = "certificate"        // the server's certificate cannot be verified
	FailureClientCertificate Failure = "client_certificate" // the server refuses the client's certificate, or misses one
	FailureScheme            Failure = "scheme"             // plain HTTP where HTTPS is spoken, or the other way round
	FailureConnection        Failure = "connection"         // refused, reset, closed early, not HTTP
	FailureInvalid           Failure = "invalid"            // the answer's content is not Harbor's
	FailureTooLarge          Failure = "too_large"          // the answer's body is over the bound
)

// AddressError is the error for an address that is not permitted; it wraps what
// was said of it.
type AddressError struct{ err error }

func (e *AddressError) Error() string { return "the address is not permitted: " + e.err.Error() }

// Unwrap returns the error of whoever was asked for permission.
func (e *AddressError) Unwrap() error { return e.err }

// FailureOf sorts an error of a round trip or of reading a body.
func FailureOf(err error) Failure {
	var name *net.DNSError
	var record tls.RecordHeaderError
	var timeout net.Error
	var address *AddressError
	switch {
	case err == nil:
		return FailureNone
	case errors.As(err, &address):
		return FailureAddress
	case isCertificateError(err):
		return FailureCertificate
	case isClientCertificateAlert(err):
		return FailureClientCertificate
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return FailureScheme
	case errors.As(err, &name) && !name.IsTimeout:
		return FailureName
	case errors.As(err, &timeout) && timeout.Timeout():
		return FailureTimeout
	case errors.Is(err, context.Canceled):
		return FailureCanceled
	default:
		return FailureConnection
	}
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// clientCertificateAlerts is what servers say of a client's certificate (RFC
// 8446, section 6.2): bad, unsupported, revoked, expired, unknown, of an unknown
// authority, and required.
var clientCertificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 116}

// isClientCertificateAlert goes by the alert's text: crypto/tls gives it a type
// of its own, which is not exported.
func isClientCertificateAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && slices.ContainsFunc(clientCertificateAlerts, func(a tls.AlertError) bool {
		return op.Err.Error() == a.Error()
	})
}
