// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
)

// TestRefusal: what is refused is told with field, value, and remedy.
func TestRefusal(t *testing.T) {
	for cause, says := range map[egress.Cause][]string{
		egress.PlainHTTP:         {"spec.harbor.url", `"harbor.example.com:80"`, "https://", "--allow-plain-http"},
		egress.InsecureTLS:       {"spec.harbor.insecureSkipTLSVerify", "caBundleRef", "--allow-insecure-tls"},
		egress.HostForm:          {"spec.harbor.url", `"harbor.example.com:80"`, "ASCII"},
		egress.HostNotAllowed:    {"spec.harbor.url", `"harbor.example.com:80"`, "--allowed-harbor-hosts"},
		egress.AddressDenied:     {"spec.harbor.url", `"harbor.example.com:80"`, "--denied-harbor-cidrs"},
		egress.AddressSpecial:    {"spec.harbor.url", `"harbor.example.com:80"`, "a loopback address", "--allowed-harbor-cidrs"},
		egress.AddressNotAllowed: {"spec.harbor.url", `"harbor.example.com:80"`, "--allowed-harbor-cidrs"},
	} {
		err := fmt.Errorf("systeminfo: %w", &egress.RefusalError{Cause: cause, Kind: "loopback"})
		message, refused := refusal(err, "http://harbor.example.com:80/prefix")
		for _, text := range says {
			if !refused || !strings.Contains(message, text) {
				t.Errorf("%s: %q, want %s in it", cause, message, text)
			}
		}
		if long, _ := refusal(err, "https://"+strings.Repeat("a", 2000)); len(long) > maxMessage {
			t.Errorf("%s: %d bytes for a long host", cause, len(long))
		}
	}
	if _, refused := refusal(errors.New("anything else"), "https://harbor.example.com"); refused {
		t.Error("any error is taken for a refusal")
	}
}
