// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy says which Harbors are allowed. The zero value allows every host over
// HTTPS with a verified certificate, at every address that is not special.
type Policy struct {
	// Hosts that a URL may name. Empty: any.
	Hosts []Host

	// Allowed addresses. Empty: all that are not special. Special ones are allowed
	// by a range within their own: 127.0.0.0/8 allows the loopback, 0.0.0.0/0 does
	// not.
	Allowed []netip.Prefix

	// Denied addresses, whatever Allowed says.
	Denied []netip.Prefix

	// PlainHTTP allows http:// URLs.
	PlainHTTP bool

	// InsecureTLS allows certificates that are not verified.
	InsecureTLS bool
}

// Endpoint judges a URL and whether its certificate is to be verified. It returns
// nil or a [*RefusalError]. Where the host is an address, that is judged, too.
//
//	| the URL                                     | refused because of |
//	|---------------------------------------------|--------------------|
//	| is http://, and that is not allowed         | PlainHTTP          |
//	| is not to be verified, and must be          | InsecureTLS        |
//	| has a host in more than one reading         | HostForm           |
//	| has a host that Hosts does not have         | Host               |
//	| has an address, or a name of one, not allowed | as in Address    |
func (p *Policy) Endpoint(u *url.URL, insecure bool) error {
	if strings.EqualFold(u.Scheme, "http") && !p.PlainHTTP {
		return &RefusalError{Cause: PlainHTTP}
	}
	if insecure && !p.InsecureTLS {
		return &RefusalError{Cause: InsecureTLS}
	}
	name, address, ok := readHost(u.Hostname())
	if !ok {
		return &RefusalError{Cause: HostForm}
	}
	if len(p.Hosts) > 0 && !slices.ContainsFunc(p.Hosts, func(h Host) bool { return h.matches(name, address, portOf(u)) }) {
		return &RefusalError{Cause: HostNotAllowed}
	}
	if address.IsValid() {
		return p.Address(address)
	}
	return p.named(name)
}

// named judges names that stand for special addresses everywhere: through a
// proxy, which resolves names itself, no address is seen.
func (p *Policy) named(name string) error {
	meant, ok := wellKnown(name)
	if !ok {
		return nil
	}
	var refused error
	for _, address := range meant {
		if refused = p.Address(address); refused == nil {
			return nil
		}
	}
	return refused
}

// Address judges an address that is about to be dialed. It returns nil or a
// [*RefusalError].
//
//	| the address, or the IPv4 address in it | is                                       |
//	|----------------------------------------|------------------------------------------|
//	| is in Denied                           | refused: AddressDenied                   |
//	| is special                             | refused: AddressSpecial, unless a range  |
//	|                                        | of Allowed within the special one has it |
//	| is in Allowed, or that is empty        | allowed                                  |
//	| is not                                 | refused: AddressNotAllowed               |
func (p *Policy) Address(address netip.Addr) error {
	raw := address.WithZone("").Unmap()
	inner := embedded(raw)
	has := func(prefix netip.Prefix) bool { return prefix.Contains(raw) || prefix.Contains(inner) }
	if slices.ContainsFunc(p.Denied, has) {
		return &RefusalError{Cause: AddressDenied}
	}
	for _, s := range special {
		if !s.has(raw, inner) {
			continue
		}
		if slices.ContainsFunc(p.Allowed, func(allowed netip.Prefix) bool { return s.holds(allowed) && has(allowed) }) {
			return nil
		}
		return &RefusalError{Cause: AddressSpecial, Kind: s.kind}
	}
	if len(p.Allowed) > 0 && !slices.ContainsFunc(p.Allowed, has) {
		return &RefusalError{Cause: AddressNotAllowed}
	}
	return nil
}
