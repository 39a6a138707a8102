// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func parseHosts(t *testing.T, texts string) (hosts []Host) {
	t.Helper()
	for text := range strings.FieldsSeq(texts) {
		host, err := ParseHost(text)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, host)
	}
	return hosts
}

func parsePrefixes(t *testing.T, texts string) (prefixes []netip.Prefix) {
	t.Helper()
	for text := range strings.FieldsSeq(texts) {
		prefix, err := ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

// causeOf renders a refusal; empty for none.
func causeOf(t *testing.T, err error) string {
	t.Helper()
	var refusal *RefusalError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refusal):
		t.Errorf("%T %v is no refusal", err, err)
		return err.Error()
	case refusal.Kind != "":
		return string(refusal.Cause) + " " + refusal.Kind
	default:
		return string(refusal.Cause)
	}
}

// TestEndpoint: what is said of a URL, by the default and by policies that allow more or less.
func TestEndpoint(t *testing.T) {
	const named = "harbor.example.com *.example.org harbor.example.net:8443 192.0.2.7 [2001:db8::7]:8443"
	for _, tt := range []struct {
		policy Policy
		urls   string
		want   string
	}{
		{Policy{}, "https://harbor.example.com https://harbor.example.com:8443/prefix https://harbor https://HARBOR.example.com. https://harbor.harbor.svc", ""},
		{Policy{}, "https://10.0.0.7 https://192.168.1.1:8443 https://172.16.0.1 https://[fd12::7] https://203.0.113.7 https://[2001:db8::7] https://100.64.0.1", ""},
		{Policy{}, "http://harbor.example.com HTTP://harbor.example.com http://127.0.0.1", "PlainHTTP"},
		{Policy{}, "https://127.0.0.1 https://127.8.8.8:1 https://[::1] https://[::ffff:127.0.0.1] https://[::ffff:7f00:1] https://[64:ff9b::7f00:1] https://[::127.0.0.1] https://[::ffff:0:127.0.0.1]", "AddressSpecial loopback"},
		{Policy{}, "https://localhost https://LOCALHOST. https://harbor.localhost:8443", "AddressSpecial loopback"},
		{Policy{}, "https://0.0.0.0 https://[::] https://0.1.2.3 https://[::ffff:0.0.0.0]", "AddressSpecial unspecified"},
		{Policy{}, "https://169.254.169.254 https://[::ffff:169.254.169.254] https://[64:ff9b::a9fe:a9fe] https://[fd00:ec2::254] https://[fd20:ce::254] https://100.100.100.200 https://168.63.129.16 https://192.0.0.192 https://metadata.google.internal https://METADATA.goog.", "AddressSpecial cloud metadata"},
		{Policy{}, "https://169.254.170.2 https://[fe80::1] https://[fe80::1%25eth0] https://[fec0::1]", "AddressSpecial link-local"},
		{Policy{}, "https://224.0.0.1 https://239.1.2.3 https://[ff02::1]", "AddressSpecial multicast"},
		{Policy{}, "https://255.255.255.255 https://240.0.0.1 https://192.0.0.8", "AddressSpecial reserved"},
		{Policy{}, "https://[2002:7f00:1::] https://[64:ff9b:1::7f00:1] https://[2001:0:7f00:1::]", "AddressSpecial translated"},
		{Policy{}, "https://127.1 https://0x7f.0.0.1 https://0x7f000001 https://2130706433 https://017700000001 https://127.0.0.01 https://harbor.1 https://harbor.0x1 https://1.2.3.4.5 https://１２７.０.０.１ https://①②⑦.0.0.1 https://harbör.example.com https://a..b https://.a https://-a https://a- https://a%00b", "HostForm"},
		{Policy{Allowed: parsePrefixes(t, "127.0.0.0/8 ::1")}, "https://127.0.0.1 https://[::1] https://localhost https://[::ffff:127.0.0.1]", ""},
		{Policy{Allowed: parsePrefixes(t, "127.0.0.1")}, "https://127.0.0.2 https://[::1]", "AddressSpecial loopback"},
		{Policy{Allowed: parsePrefixes(t, "0.0.0.0/0 ::/0")}, "https://10.0.0.7 https://203.0.113.7 https://[2001:db8::7]", ""},
		{Policy{Allowed: parsePrefixes(t, "0.0.0.0/0 ::/0 64:ff9b::/96 126.0.0.0/7")}, "https://127.0.0.1 https://[::1] https://[64:ff9b::7f00:1]", "AddressSpecial loopback"},
		{Policy{Allowed: parsePrefixes(t, "169.254.0.0/16")}, "https://169.254.1.1", ""},
		{Policy{Allowed: parsePrefixes(t, "169.254.0.0/16")}, "https://169.254.169.254 https://metadata.google.internal", "AddressSpecial cloud metadata"},
		{Policy{Allowed: parsePrefixes(t, "169.254.169.254")}, "https://169.254.169.254 https://metadata.google.internal", ""},
		{Policy{Allowed: parsePrefixes(t, "10.1.0.0/16")}, "https://10.1.2.3 https://[::ffff:10.1.2.3] https://[64:ff9b::a01:203] https://harbor.example.com", ""},
		{Policy{Allowed: parsePrefixes(t, "10.1.0.0/16")}, "https://10.2.0.1 https://203.0.113.7 https://[2001:db8::7] https://[64:ff9b::a02:1]", "AddressNotAllowed"},
		{Policy{Denied: parsePrefixes(t, "10.96.0.0/12 fd00:96::/112")}, "https://10.96.0.1 https://[::ffff:10.96.0.1] https://[64:ff9b::a60:1] https://[fd00:96::1]", "AddressDenied"},
		{Policy{Denied: parsePrefixes(t, "127.0.0.1"), Allowed: parsePrefixes(t, "127.0.0.0/8")}, "https://127.0.0.1", "AddressDenied"},
		{Policy{Hosts: parseHosts(t, named)}, "https://harbor.example.com https://HARBOR.EXAMPLE.COM.:8443 https://a.example.org https://a.b.example.org https://harbor.example.net:8443 https://192.0.2.7 https://[::ffff:192.0.2.7] https://[2001:db8:0::7]:8443", ""},
		{Policy{Hosts: parseHosts(t, named)}, "https://example.org https://badexample.org https://harbor.example.com.evil.example https://harbor.example.net https://192.0.2.8 https://[2001:db8::7] https://evil.example", "HostNotAllowed"},
		{Policy{Hosts: parseHosts(t, "127.0.0.1")}, "https://127.0.0.1", "AddressSpecial loopback"},
		{Policy{Hosts: parseHosts(t, "harbor.example.com:80"), PlainHTTP: true}, "http://harbor.example.com http://harbor.example.com:80", ""},
	} {
		for text := range strings.FieldsSeq(tt.urls) {
			u, err := url.Parse(text)
			if err != nil {
				u = &url.URL{Scheme: "https", Host: strings.TrimPrefix(text, "https://")}
			}
			if got := causeOf(t, tt.policy.Endpoint(u, false)); got != tt.want {
				t.Errorf("%s: %q, want %q", text, got, tt.want)
			}
		}
	}
	u := &url.URL{Scheme: "https", Host: "harbor.example.com"}
	if got := causeOf(t, (&Policy{}).Endpoint(u, true)); got != "InsecureTLS" {
		t.Errorf("not verified: %q", got)
	}
	if got := causeOf(t, (&Policy{InsecureTLS: true}).Endpoint(u, true)); got != "" {
		t.Errorf("not verified, and allowed: %q", got)
	}
}

