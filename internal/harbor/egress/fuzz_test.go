// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// isSpecial is what net/netip says of an address: another opinion than the table's.
func isSpecial(a netip.Addr) bool {
	return a.IsLoopback() || a.IsUnspecified() || a.IsLinkLocalUnicast() || a.IsMulticast()
}

// asC reads a host as inet_aton(3) does, and with it resolvers of C and some
// proxies: one to four numbers, decimal, octal or hexadecimal.
func asC(host string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for i, part := range parts {
		if strings.Contains(part, "_") || strings.HasPrefix(strings.ToLower(part), "0b") || strings.HasPrefix(strings.ToLower(part), "0o") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(part, 0, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		bits := uint64(8)
		if i == len(parts)-1 {
			bits = uint64(8 * (5 - len(parts)))
		}
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		whole = whole<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}

// FuzzEndpoint: a URL that the default lets pass names no special address in
// anybody's reading, and a policy that allows all ordinary addresses lets pass
// nothing that the default refuses.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{
		"https://harbor.example.com", "https://127.0.0.1", "https://127.1", "https://0x7f.1", "https://[::ffff:127.0.0.1]",
		"https://[64:ff9b::7f00:1]:8443", "https://2130706433", "https://１２７.０.０.１", "https://[fe80::1%25eth0]", "http://a", "https://a_b.c:1",
	} {
		f.Add(seed)
	}
	all := &Policy{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		refused := (&Policy{}).Endpoint(u, false)
		if again := all.Endpoint(u, false); (again == nil) != (refused == nil) {
			t.Errorf("%q: %v, and with all ordinary addresses allowed %v", text, refused, again)
		}
		if refused != nil {
			return
		}
		host := u.Hostname()
		if strings.EqualFold(u.Scheme, "http") || strings.Trim(host, "\x00\x7f") != host || strings.IndexFunc(host, func(r rune) bool { return r > 126 }) >= 0 {
			t.Errorf("%q is allowed", text)
		}
		if a, err := netip.ParseAddr(host); err == nil && isSpecial(a.Unmap().WithZone("")) {
			t.Errorf("%q is allowed", text)
		}
		if a, ok := asC(host); ok && isSpecial(a) {
			t.Errorf("%q is allowed, and C reads it as %s", text, a)
		}
	})
}

// FuzzAddress: no special address is allowed by the default, in whatever IPv6
// address it hides; and denying more never allows more.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"127.0.0.1", "::1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "10.0.0.1", "2001:db8::1", "fe80::1", "::7f00:1"} {
		f.Add(netip.MustParseAddr(seed).AsSlice(), uint8(24))
	}
	f.Fuzz(func(t *testing.T, bytes []byte, bits uint8) {
		a, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return
		}
		refused := (&Policy{}).Address(a)
		if isSpecial(a.Unmap()) && refused == nil {
			t.Errorf("%s is allowed", a)
		}
		if four := a.Unmap(); four.Is4() {
			tail := four.As4()
			for _, head := range []string{"64:ff9b::", "::ffff:0:0:0", "::ffff:0.0.0.0"} {
				hiding := netip.MustParseAddr(head).As16()
				copy(hiding[12:], tail[:])
				if hidden := (&Policy{}).Address(netip.AddrFrom16(hiding)); (hidden == nil) != (refused == nil) {
					t.Errorf("%s: %v, and as %s %v", four, refused, netip.AddrFrom16(hiding), hidden)
				}
			}
		}
		prefix, err := a.Unmap().Prefix(int(bits) % (a.Unmap().BitLen() + 1))
		if err != nil {
			t.Fatal(err)
		}
		p := Policy{Allowed: []netip.Prefix{prefix}, Denied: []netip.Prefix{prefix}}
		if p.Address(a) == nil {
			t.Errorf("%s is denied, and allowed", a)
		}
	})
}
