// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Host is a host that a URL may name: a DNS name, a wildcard like *.example.com
// for every name below it, or an address; with a port, that port only.
type Host struct {
	name    string // lower case, without a dot at its end; of a wildcard what follows the star
	below   bool
	address netip.Addr
	port    string
}

// ParseHost reads a Host. Its error names the text and the remedy.
func ParseHost(text string) (Host, error) {
	rest, port := text, ""
	if strings.Contains(text, "/") {
		return Host{}, noHost(text)
	}
	if host, p, err := net.SplitHostPort(text); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return Host{}, fmt.Errorf("%q has no port from 1 to 65535: give it one, or none", text)
		}
		rest, port = host, p
	}
	if inner, ok := strings.CutPrefix(rest, "["); ok && strings.HasSuffix(inner, "]") {
		rest = strings.TrimSuffix(inner, "]")
	}
	name, below := strings.CutPrefix(rest, "*.")
	name, address, ok := readHost(name)
	if !ok || below && address.IsValid() {
		return Host{}, noHost(text)
	}
	return Host{name: name, below: below, address: address, port: port}, nil
}

func noHost(text string) error {
	return fmt.Errorf("%q is neither a host's name nor an address: give it without scheme and path, like harbor.example.com, *.example.com or harbor.example.com:8443", text)
}

func (h Host) matches(name string, address netip.Addr, port string) bool {
	if h.port != "" && h.port != port {
		return false
	}
	if h.address.IsValid() || address.IsValid() {
		return h.address == address
	}
	if h.below {
		return strings.HasSuffix(name, "."+h.name)
	}
	return h.name == name
}

// ParsePrefix reads a range of addresses, or a single one. Its error names the
// text and the remedy.
func ParsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" && !address.Is4In6() {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is no range of addresses: give it like 10.0.0.0/8, fd00::/8 or 10.1.2.3", text)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is a range of IPv4 addresses in the form of IPv6: give it like 10.0.0.0/8", text)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits beyond its length: give it as %s", text, prefix.Masked())
	}
	return prefix, nil
}

// dnsName is a name as resolvers take it, underscores included: 1 to 253
// characters in labels of 1 to 63 (RFC 1035, section 2.3.4).
var dnsName = regexp.MustCompile(`^([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$`)

// readHost reads the host of a URL as a name in lower case or as an address. It is
// not ok where others may read it in another way: characters beyond ASCII, some of
// which stand for digits and dots, and numbers that resolvers of C and proxies
// take for an address (127.1, 0x7f000001, 2130706433).
func readHost(host string) (name string, address netip.Addr, ok bool) {
	if address, err := netip.ParseAddr(host); err == nil {
		return "", address.WithZone("").Unmap(), true
	}
	name = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(name) > 253 || !dnsName.MatchString(name) {
		return "", netip.Addr{}, false
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "" {
		return "", netip.Addr{}, false
	}
	return name, netip.Addr{}, true
}

// portOf returns the port of a URL, be it that of its scheme.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "http"):
		return "80"
	default:
		return "443"
	}
}
