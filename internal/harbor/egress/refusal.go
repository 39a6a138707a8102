// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

// Cause is the rule that a Harbor offends against.
type Cause string

// The causes of a RefusalError.
const (
	PlainHTTP         Cause = "PlainHTTP"
	InsecureTLS       Cause = "InsecureTLS"
	HostForm          Cause = "HostForm"
	HostNotAllowed    Cause = "HostNotAllowed"
	AddressDenied     Cause = "AddressDenied"
	AddressSpecial    Cause = "AddressSpecial"
	AddressNotAllowed Cause = "AddressNotAllowed"
)

// RefusalError is the error for a Harbor that is not allowed. Its text holds neither
// the URL nor the address: what a name resolves to inside the operator's network
// is not everybody's to know.
type RefusalError struct {
	Cause Cause
	// Kind of a special address, like "loopback"; else empty.
	Kind string
}

func (r *RefusalError) Error() string {
	switch r.Cause {
	case PlainHTTP:
		return "plain HTTP is not allowed"
	case InsecureTLS:
		return "a certificate that is not verified is not allowed"
	case HostForm:
		return "the host is neither a DNS name in ASCII nor an address in its usual form"
	case HostNotAllowed:
		return "the host is not among those allowed"
	case AddressDenied:
		return "the host's address is among those denied"
	case AddressSpecial:
		return "the host's address is a " + r.Kind + " address"
	default:
		return "the host's address is not among those allowed"
	}
}
