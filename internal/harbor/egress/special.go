// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"net/netip"
	"strings"
)

// specialRange holds addresses at which no Harbor is expected.
type specialRange struct {
	prefix netip.Prefix
	kind   string
}

// special ranges; of those that hold an address, the first one counts. Private
// addresses (RFC 1918, RFC 4193) are not among them: Harbors live there.
var special = []specialRange{
	// Where clouds hand out credentials to whoever asks: most of them, Alibaba,
	// Azure (its wire server), Oracle, AWS, Google, Scaleway.
	{netip.MustParsePrefix("169.254.169.254/32"), kindMetadata},
	{netip.MustParsePrefix("100.100.100.200/32"), kindMetadata},
	{netip.MustParsePrefix("168.63.129.16/32"), kindMetadata},
	{netip.MustParsePrefix("192.0.0.192/32"), kindMetadata},
	{netip.MustParsePrefix("fd00:ec2::/32"), kindMetadata},
	{netip.MustParsePrefix("fd20:ce::/64"), kindMetadata},
	{netip.MustParsePrefix("fd00:42::42/128"), kindMetadata},

	{netip.MustParsePrefix("127.0.0.0/8"), kindLoopback},
	{netip.MustParsePrefix("::1/128"), kindLoopback},
	{netip.MustParsePrefix("0.0.0.0/8"), kindUnspecified}, // Linux takes it for the loopback
	{netip.MustParsePrefix("::/128"), kindUnspecified},
	{netip.MustParsePrefix("169.254.0.0/16"), kindLinkLocal},
	{netip.MustParsePrefix("fe80::/10"), kindLinkLocal},
	{netip.MustParsePrefix("fec0::/10"), kindLinkLocal}, // site-local, RFC 3879
	{netip.MustParsePrefix("224.0.0.0/4"), kindMulticast},
	{netip.MustParsePrefix("ff00::/8"), kindMulticast},
	{netip.MustParsePrefix("192.0.0.0/24"), kindReserved},
	{netip.MustParsePrefix("240.0.0.0/4"), kindReserved}, // 255.255.255.255 among them

	// IPv6 addresses that lead to an IPv4 one which cannot be told from them alone,
	// or by a way that nobody should take any more: local NAT64 (RFC 8215), Teredo
	// (RFC 4380), 6to4 (RFC 7526).
	{netip.MustParsePrefix("64:ff9b:1::/48"), kindTranslated},
	{netip.MustParsePrefix("2001::/32"), kindTranslated},
	{netip.MustParsePrefix("2002::/16"), kindTranslated},
}

// The kinds of special addresses, as a refusal names them.
const (
	kindMetadata    = "cloud metadata"
	kindLoopback    = "loopback"
	kindUnspecified = "unspecified"
	kindLinkLocal   = "link-local"
	kindMulticast   = "multicast"
	kindReserved    = "reserved"
	kindTranslated  = "translated"
)

func (s specialRange) has(raw, inner netip.Addr) bool {
	return s.prefix.Contains(raw) || s.prefix.Contains(inner)
}

// holds tells whether a range lies within the special one.
func (s specialRange) holds(other netip.Prefix) bool {
	return other.Bits() >= s.prefix.Bits() && s.prefix.Contains(other.Addr())
}

// carriers are IPv6 ranges whose last 32 bits are an IPv4 address: NAT64 (RFC
// 6052), IPv4-translated (RFC 2765) and IPv4-compatible (RFC 4291) addresses.
// IPv4-mapped ones are IPv4 addresses to the kernel, and to netip's Unmap.
var carriers = []netip.Prefix{
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("::ffff:0:0:0/96"), netip.MustParsePrefix("::/96"),
}

// embedded returns the IPv4 address that an IPv6 address carries, or the address
// itself.
func embedded(address netip.Addr) netip.Addr {
	if address == netip.IPv6Unspecified() || address == netip.IPv6Loopback() {
		return address
	}
	for _, carrier := range carriers {
		if carrier.Contains(address) {
			bytes := address.As16()
			return netip.AddrFrom4([4]byte(bytes[12:]))
		}
	}
	return address
}

// wellKnown returns the addresses that a name stands for everywhere: the names of
// RFC 6761 for this machine, and those of clouds' metadata services.
func wellKnown(name string) ([]netip.Addr, bool) {
	switch {
	case name == "localhost", strings.HasSuffix(name, ".localhost"):
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, true
	case name == "metadata.google.internal", name == "metadata.goog", name == "instance-data", name == "instance-data.ec2.internal":
		return []netip.Addr{netip.AddrFrom4([4]byte{169, 254, 169, 254})}, true
	default:
		return nil, false
	}
}