// TestRefusalSaysNoAddress: what a name resolves to is not told.
func TestRefusalSaysNoAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "10.0.0.7", "169.254.169.254", "203.0.113.9"} {
		p := Policy{Denied: parsePrefixes(t, "10.0.0.0/8"), Allowed: parsePrefixes(t, "192.0.2.0/24")}
		err := p.Address(netip.MustParseAddr(address))
		if err == nil || strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestParseHost(t *testing.T) {
	for _, text := range []string{"", "*", "*.", "https://harbor.example.com", "harbor.example.com/x", "a b", "*.10.0.0.1", "a:0", "a:65536", "a:x", "127.1", "*a.example.com", "a.*.com", "harbör", "[::1"} {
		if host, err := ParseHost(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %+v, %v", text, host, err)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3": "10.1.2.3/32", "::1": "::1/128", "fd00::/8": "fd00::/8"} {
		if got, err := ParsePrefix(text); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"": "10.0.0.0/8", "x": "10.0.0.0/8", "10.0.0.0/33": "10.0.0.0/8", "fe80::1%eth0": "10.0.0.0/8",
		"10.1.2.3/8": "10.0.0.0/8", "::ffff:10.0.0.0/104": "IPv4", "::ffff:10.0.0.1": "10.0.0.0/8",
	} {
		if got, err := ParsePrefix(text); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
